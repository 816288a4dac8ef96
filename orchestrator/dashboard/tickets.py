"""The marketplace as the dashboard sees it: what is asked for, and the three things a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol


class TicketState(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to a ticket."""

    kind: str
    at: datetime
    who: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketView:
    """A lemma that somebody misses.

    Attributes:
        name: the full name it is to have.
        statement: as it follows the name, or as it was asked for.
        goal_text: as Lean prints it, hypotheses then target ("" when it was not elaborated).
        priority: 0 to 1.
        waiting: how many requesters wait for it.
        requesters: who, and for which declaration.
        reason: why it ended, or why the newest proof was refused.
    """

    id: str
    name: str = ""
    statement: str = ""
    goal_text: str = ""
    repo: str = ""
    state: TicketState = TicketState.OPEN
    priority: float = 0.5
    supplier: str = ""
    lease_until: datetime | None = None
    waiting: int = 0
    requesters: Sequence[str] = ()
    proof: str = ""
    reason: str = ""
    created_at: datetime | None = None
    history: Sequence[Happening] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an action: whether it was done, and words for a person."""

    done: bool
    words: str


class Board(Protocol):
    """The marketplace. Reading is quick; completing may take as long as Lean takes to verify a proof."""

    def counts(self) -> Mapping[TicketState, int]:
        """How many tickets stand where."""

    def tickets(self, state: TicketState | None = None, *, limit: int = 100) -> Sequence[TicketView]:
        """Tickets, the most urgent first, without their histories."""

    def ticket(self, ticket_id: str) -> TicketView | None:
        """One ticket, with everything there is to say."""

    async def claim(self, ticket_id: str, supplier: str) -> Answer:
        """Take a ticket."""

    async def release(self, ticket_id: str, supplier: str) -> Answer:
        """Give a claimed ticket back."""

    async def complete(self, ticket_id: str, proof: str, supplier: str) -> Answer:
        """Hand in a proof, which is verified."""


class MemoryBoard:
    """The in-memory twin: a proof is refused if it holds a `sorry`.

    Args:
        tickets: what is on it.
    """

    def __init__(self, tickets: Sequence[TicketView] = ()) -> None:
        self._tickets = {ticket.id: ticket for ticket in tickets}

    def counts(self) -> Mapping[TicketState, int]:
        """See `Board`."""
        states = [ticket.state for ticket in self._tickets.values()]
        return {state: states.count(state) for state in TicketState}

    def tickets(self, state: TicketState | None = None, *, limit: int = 100) -> Sequence[TicketView]:
        """See `Board`."""
        found = [ticket for ticket in self._tickets.values() if state is None or ticket.state is state]
        return sorted(found, key=lambda ticket: -ticket.priority)[:limit]

    def ticket(self, ticket_id: str) -> TicketView | None:
        """See `Board`."""
        return self._tickets.get(ticket_id)

    async def claim(self, ticket_id: str, supplier: str) -> Answer:
        """See `Board`."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None or ticket.state is not TicketState.OPEN:
            return Answer(False, "This ticket is not open any more.")
        until = datetime.now(UTC) + timedelta(hours=1)
        self._change(ticket, "claimed", supplier, state=TicketState.CLAIMED, supplier=supplier, lease_until=until)
        return Answer(True, f"Claimed for {supplier}.")

    async def release(self, ticket_id: str, supplier: str) -> Answer:
        """See `Board`."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None or (ticket.state, ticket.supplier) != (TicketState.CLAIMED, supplier):
            return Answer(False, "This ticket is not yours.")
        self._change(ticket, "released", supplier, state=TicketState.OPEN, supplier="", lease_until=None)
        return Answer(True, "Given back.")

    async def complete(self, ticket_id: str, proof: str, supplier: str) -> Answer:
        """See `Board`."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None or (ticket.state, ticket.supplier) != (TicketState.CLAIMED, supplier):
            return Answer(False, "Claim this ticket first.")
        if "sorry" in proof:
            self._change(ticket, "refused", supplier, "it has a sorry", reason="it has a sorry")
            return Answer(False, "Refused: it has a sorry.")
        self._change(ticket, "completed", supplier, state=TicketState.COMPLETED, proof=proof, lease_until=None)
        return Answer(True, "Verified, and completed.")

    def _change(self, ticket: TicketView, kind: str, who: str, detail: str = "", **changes: object) -> None:
        happened = Happening(kind=kind, at=datetime.now(UTC), who=who, detail=detail)
        changes["history"] = (*ticket.history, happened)
        self._tickets[ticket.id] = replace(ticket, **changes)  # type: ignore[arg-type]
