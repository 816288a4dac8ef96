"""What looks at proofs of tickets, where Lean does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from small_lean import SmallLean, project

from orchestrator.errors import MarketplaceError, SessionDied
from orchestrator.lean.pool import Pool
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.ticket_records import Ticket
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.source.project import Project


@asynccontextmanager
async def broken(_project: Project) -> AsyncIterator[Workspace]:
    raise SessionDied("The Lean process ended")
    yield  # a generator


async def test_a_proof_that_cannot_be_judged_is_not_refused() -> None:
    ticket = Ticket(
        ticket_id="abcdef123456", goal="∀ n, n = n", signature=": ∀ n, n = n", goal_hash="1", digest="2", name="lemma"
    )
    async with Pool([SmallLean().session], project(A="theorem a : x := sorry\n")) as pool:
        checker = LeanChecker(pool, broken)
        with pytest.raises(MarketplaceError, match=r"could not be judged: The Lean process ended .ticket abcdef123456"):
            await checker.judge(ticket, "intro n\nrfl")
