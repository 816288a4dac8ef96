"""What the processes of the marketplace's concurrency tests do."""

from __future__ import annotations

import os
import signal
from itertools import islice
from typing import Protocol

from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import Ticket, TicketRequester, TicketStatus


class Barrier(Protocol):
    """Lets all go at once."""

    def wait(self) -> int: ...


def ticket(number: int, *, priority: float = 0.5) -> Ticket:
    """A ticket with a statement of its own."""
    return Ticket(
        ticket_id=f"t{number:04}",
        goal=f"p {number}",
        signature=f": p {number}",
        goal_text=f"⊢ p {number}",
        goal_hash=f"{number:064}",
        digest=f"{number:064}",
        name=f"lemma_{number}",
        priority=priority,
    )


def fill(url: str, tickets: int) -> None:
    """A ledger with so many open tickets."""
    with Ledger.open(url) as ledger:
        for number in range(tickets):
            ledger.open_ticket(ticket(number), TicketRequester(requester="r", goal_id=f"g{number}"))


def claimed(ledger: Ledger, supplier: str, lease_seconds: float, most: int) -> tuple[Ticket, ...]:
    """Up to `most` open tickets that are this supplier's now."""
    open_ones = ledger.tickets(status=TicketStatus.OPEN)
    mine = (one for one in open_ones if ledger.claim_ticket(one.ticket_id, supplier, lease_seconds=lease_seconds))
    return tuple(islice(mine, most))


def supply(url: str, supplier: str, barrier: Barrier) -> None:
    """Claim and complete tickets until none is left."""
    with Ledger.open(url) as ledger:
        barrier.wait()
        while taken := claimed(ledger, supplier, 600, 3):
            for one in taken:
                assert ledger.complete_ticket(one.ticket_id, supplier, proof="theorem", script=f"by {supplier}")


def supply_and_die(url: str, supplier: str, barrier: Barrier, lease_seconds: float) -> None:
    """Claim tickets, complete one, and be killed with the others in hand."""
    with Ledger.open(url) as ledger:
        barrier.wait()
        first, *_ = claimed(ledger, supplier, lease_seconds, 4)
        ledger.complete_ticket(first.ticket_id, supplier, proof="theorem", script="rfl")
        os.kill(os.getpid(), signal.SIGKILL)
