"""Indexes for what a run asks of a ledger with a million attempts: each query walks one from its first row on."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Newer."""
    # Of a strategy that never succeeded, the newest successes are not looked for in all attempts.
    op.create_index("ix_attempts_strategy_success_id", "attempts", ["strategy", "success", "id"])
    # The whole order of claims, so that nothing is sorted for the easiest goal.
    op.create_index("ix_goals_status_difficulty_repo_id", "goals", ["status", "difficulty", "repo", "id"])
    op.drop_index("ix_goals_status_difficulty", "goals")


def downgrade() -> None:
    """Older."""
    op.create_index("ix_goals_status_difficulty", "goals", ["status", "difficulty"])
    op.drop_index("ix_goals_status_difficulty_repo_id", "goals")
    op.drop_index("ix_attempts_strategy_success_id", "attempts")
