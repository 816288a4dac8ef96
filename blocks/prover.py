"""HOW to work: how much effort a run makes."""

from __future__ import annotations

from typing import Literal

from prefect.blocks.core import Block
from pydantic import Field


class Prover(Block):
    """How much effort a run makes. What is left empty is taken from the worker's settings."""

    _block_type_name = "Lean prover"
    _block_type_slug = "lean-prover"
    _description = "How much effort a run makes: profile, seconds, servers, attempts at once."

    profile: Literal[0, 1, 2] = Field(default=1, description="0 stub workers, 1 normal, 2 thorough.")
    budget_seconds: float | None = Field(default=None, gt=0, description="Seconds strategies may work in a run.")
    servers: int | None = Field(default=None, ge=1, le=256, description="Lean servers at once, about 1 GB each.")
    max_light: int = Field(default=8, ge=1, le=10_000, description="Attempts at once on easy goals.")
    max_heavy: int = Field(default=2, ge=1, le=10_000, description="Attempts at once on hard goals.")
    speculation: int = Field(default=3, ge=1, le=5, description="Strategies tried on one goal at the same time.")
    language_model: str = Field(
        default="", description="Name of a Language model block that sketches proofs; that of the worker if empty."
    )
