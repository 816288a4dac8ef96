"""Tickets in the ledger: joined, claimed, given back, completed, closed; and what is remembered of them."""

from __future__ import annotations

import pytest
from ledger_clock import Clock
from ticket_workers import ticket

from orchestrator.errors import MarketplaceError
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import (
    Ticket,
    TicketEventKind,
    TicketLocation,
    TicketRequester,
    TicketStatus,
    WaitStatus,
)


def asked(who: str = "stuck search", goal: str = "g1", **more: object) -> TicketRequester:
    return TicketRequester(requester=who, goal_id=goal, declaration=f"D.{goal}", use=more)


def kinds(ledger: Ledger, ticket_id: str) -> list[TicketEventKind]:
    return [event.kind for event in ledger.ticket_history(ticket_id)]


def test_a_ticket_is_kept_with_everything(ledger: Ledger, clock: Clock) -> None:
    location = TicketLocation(
        module="A.B", file="A/B.lean", declaration="A.c", namespace="A", opens=("Nat",), imports=("X",)
    )
    whole = Ticket(
        ticket_id="abc",
        goal="p ∧ q",
        signature="(h : p) : p ∧ q",
        goal_text="h : p\n⊢ p ∧ q",
        goal_hash="1" * 64,
        digest="2" * 64,
        name="A.c_helper",
        repo="/r",
        location=location,
        labels=("Hausdorff",),
        constraints=("noncomputable",),
        environment="e",
        priority=0.8,
    )
    opened = ledger.open_ticket(whole, asked())
    assert opened == ledger.ticket("abc")
    assert (opened.location, opened.labels, opened.constraints) == (location, ("Hausdorff",), ("noncomputable",))
    assert (opened.status, opened.waiting, opened.created_at) == (TicketStatus.OPEN, 1, clock.time)
    assert ledger.ticket("unknown") is None


def test_the_same_lemma_asked_twice_is_one_ticket(ledger: Ledger) -> None:
    ledger.open_ticket(ticket(1, priority=0.3), asked(goal="g1"))
    again = ledger.open_ticket(ticket(1, priority=0.7), asked(goal="g2"))
    assert (again.waiting, again.priority) == (2, 0.7)
    ledger.open_ticket(ticket(1, priority=0.1), asked(goal="g2", script="new"))
    (one,) = ledger.tickets()
    assert (one.waiting, one.priority) == (2, 0.7)
    waits = ledger.ticket_requesters(one.ticket_id)
    assert {wait.goal_id: dict(wait.use) for wait in waits} == {"g1": {}, "g2": {"script": "new"}}
    assert kinds(ledger, one.ticket_id) == [TicketEventKind.REQUESTED, TicketEventKind.JOINED]


def test_a_claim_holds_until_its_lease_runs_out(ledger: Ledger, clock: Clock) -> None:
    ledger.open_ticket(ticket(1), asked())
    assert ledger.claim_ticket("t0001", "micro", lease_seconds=60)
    assert not ledger.claim_ticket("t0001", "hammer", lease_seconds=60)
    assert ledger.tickets(status=TicketStatus.OPEN) == ()
    clock.move(seconds=59)
    assert ledger.claim_ticket("t0001", "micro", lease_seconds=60)
    clock.move(seconds=59)
    assert ledger.tickets(status=TicketStatus.CLAIMED)[0].supplier == "micro"
    clock.move(seconds=1)
    assert ledger.tickets(status=TicketStatus.CLAIMED) == ()
    assert ledger.tickets(status=TicketStatus.OPEN)[0].status is TicketStatus.OPEN
    assert not ledger.complete_ticket("t0001", "micro", proof="late", script="late")
    assert ledger.claim_ticket("t0001", "hammer", lease_seconds=60)
    assert kinds(ledger, "t0001")[1:] == [
        TicketEventKind.CLAIMED,
        TicketEventKind.RENEWED,
        TicketEventKind.EXPIRED,
        TicketEventKind.CLAIMED,
    ]
    with pytest.raises(MarketplaceError, match="no ticket nothing"):
        ledger.claim_ticket("nothing", "micro", lease_seconds=60)


def test_a_claim_can_be_given_back_by_its_holder_only(ledger: Ledger) -> None:
    ledger.open_ticket(ticket(1), asked())
    assert not ledger.release_ticket("t0001", "micro")
    ledger.claim_ticket("t0001", "micro", lease_seconds=60)
    assert not ledger.release_ticket("t0001", "hammer")
    assert ledger.release_ticket("t0001", "micro", reason="too hard")
    assert ledger.claim_ticket("t0001", "hammer", lease_seconds=60)
    assert ledger.ticket_history("t0001")[2].detail == "too hard"


