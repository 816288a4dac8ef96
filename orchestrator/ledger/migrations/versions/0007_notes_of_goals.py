"""Why a goal stands where it does, such as the values for which it is false."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("goals", sa.Column("note", sa.Text(), server_default="", nullable=False))
