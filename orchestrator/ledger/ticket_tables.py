"""Tables of the lemma marketplace. As in `tables`, rows stay inside this package."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlmodel import Field

from orchestrator.ledger.tables import Base, _hash, _json, _number, _table, _text, _time


class TicketRow(Base, table=True):
    """A lemma that somebody misses. One row for each statement of a repository, however often it is asked for."""

    __tablename__ = "tickets"
    __table_args__ = (UniqueConstraint("repo", "goal_hash"), Index(None, "status", "rank"), Index(None, "lease_until"))

    id: str = Field(sa_column=Column(String(64), primary_key=True))
    repo: str = _text()
    goal_hash: str = _hash()
    digest: str = _hash()
    goal: str = _text()
    signature: str = _text()
    goal_text: str = _text()
    name: str = _text()
    place: dict[str, Any] = _json()
    labels: list[str] = _json(empty="[]")
    constraints: list[str] = _json(empty="[]")
    environment: str = _text()
    priority: float = Field(sa_column=Column(Float, nullable=False, server_default=text("0.5")))
    rank: float = _number(Float)
    status: str = Field(sa_column=Column(String(16), nullable=False, server_default="open"))
    supplier: str = _text()
    lease_until: datetime | None = _time(nullable=True)
    claims: int = _number(Integer)
    proof: str = _text()
    script: str = _text()
    premises: list[str] = _json(empty="[]")
    reason: str = _text()
    created_at: datetime = _time()
    updated_at: datetime = _time()
    completed_at: datetime | None = _time(nullable=True)


class TicketWait(Base, table=True):
    """Somebody who waits for a ticket: a goal's strategy, or a person."""

    __tablename__ = "ticket_waits"
    __table_args__ = (Index(None, "goal_id"),)

    ticket_id: str = Field(sa_column=Column(String(64), ForeignKey("tickets.id"), primary_key=True))
    requester: str = Field(sa_column=Column(String(128), primary_key=True))
    goal_id: str = Field(sa_column=Column(String(64), primary_key=True))
    declaration: str = _text()
    file: str = _text()
    use: dict[str, Any] = _json()
    status: str = Field(sa_column=Column(String(16), nullable=False, server_default="waiting"))
    created_at: datetime = _time()


class TicketEventRow(Base, table=True):
    """Something that happened to a ticket. Rows are only ever added."""

    __tablename__ = "ticket_events"
    __table_args__ = (Index(None, "ticket_id", "id"),)

    id: int | None = Field(default=None, sa_column=Column(Integer, primary_key=True))
    ticket_id: str = Field(sa_column=Column(String(64), ForeignKey("tickets.id"), nullable=False))
    timestamp: datetime = _time()
    kind: str = Field(sa_column=Column(String(16), nullable=False))
    who: str = _text()
    detail: str = _text()


TICKETS = _table("tickets")
TICKET_WAITS = _table("ticket_waits")
TICKET_EVENTS = _table("ticket_events")
