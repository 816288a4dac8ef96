"""The marketplace's rules, with Lean's part scripted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from scripted_checker import ScriptedChecker

from orchestrator.errors import MarketplaceError
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import (
    TicketEventKind,
    TicketLocation,
    TicketRequester,
    TicketStatus,
    WaitStatus,
)
from orchestrator.marketplace.marketplace import How, Marketplace


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2025, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Iterator[Ledger]:
    with Ledger.open("sqlite://", clock=clock) as opened:
        yield opened


@pytest.fixture
def market(ledger: Ledger) -> Marketplace:
    return Marketplace(ledger, ScriptedChecker(), repo="/r", lease_seconds=60)


async def supplied(market: Marketplace, goal: str, script: str = "simp") -> str:
    ticket_id = await market.request_lemma(goal)
    assert await market.claim_ticket(ticket_id, "micro")
    await market.complete_ticket(ticket_id, script, "micro")
    return ticket_id


async def test_one_statement_is_one_ticket_with_two_who_wait(market: Marketplace) -> None:
    one = await market.request_lemma("∀ n, n = n", requester=TicketRequester(requester="a", goal_id="g1"))
    other = await market.request_lemma("∀ k, k = k", requester=TicketRequester(requester="b", goal_id="g2"))
    assert one == other
    assert (await market.get_ticket(one)).waiting == 2
    elsewhere = Marketplace(market.ledger, ScriptedChecker(), repo="/other")
    assert await elsewhere.request_lemma("∀ n, n = n") != one


async def test_a_proof_by_who_has_not_claimed_it_is_refused(market: Marketplace) -> None:
    ticket_id = await market.request_lemma("∀ n, n = n")
    with pytest.raises(MarketplaceError, match="it is not claimed"):
        await market.complete_ticket(ticket_id, "rfl", "micro")
    await market.claim_ticket(ticket_id, "hammer")
    with pytest.raises(MarketplaceError, match="hammer has claimed it"):
        await market.complete_ticket(ticket_id, "rfl", "micro")


async def test_a_late_proof_is_refused_and_somebody_else_may_hand_in(market: Marketplace, clock: Clock) -> None:
    ticket_id = await market.request_lemma("∀ n, n = n")
    await market.claim_ticket(ticket_id, "micro")
    clock.time += timedelta(seconds=60)
    with pytest.raises(MarketplaceError, match="too late"):
        await market.complete_ticket(ticket_id, "rfl", "micro")
    (ticket,) = await market.get_open_tickets()
    assert ticket.ticket_id == ticket_id
    assert await market.claim_ticket(ticket_id, "hammer")
    done = await market.complete_ticket(ticket_id, "rfl", "hammer")
    assert (done.status, done.supplier) == (TicketStatus.COMPLETED, "hammer")
    with pytest.raises(MarketplaceError, match="hammer has completed it already"):
        await market.complete_ticket(ticket_id, "rfl", "micro")


async def test_a_refused_proof_says_why(market: Marketplace) -> None:
    ticket_id = await market.request_lemma("∀ n, n = n")
    await market.claim_ticket(ticket_id, "micro")
    with pytest.raises(MarketplaceError, match="a sorry of its own"):
        await market.complete_ticket(ticket_id, "sorry", "micro")
    ticket = await market.get_ticket(ticket_id)
    assert (ticket.status, ticket.reason) == (TicketStatus.OPEN, "it has a sorry of its own")
    assert [e.kind for e in market.ledger.ticket_history(ticket_id)][-1] is TicketEventKind.REFUSED


async def test_what_is_false_is_cancelled_and_says_why(market: Marketplace) -> None:
    ticket = await market.get_ticket(await market.request_lemma("False"))
    assert (ticket.status, ticket.reason) == (TicketStatus.CANCELLED, "it is false for all values")


async def test_the_negation_of_what_is_proved_is_cancelled(market: Marketplace) -> None:
    proved = await supplied(market, "p 1")
    negation = await market.get_ticket(await market.request_lemma("¬p 1"))
    assert negation.status is TicketStatus.CANCELLED
    assert proved in negation.reason
    await supplied(market, "¬q 2")
    assert (await market.get_ticket(await market.request_lemma("q 2"))).status is TicketStatus.CANCELLED


async def test_bad_requests_are_refused(market: Marketplace) -> None:
    with pytest.raises(MarketplaceError, match="between 0 and 1"):
        await market.request_lemma("p", priority=1.5)
    with pytest.raises(MarketplaceError, match="empty"):
        await market.request_lemma("  ")
    for call in (market.get_ticket("x"), market.release_ticket("x", "me")):
        with pytest.raises(MarketplaceError, match="no ticket x"):
            await call
    assert await market.get_open_tickets() == []


async def test_rejected_cancelled_withdrawn(market: Marketplace) -> None:
    ticket_id = await market.request_lemma("p")
    assert market.ledger.close_ticket(ticket_id, TicketStatus.REJECTED, reason="nonsense", who="me")
    assert not market.ledger.close_ticket(ticket_id, TicketStatus.CANCELLED, reason="not needed any more")
    assert await market.request_lemma("p") == ticket_id
    assert (await market.get_ticket(ticket_id)).reason == "nonsense"
    with pytest.raises(MarketplaceError, match="it was rejected: nonsense"):
        await market.complete_ticket(ticket_id, "rfl", "micro")
    other = await market.request_lemma("q", requester=TicketRequester(requester="s", goal_id="g"))
    market.ledger.settle_wait(other, "g", WaitStatus.WITHDRAWN)
    assert (await market.get_ticket(other)).status is TicketStatus.CANCELLED


async def test_a_lemma_of_other_files_is_looked_at_again(ledger: Ledger) -> None:
    class Moved(ScriptedChecker):
        digest = "before"

        def environment(self, location: TicketLocation) -> str:
            return self.digest

    lean = Moved()
    market = Marketplace(ledger, lean)
    ticket_id = await supplied(market, "p", "by_the_old_files")
    assert await market.request_lemma("p") == ticket_id
    assert (await market.get_ticket(ticket_id)).status is TicketStatus.COMPLETED
    lean.digest, lean.refuse = "after", {"by_the_old_files": "unknown constant"}
    await market.request_lemma("p")
    ticket = await market.get_ticket(ticket_id)
    assert (ticket.status, ticket.completed_proof) == (TicketStatus.OPEN, "")
    assert "unknown constant" in ticket.reason


async def test_the_surest_likeness_comes_first(ledger: Ledger) -> None:
    lean = ScriptedChecker(instances=frozenset({("∀ n, f n = n", "∀ g n, g n = n")}))
    market = Marketplace(ledger, lean)
    words = await market.request_lemma("∀ n, f (f n) = n")
    instance = await supplied(market, "∀ g n, g n = n")
    variant = await market.request_lemma("∀ k, f k = k")
    found = await market.search_similar("∀ n, f n = n")
    assert [(s.ticket_id, s.how) for s in found] == [
        (variant, How.VARIANT),
        (instance, How.INSTANCE),
        (words, How.WORDS),
    ]
    assert (found[1].by, found[1].status) == ("exact", TicketStatus.COMPLETED)
    exact = await market.search_similar("∀ k, f k = k", limit=1)
    assert [(s.ticket_id, s.how) for s in exact] == [(variant, How.EXACT)]
    assert await Marketplace(ledger, lean, repo="/empty").search_similar("∀ n, f n = n") == []
