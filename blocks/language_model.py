"""WHERE a language model is."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr


class LanguageModel(Block):
    """A language model behind an OpenAI-compatible endpoint, which sketches proofs."""

    _block_type_name = "Language model"
    _block_type_slug = "language-model"
    _description = "A language model behind an OpenAI-compatible endpoint, which sketches proofs."

    base_url: HttpUrl = Field(description="Address of the endpoint, such as http://localhost:8000/v1.")
    model: str = Field(min_length=1, description="Name of the model, as the endpoint calls it.")
    api_key: SecretStr = Field(default=SecretStr(""), description="Key; empty where none is asked for.")
    max_tokens: int = Field(default=2048, ge=16, le=200_000, description="Longest answer, in tokens.")
