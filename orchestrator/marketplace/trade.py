"""What a run did on the marketplace, as its report shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.ledger.ticket_records import TicketStatus


@dataclass(frozen=True, slots=True)
class Trade:
    """One ticket of a run, as the report shows it.

    Attributes:
        ticket: id of the ticket.
        lemma, statement: the name and the signature that were asked for.
        status: where it stands at the end.
        asked_by: declarations that asked for it.
        supplier: who proved it ("" when nobody did).
        used_by: declarations whose proofs use it.
        reason: why it was cancelled, rejected or refused.
    """

    ticket: str
    lemma: str
    statement: str
    status: TicketStatus
    asked_by: tuple[str, ...]
    supplier: str = ""
    used_by: tuple[str, ...] = ()
    reason: str = ""
