"""Source of goals, progress of runs, blueprints, the strategies' history, and indexes for looking at it all."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_INDEXES = (
    ("goals", ("difficulty", "repo", "id")),
    ("goals", ("file", "source_line", "repo", "id")),
    ("goals", ("declaration", "repo", "id")),
    ("goals", ("status", "difficulty", "repo", "id")),
    ("goals", ("status", "file", "source_line", "repo", "id")),
    ("goals", ("status", "declaration", "repo", "id")),
    ("proofs", ("verdict", "goal_hash", "timestamp")),
    ("proofs", ("timestamp",)),
)


def upgrade() -> None:
    op.add_column("goals", sa.Column("source", sa.Text(), server_default="", nullable=False))
    op.add_column("goals", sa.Column("source_line", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.drop_index("ix_proofs_verdict", "proofs")
    op.drop_index("ix_goals_status_difficulty", "goals")
    for table, columns in _INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    proved: dict[str, Any] = {"sqlite_where": sa.text("success = 1"), "postgresql_where": sa.text("success")}
    op.create_index("ix_attempts_proved", "attempts", ["goal_hash", "strategy"], **proved)
    op.create_index("ix_attempts_proved_timestamp", "attempts", ["timestamp"], **proved)
    op.create_table(
        "strategy_history",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("strategy", sa.String(length=128), nullable=False),
        sa.Column("trials", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("successes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("success_rate", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("minute", "strategy", name="pk_strategy_history"),
    )
    op.create_table(
        "run_progress",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("found", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("active", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_progress_run_id"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_progress"),
    )
    op.create_table(
        "blueprints",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), server_default="", nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=True),
        sa.Column("nodes", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_blueprints_run_id"),
        sa.PrimaryKeyConstraint("repo", name="pk_blueprints"),
    )
