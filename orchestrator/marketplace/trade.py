"""What a run did on the marketplace, as its report shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.ledger.ticket_records import TicketStatus


@dataclass(frozen=True, slots=True)
class Trade:
    """One ticket of a run, as the report shows it.

    Attributes:
        ticket_id, lemma, statement: the ticket.
        status: where it stands at the end.
        asked_by, used_by: declarations.
        supplier: who proved it ("" when nobody did).
        reason: why it was cancelled, rejected or refused.
    """

    ticket_id: str
    lemma: str
    statement: str
    status: TicketStatus
    asked_by: tuple[str, ...]
    used_by: tuple[str, ...]
    supplier: str = ""
    reason: str = ""
