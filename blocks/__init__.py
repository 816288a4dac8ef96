"""Prefect blocks: what to work on, how, and where things are. Declarations only."""

from __future__ import annotations

from typing import Literal

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, field_validator

from orchestrator.config import PromptStyle
from orchestrator.run.request import HostKind, Publish


class LeanProject(Block):
    """A Lean repository whose sorries are to be proved, and what is done with the proofs.

    Example:
        `LeanProject(repo="https://github.com/owner/project", publish="pr", source_host="github").save("project")`
    """

    _block_type_name = "Lean project"

    repo: str = Field(description="Folder on the worker, or URL of the git repository.")
    ref: str = Field(default="HEAD", description="Branch, tag or commit to work on.")
    publish: Publish = Field(
        default=Publish.PATCH,
        description="patch: files only; branch: also a branch that is pushed; pr: also a pull request.",
    )
    out: str = Field(
        default="", description="Folder on the worker for the results; if empty, one a run in the data folder."
    )
    source_host: str = Field(default="", description="Name of the Source host block to publish with.")
    ledger: str = Field(default="", description="Name of the Ledger database block; the worker's settings if empty.")
    prover: str = Field(default="", description="Name of the Prover block; the worker's settings if empty.")

    @field_validator("repo", "ref")
    @classmethod
    def _no_option(cls, value: str) -> str:
        if not value.strip() or value.startswith("-"):
            raise ValueError("must name something, and not begin with a dash")
        return value


class Prover(Block):
    """How much effort a run makes: profile, seconds, servers, attempts at once; where empty, as the worker has it."""

    _block_type_name = "Lean prover"

    profile: Literal[0, 1, 2] | None = Field(default=None, description="0 stub workers, 1 normal, 2 thorough.")
    budget_seconds: float | None = Field(default=None, gt=0, description="Seconds strategies may work in a run.")
    servers: int | None = Field(default=None, ge=1, le=256, description="Lean servers at once, about 1 GB each.")
    max_light: int | None = Field(default=None, ge=1, le=10_000, description="Attempts at once on easy goals.")
    max_heavy: int | None = Field(default=None, ge=1, le=10_000, description="Attempts at once on hard goals.")
    speculation: int | None = Field(
        default=None, ge=1, le=6, description="Strategies tried on one goal at the same time."
    )
    language_model: str = Field(
        default="", description="Name of a Language model block that sketches proofs; that of the worker if empty."
    )


class LedgerDatabase(Block):
    """The database that runs, attempts and proofs are recorded in; several workers share one PostgreSQL database."""

    _block_type_name = "Ledger database"

    url: SecretStr = Field(description="postgresql+psycopg://user:password@host/database, or sqlite:///file.")

    @field_validator("url")
    @classmethod
    def _known(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not (text.startswith("sqlite:///") or text.partition("://")[0].partition("+")[0] == "postgresql"):
            raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
        return value


class LanguageModel(Block):
    """A language model behind an OpenAI-compatible endpoint, which sketches proofs."""

    _block_type_name = "Language model"

    base_url: HttpUrl = Field(description="Address of the endpoint, such as http://localhost:8000/v1.")
    model: str = Field(min_length=1, description="Name of the model, as the endpoint calls it.")
    api_key: SecretStr = Field(default=SecretStr(""), description="Key; empty where none is asked for.")
    max_tokens: int = Field(default=2048, ge=16, le=200_000, description="Longest answer, in tokens.")
    temperature: float = Field(default=0.2, ge=0, le=10, description="How much answers vary; 0 for the likeliest.")
    samples: int = Field(default=1, ge=1, le=256, description="Whole proofs that are asked for in one request.")
    style: PromptStyle = Field(
        default=PromptStyle.CHAT, description="chat: a conversation; completion: to go on with the file at the sorry."
    )


class SourceHost(Block):
    """The host that a repository lies on, with a token that may push branches and open pull requests."""

    _block_type_name = "Source host"

    kind: HostKind = Field(default=HostKind.GITHUB, description="Whose API it speaks: github or gitlab.")
    repository: str = Field(pattern=r"^[^/\s]+(/[^/\s]+)+$", description="owner/name, or a GitLab path.")
    token: SecretStr = Field(default=SecretStr(""), description="Token for the API and for pushing over https.")
    api_url: HttpUrl | None = Field(default=None, description="The API, where it is not that of github.com/gitlab.com.")
    push_url: str = Field(default="", description="Where branches are pushed; the repository itself if empty.")


BLOCKS = (LeanProject, Prover, LedgerDatabase, LanguageModel, SourceHost)
