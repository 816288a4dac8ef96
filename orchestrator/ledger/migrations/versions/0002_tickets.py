"""The lemma marketplace: tickets, who waits for them, their history; and the helper lemmas of a proof."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    default = None if nullable else sa.func.current_timestamp()
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _json(name: str, empty: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), server_default=sa.text(f"'{empty}'"), nullable=False)


def upgrade() -> None:
    op.add_column("proofs", _json("helpers", "[]"))
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(length=64), nullable=False),
        _text("repo"),
        sa.Column("goal_hash", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        *map(_text, ("goal", "signature", "goal_text", "name")),
        _json("place", "{}"),
        _json("labels", "[]"),
        _json("constraints", "[]"),
        _text("environment"),
        sa.Column("priority", sa.Float(), server_default=sa.text("0.5"), nullable=False),
        sa.Column("rank", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="open", nullable=False),
        _text("supplier"),
        _time("lease_until", nullable=True),
        sa.Column("claims", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *map(_text, ("proof", "script")),
        _json("premises", "[]"),
        _text("reason"),
        _time("created_at"),
        _time("updated_at"),
        _time("completed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("repo", "goal_hash", name="uq_tickets_repo_goal_hash"),
    )
    op.create_index("ix_tickets_status_rank", "tickets", ["status", "rank"])
    op.create_index("ix_tickets_lease_until", "tickets", ["lease_until"])
    op.create_table(
        "ticket_waits",
        sa.Column("ticket_id", sa.String(length=64), nullable=False),
        sa.Column("requester", sa.String(length=128), nullable=False),
        sa.Column("goal_id", sa.String(length=64), nullable=False),
        *map(_text, ("declaration", "file")),
        _json("use", "{}"),
        sa.Column("status", sa.String(length=16), server_default="waiting", nullable=False),
        _time("created_at"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_ticket_waits_ticket_id"),
        sa.PrimaryKeyConstraint("ticket_id", "requester", "goal_id", name="pk_ticket_waits"),
    )
    op.create_index("ix_ticket_waits_goal_id", "ticket_waits", ["goal_id"])
    op.create_table(
        "ticket_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.String(length=64), nullable=False),
        _time("timestamp"),
        sa.Column("kind", sa.String(length=16), nullable=False),
        *map(_text, ("who", "detail")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_ticket_events_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_events"),
    )
    op.create_index("ix_ticket_events_ticket_id_id", "ticket_events", ["ticket_id", "id"])