def test_a_refused_proof_opens_the_ticket_again_and_says_why(ledger: Ledger) -> None:
    ledger.open_ticket(ticket(1), asked())
    ledger.claim_ticket("t0001", "micro", lease_seconds=60)
    assert ledger.refuse_proof("t0001", "micro", "it has a sorry of its own")
    (one,) = ledger.tickets()
    assert (one.status, one.reason) == (TicketStatus.OPEN, "it has a sorry of its own")


def test_a_completed_ticket_stays_so(ledger: Ledger, clock: Clock) -> None:
    ledger.open_ticket(ticket(1), asked())
    ledger.claim_ticket("t0001", "micro", lease_seconds=60)
    assert ledger.complete_ticket("t0001", "micro", proof="theorem x", script="rfl", premises=("t0000",))
    clock.move(seconds=3600)
    done = ledger.ticket("t0001")
    assert done is not None
    assert (done.status, done.completed_proof, done.premises) == (TicketStatus.COMPLETED, "theorem x", ("t0000",))
    assert not ledger.claim_ticket("t0001", "hammer", lease_seconds=60)
    assert not ledger.close_ticket("t0001", TicketStatus.CANCELLED, reason="late")
    assert ledger.reopen_ticket("t0001", reason="the file changed")
    again = ledger.ticket("t0001")
    assert again is not None
    assert (again.status, again.completed_proof, again.reason) == (TicketStatus.OPEN, "", "the file changed")


def test_cancelled_is_opened_by_asking_again_and_rejected_is_not(ledger: Ledger) -> None:
    ledger.open_ticket(ticket(1), asked())
    ledger.open_ticket(ticket(2), asked())
    assert ledger.close_ticket("t0001", TicketStatus.CANCELLED, reason="not needed", who="me")
    assert ledger.close_ticket("t0002", TicketStatus.REJECTED, reason="nonsense", who="me")
    assert not ledger.claim_ticket("t0001", "micro", lease_seconds=60)
    assert ledger.open_ticket(ticket(1), asked()).status is TicketStatus.OPEN
    assert ledger.open_ticket(ticket(2), asked()).status is TicketStatus.REJECTED


def test_a_ticket_that_nobody_waits_for_is_cancelled(ledger: Ledger) -> None:
    for goal in ("g1", "g2"):
        ledger.open_ticket(ticket(1), asked(goal=goal))
    assert ledger.settle_wait("t0001", "g1", WaitStatus.WITHDRAWN) == 1
    assert ledger.settle_wait("t0001", "g1", WaitStatus.WITHDRAWN) == 0
    assert ledger.tickets()[0].status is TicketStatus.OPEN
    ledger.settle_wait("t0001", "g2", WaitStatus.WITHDRAWN)
    assert (ledger.tickets()[0].status, ledger.tickets()[0].reason) == (
        TicketStatus.CANCELLED,
        "no longer needed",
    )


def test_the_most_urgent_comes_first_and_waiting_makes_urgent(ledger: Ledger, clock: Clock) -> None:
    ledger.open_ticket(ticket(1, priority=0.4), asked())
    clock.move(seconds=3600)
    ledger.open_ticket(ticket(2, priority=0.405), asked())
    ledger.open_ticket(ticket(3, priority=0.5), asked())
    assert [one.ticket_id for one in ledger.tickets()] == ["t0003", "t0001", "t0002"]
    assert all(ledger.claim_ticket(one, "micro", lease_seconds=60) for one in ("t0003", "t0001"))
    assert [one.ticket_id for one in ledger.tickets(status=TicketStatus.OPEN)] == ["t0002"]


def test_lists_can_be_narrowed(ledger: Ledger) -> None:
    for number in range(5):
        ledger.open_ticket(ticket(number, priority=number / 10), asked(goal=f"g{number % 2}"))
    assert [one.ticket_id for one in ledger.tickets(limit=2)] == ["t0004", "t0003"]
    assert len(ledger.tickets(goal_id="g1")) == 2
    assert [one.ticket_id for one in ledger.tickets(text="LEMMA_4")] == ["t0004"]
    assert ledger.tickets(text="%") == ()
    assert ledger.tickets(repo="/elsewhere") == ()
    assert [one.ticket_id for one in ledger.tickets(goal_hash=f"{3:064}")] == ["t0003"]
    ledger.claim_ticket("t0001", "micro", lease_seconds=60)
    counts = ledger.ticket_counts()
    assert (counts.total, counts.by_status[TicketStatus.CLAIMED], counts.waiting, counts.used) == (5, 1, 5, 0)
    ledger.settle_wait("t0001", "g1", WaitStatus.USED)
    assert (ledger.ticket_counts().waiting, ledger.ticket_counts().used) == (4, 1)
    assert ledger.ticket_counts(repo="/elsewhere").total == 0
    assert ledger.ticket_history(limit=1)[0].kind is TicketEventKind.USED
