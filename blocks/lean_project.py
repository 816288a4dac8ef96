"""WHAT to work on: a repository."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, field_validator

from orchestrator.run.request import Publish


class LeanProject(Block):
    """A Lean repository whose sorries are to be proved, and what is done with the proofs.

    Example:
        `LeanProject(repo="https://github.com/owner/project", publish="pr", source_host="github").save("project")`
    """

    _block_type_name = "Lean project"
    _block_type_slug = "lean-project"
    _description = "A Lean repository whose sorries are to be proved, and what is done with the proofs."

    repo: str = Field(description="Folder on the worker, or URL of the git repository.")
    ref: str = Field(default="HEAD", description="Branch, tag or commit to work on.")
    publish: Publish = Field(
        default=Publish.PATCH,
        description="patch: files only; branch: also a branch that is pushed; pr: also a pull request.",
    )
    out: str = Field(default="", description="Folder on the worker for the results; nothing is written when empty.")
    source_host: str = Field(default="", description="Name of the Source host block to publish with.")
    ledger: str = Field(default="", description="Name of the Ledger database block; the worker's settings if empty.")
    prover: str = Field(default="", description="Name of the Prover block; the worker's settings if empty.")

    @field_validator("repo", "ref")
    @classmethod
    def _no_option(cls, value: str) -> str:
        if not value.strip() or value.startswith("-"):
            raise ValueError("must name something, and not begin with a dash")
        return value
