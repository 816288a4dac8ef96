"""WHERE the ledger is."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator


class LedgerDatabase(Block):
    """The database that runs, attempts and proofs are recorded in; several workers share one PostgreSQL database."""

    _block_type_name = "Ledger database"
    _block_type_slug = "ledger-database"
    _description = "The database that runs, attempts and proofs are recorded in."

    url: SecretStr = Field(description="postgresql+psycopg://user:password@host/database, or sqlite:///file.")

    @field_validator("url")
    @classmethod
    def _known(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not (text.startswith("sqlite:///") or text.partition("://")[0].partition("+")[0] == "postgresql"):
            raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
        return value
