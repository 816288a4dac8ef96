"""An index for what a run asks of a ledger with a million attempts."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # Of a strategy that never succeeded, the newest successes are not looked for in all attempts.
    op.create_index("ix_attempts_strategy_success_id", "attempts", ["strategy", "success", "id"])
