"""The marketplace as the implementation notes show it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from scripted_checker import ScriptedChecker

from orchestrator.ledger.store import Ledger
from orchestrator.marketplace import Marketplace, TicketStatus


@pytest.fixture
async def marketplace() -> AsyncIterator[Marketplace]:
    with Ledger.open("sqlite://") as ledger:
        # The notes' statement and proof end in dots, which no Lean takes.
        yield Marketplace(ledger, ScriptedChecker())


async def request(marketplace: Marketplace) -> str:
    return await marketplace.request_lemma(
        goal="∀ ε > 0, ...",
        context=["Hausdorff", "continuous"],
        suggested_name="foo.bar_continuous",
        constraints=["noncomputable"],
        priority=0.8,
    )


PROOF = """
theorem foo.bar_continuous : ... := by
  intro ε hε
  ...
"""


async def test_worker_blocked_on_missing_lemma(marketplace: Marketplace) -> None:
    ticket_id = await request(marketplace)
    ticket = await marketplace.get_ticket(ticket_id)
    assert (ticket.status, ticket.name, ticket.priority) == (TicketStatus.OPEN, "foo.bar_continuous", 0.8)
    assert (ticket.labels, ticket.constraints) == (("Hausdorff", "continuous"), ("noncomputable",))


async def test_supplier_claims_ticket(marketplace: Marketplace) -> None:
    ticket_id = await request(marketplace)
    tickets = await marketplace.get_open_tickets(limit=10)
    success = await marketplace.claim_ticket(tickets[0].ticket_id, "copilot")
    assert success
    assert tickets[0].ticket_id == ticket_id
    assert not await marketplace.claim_ticket(ticket_id, "micro")
    assert await marketplace.get_open_tickets(limit=10) == []


async def test_supplier_completes_proof_and_requester_retrieves(marketplace: Marketplace) -> None:
    ticket_id = await request(marketplace)
    await marketplace.claim_ticket(ticket_id, "copilot")
    proof = PROOF
    await marketplace.complete_ticket(ticket_id, proof, "copilot")
    ticket = await marketplace.get_ticket(ticket_id)
    assert ticket.status == TicketStatus.COMPLETED
    assert ticket.completed_proof == "theorem foo.bar_continuous : ∀ ε > 0, ... := by\n  intro ε hε\n  ..."


async def test_deduplication(marketplace: Marketplace) -> None:
    goal = "∀ ε > 0, ..."

    async def prove_or_reuse() -> str | None:
        similar = await marketplace.search_similar(goal, limit=5)
        if similar and similar[0].status == TicketStatus.COMPLETED:
            # Reuse existing proof
            return similar[0].completed_proof
        return None

    assert await prove_or_reuse() is None
    ticket_id = await request(marketplace)
    assert await prove_or_reuse() is None
    await marketplace.claim_ticket(ticket_id, "copilot")
    await marketplace.complete_ticket(ticket_id, PROOF, "copilot")
    assert await prove_or_reuse() == (await marketplace.get_ticket(ticket_id)).completed_proof
