"""Which goal it is by Lean's own terms, beside the hash of its text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for table in ("goals", "attempts"):
        op.add_column(table, sa.Column("identity", sa.String(64), server_default="", nullable=False))
    op.create_index("ix_attempts_identity_strategy", "attempts", ["identity", "strategy"])
    op.add_column("tactic_cache", sa.Column("text_hash", sa.String(64), server_default="", nullable=False))
    op.add_column("tactic_cache", sa.Column("names", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    op.create_index("ix_tactic_cache_text_hash", "tactic_cache", ["text_hash"])
