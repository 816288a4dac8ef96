"""The goal that cached tactics proved, so that they can be put into the names of another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("tactic_cache", sa.Column("goal_text", sa.Text(), server_default="", nullable=False))
