"""Several processes and threads on one ledger."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ledger_workers import prove_goals

from orchestrator.goals.result import GoalStatus, Outcome
from orchestrator.ledger.records import AttemptRecord
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import StrategyTrial

PROCESSES = 4
GOALS = 20


@pytest.fixture(params=["file", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger that several processes can open; it does not exist yet."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "ledger.db")


def test_processes_open_a_new_ledger_and_prove_each_goal_once(shared_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    processes = [
        context.Process(target=prove_goals, args=(shared_url, f"worker {number}", GOALS, barrier))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    with Ledger.open(shared_url) as ledger:
        tried = Counter((attempt.strategy, attempt.goal_text) for attempt in ledger.attempts())
        assert tried == {(s, f"⊢ {g} {n}"): 1 for s, g in (("a", "p"), ("b", "q")) for n in range(GOALS)}
        assert ledger.statistics().attempts == 2 * GOALS
        assert {record.status for record in ledger.goals()} == {GoalStatus.SOLVED}
        (known,) = ledger.strategy_statistics()
    assert (known.trials, known.successes, known.seconds) == (PROCESSES * GOALS,) * 3
    assert known.success_rate == pytest.approx(1 - 0.9 ** (PROCESSES * GOALS))


def test_threads_share_a_ledger(ledger: Ledger) -> None:
    def work(number: int) -> bool:
        ledger.record_attempt(AttemptRecord(goal_text=f"⊢ p {number % 5}", strategy="s", outcome=Outcome.TIMEOUT))
        ledger.update_strategy_statistics([StrategyTrial(strategy="s", success=False, seconds=1.0)])
        return ledger.claim_goal(f"g{number % 5}", f"worker {number}", lease_seconds=60)

    with ThreadPoolExecutor(8) as threads:
        claimed = list(threads.map(work, range(40)))
    assert sum(claimed) == 5
    assert len(ledger.attempts()) == ledger.statistics().attempts == 40
    assert len(ledger.frontier()) == 5
    assert ledger.strategy_statistics()[0].trials == 40
