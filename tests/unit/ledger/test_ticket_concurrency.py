"""Processes that fight for tickets: each is supplied once, and what a killed supplier held comes back."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ledger_clock import Clock
from ticket_workers import claimed, fill, supply, supply_and_die

from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import TicketEventKind, TicketStatus

CROWDS = [pytest.param(4, 60, id="few"), pytest.param(16, 500, id="many", marks=pytest.mark.slow)]


@pytest.fixture(params=["file", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger that several processes can open."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "ledger.db")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("processes", "tickets"), CROWDS)
def test_each_ticket_is_supplied_once(shared_url: str, processes: int, tickets: int) -> None:
    fill(shared_url, tickets)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    workers = [
        context.Process(target=supply, args=(shared_url, f"supplier {number}", barrier)) for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * processes
    with Ledger.open(shared_url) as ledger:
        found = ledger.tickets()
        history = ledger.ticket_history()
    assert len(found) == tickets
    assert all(t.status is TicketStatus.COMPLETED and t.script == f"by {t.supplier}" for t in found)
    assert {t.claims for t in found} == {1}
    by_kind = Counter((event.kind, event.ticket_id) for event in history)
    for kind in (TicketEventKind.REQUESTED, TicketEventKind.CLAIMED, TicketEventKind.COMPLETED):
        assert all(by_kind[kind, t.ticket_id] == 1 for t in found)


def test_what_killed_suppliers_held_comes_back(shared_url: str) -> None:
    processes, lease = 4, 300.0
    fill(shared_url, 20)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    workers = [
        context.Process(target=supply_and_die, args=(shared_url, f"supplier {number}", barrier, lease))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [-signal.SIGKILL] * processes
    clock = Clock()
    clock.time = datetime.now(UTC)
    with Ledger.open(shared_url, clock=clock) as ledger:
        counts = ledger.ticket_counts().by_status
        assert (counts[TicketStatus.COMPLETED], counts[TicketStatus.CLAIMED]) == (4, 12)
        clock.time += timedelta(seconds=lease)
        assert len(ledger.expire_claims()) == 12
        assert ledger.expire_claims() == ()
        claimed(ledger, "another", 60, 100)
        again = ledger.tickets(status=TicketStatus.CLAIMED)
        assert len(again) == 16
        assert {t.claims for t in again} == {1, 2}
        for one in again:
            assert ledger.complete_ticket(one.ticket_id, "another", proof="theorem", script="rfl")
        assert {t.status for t in ledger.tickets()} == {TicketStatus.COMPLETED}
