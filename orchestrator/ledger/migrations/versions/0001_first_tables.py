"""Runs, goals, attempts and their counts, proofs, the tactic cache, strategy statistics and claims."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "attempt_totals",
        sa.Column("strategy", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("strategy", "outcome", name="pk_attempt_totals"),
    )
    op.create_table(
        "attempted_goals",
        sa.Column("goal_hash", sa.String(length=64), nullable=False),
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("goal_text", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("successes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("goal_hash", "text_digest", name="pk_attempted_goals"),
    )
    op.create_index(
        "ix_attempted_goals_successes_goal_hash_text_digest",
        "attempted_goals",
        ["successes", "goal_hash", "text_digest"],
    )

    op.create_table(
        "claims",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), server_default="", nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "goal", name="pk_claims"),
    )
    op.create_index("ix_claims_expires_at", "claims", ["expires_at"])

    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("repo", sa.Text(), server_default="", nullable=False),
        sa.Column("ref", sa.Text(), server_default="", nullable=False),
        sa.Column("commit", sa.Text(), server_default="", nullable=False),
        sa.Column("profile", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("configuration", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="running", nullable=False),
        sa.Column("totals", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"])

    op.create_table(
        "strategy_statistics",
        sa.Column("strategy", sa.String(length=128), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("trials", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("successes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("success_rate", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("success_seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("ema_success_seconds", sa.Float(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("strategy", "context", name="pk_strategy_statistics"),
    )
    op.create_table(
        "tactic_cache",
        sa.Column("goal_hash", sa.String(length=64), nullable=False),
        sa.Column("tactics", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("success_rate", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("avg_time", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("use_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_used", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("goal_hash", name="pk_tactic_cache"),
    )
    op.create_index("ix_tactic_cache_use_count", "tactic_cache", ["use_count"])

    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("goal_hash", sa.String(length=64), nullable=False),
        sa.Column("goal_text", sa.Text(), server_default="", nullable=False),
        sa.Column("strategy", sa.String(length=64), nullable=False),
        sa.Column("success", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("time_seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("tactics", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=True),
        sa.Column("goal_id", sa.Text(), server_default="", nullable=False),
        sa.Column("repo", sa.Text(), server_default="", nullable=False),
        sa.Column("commit", sa.Text(), server_default="", nullable=False),
        sa.Column("configuration", sa.Text(), server_default="", nullable=False),
        sa.Column("environment", sa.Text(), server_default="", nullable=False),
        sa.Column("budget_seconds", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=16), server_default="not_proved", nullable=False),
        sa.Column("metadata", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_attempts_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_run_id_id", "attempts", ["run_id", "id"])
    op.create_index("ix_attempts_timestamp", "attempts", ["timestamp"])
    op.create_index(
        "ix_attempts_tried",
        "attempts",
        ["goal_hash", "strategy", "configuration", "environment", "outcome", "budget_seconds"],
    )

    op.create_table(
        "goals",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("goal_hash", sa.String(length=64), nullable=False),
        sa.Column("goal_text", sa.Text(), server_default="", nullable=False),
        sa.Column("commit", sa.Text(), server_default="", nullable=False),
        sa.Column("file", sa.Text(), server_default="", nullable=False),
        sa.Column("module", sa.Text(), server_default="", nullable=False),
        sa.Column("declaration", sa.Text(), server_default="", nullable=False),
        sa.Column("span", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("command", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("kind", sa.String(length=16), server_default="tactic", nullable=False),
        sa.Column("is_prop", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("context", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("difficulty", sa.Float(), server_default=sa.text("0.5"), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("environment", sa.Text(), server_default="", nullable=False),
        sa.Column("first_seen_run", sa.String(length=64), nullable=True),
        sa.Column("last_seen_run", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["first_seen_run"], ["runs.id"], name="fk_goals_first_seen_run"),
        sa.ForeignKeyConstraint(["last_seen_run"], ["runs.id"], name="fk_goals_last_seen_run"),
        sa.PrimaryKeyConstraint("repo", "id", name="pk_goals"),
    )
    op.create_index("ix_goals_goal_hash", "goals", ["goal_hash"])
    op.create_index("ix_goals_last_seen_run", "goals", ["last_seen_run"])
    op.create_index("ix_goals_status_repo", "goals", ["status", "repo"])
    op.create_index("ix_goals_status_difficulty", "goals", ["status", "difficulty"])

    op.create_table(
        "proofs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("goal_hash", sa.String(length=64), nullable=False),
        sa.Column("goal_id", sa.Text(), server_default="", nullable=False),
        sa.Column("repo", sa.Text(), server_default="", nullable=False),
        sa.Column("commit", sa.Text(), server_default="", nullable=False),
        sa.Column("file", sa.Text(), server_default="", nullable=False),
        sa.Column("declaration", sa.Text(), server_default="", nullable=False),
        sa.Column("strategy", sa.String(length=64), server_default="", nullable=False),
        sa.Column("script", sa.Text(), server_default="", nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("checks", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("patch", sa.Text(), server_default="", nullable=False),
        sa.Column("environment", sa.Text(), server_default="", nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=True),
        sa.Column("timestamp", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_proofs_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_proofs"),
    )
    op.create_index("ix_proofs_goal_hash", "proofs", ["goal_hash"])
    op.create_index("ix_proofs_run_id", "proofs", ["run_id"])
    op.create_index("ix_proofs_verdict", "proofs", ["verdict"])
