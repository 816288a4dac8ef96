"""The marketplace's flow on a small repository: what is asked for is supplied and judged by the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.nightly import nightly
from flows.supply import supply
from orchestrator.config import load_settings
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import TicketStatus
from orchestrator.marketplace.of_repository import open_market

pytestmark = [pytest.mark.lean, pytest.mark.usefixtures("prefect_server", "one_lean"), pytest.mark.timeout(600)]


async def test_lemmas_that_are_asked_for_are_supplied(
    repository: Callable[..., Path], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_TIMEOUT_MICRO", "30")
    repo = str(repository(A="def {x}one : Nat := 1\n\ntheorem {x}open (n : Nat) : n ^ 2 ≠ 2 ^ n + 7 := by sorry\n"))
    settings = load_settings()
    with Ledger.open(home / "ledger.db") as ledger:
        async with open_market(repo, ledger, settings, settings.paths) as opened:
            for name, goal in (("zero", "∀ n : Nat, n + 0 = n"), ("both", "∀ p q : Prop, p ∧ q → q ∧ p")):
                await opened.market.request_lemma(goal, suggested_name=name)
    async with asyncio.timeout(300):
        summary = await supply(repo, out=str(tmp_path / "out"))
    with Ledger.open(home / "ledger.db") as ledger:
        assert [ticket.status for ticket in ledger.tickets()] == [TicketStatus.COMPLETED] * 2
    assert summary["goals_solved"] == 0


async def test_a_run_for_one_goal_that_misses_nothing_leaves_the_tickets_of_others_alone(
    repository: Callable[..., Path], home: Path, tmp_path: Path
) -> None:
    repo = str(repository(A="theorem {x}two : 1 + 1 = 2 := by sorry\n"))
    settings = load_settings()
    with Ledger.open(home / "ledger.db") as ledger:
        async with open_market(repo, ledger, settings, settings.paths) as opened:
            await opened.market.request_lemma("∀ n : Nat, n + 0 = n")
    summary = await nightly(repo, only="T/A.lean:1", out=str(tmp_path / "out"))
    assert summary["goals_solved"] == 1
    with Ledger.open(home / "ledger.db") as ledger:
        assert [ticket.status for ticket in ledger.tickets()] == [TicketStatus.OPEN]
