"""What a run did on the marketplace, as its report shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.goals.result import Result
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import TicketStatus, WaitStatus


@dataclass(frozen=True, slots=True)
class Trade:
    """One ticket of a run, as the report shows it. `supplier`: who proved it ("" when nobody did)."""

    ticket: str
    lemma: str
    statement: str
    status: TicketStatus
    asked_by: tuple[str, ...]
    supplier: str = ""
    used_by: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MarketOutcome:
    """What a run on the marketplace came to: goals closed, by id, and its tickets."""

    results: Mapping[str, Result] = field(default_factory=dict)
    trades: tuple[Trade, ...] = ()


def trades_of(ledger: Ledger, ticket_ids: Iterable[str]) -> tuple[Trade, ...]:
    """These tickets as they stand: those that were used first, then those that are completed."""
    found = []
    for ticket in filter(None, map(ledger.ticket, ticket_ids)):
        waits = ledger.ticket_requesters(ticket.ticket_id)
        found.append(
            Trade(
                ticket=ticket.ticket_id,
                lemma=ticket.name,
                statement=ticket.signature,
                status=ticket.status,
                asked_by=tuple(dict.fromkeys(w.declaration or w.requester for w in waits)),
                supplier=ticket.supplier.partition("/")[0] if ticket.status is TicketStatus.COMPLETED else "",
                used_by=tuple(dict.fromkeys(w.declaration for w in waits if w.status is WaitStatus.USED)),
                reason=ticket.reason,
            )
        )
    order = [TicketStatus.COMPLETED, *(status for status in TicketStatus if status is not TicketStatus.COMPLETED)]
    return tuple(sorted(found, key=lambda trade: (not trade.used_by, order.index(trade.status))))
