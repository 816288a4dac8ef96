"""A night on two worker processes, one of which is killed: it costs the attempt it was at, which is made again."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Future

from flows.nightly import nightly
from orchestrator.ledger.store import Ledger
from orchestrator.scheduler.middleware import Attempt
from tasks.cluster import Workers

pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

EASY = """theorem {x}a (p q : Prop) (h : p ∧ q) : q ∧ p := by
  sorry

theorem {x}b (a b c : Nat) : a + b + c = c + b + a := by
  sorry
"""
# Nothing here proves it, and it keeps whoever tries busy until the worker is gone.
HARD = """theorem {x}hard (a b c : Nat) (h : 0 < a * b) : a ^ 3 + b ^ 3 ≠ c ^ 3 := by
  sorry

theorem {x}c (l : List Nat) : (l ++ []).length = l.length := by
  sorry
"""


async def test_a_worker_that_is_killed_costs_its_attempt_alone(
    home: Path, repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_SERVERS", "2")
    monkeypatch.setenv("ORCH_MARKET", "false")
    submit, made_by, killed = Workers._submit, Counter[str](), list[Attempt]()

    def watched(workers: Workers, attempt: Attempt, key: str, worker: str) -> Future:
        pid = workers._client.run(os.getpid, workers=[worker])[worker]
        future = submit(workers, attempt, key, worker)
        made_by[worker] += 1
        if not killed and attempt.goal.declaration.endswith("hard"):
            killed.append(attempt)
            os.kill(pid, signal.SIGKILL)
        return future

    monkeypatch.setattr(Workers, "_submit", watched)
    summary: dict[str, Any] = await nightly(
        str(repository(A=EASY, B=HARD)), out=str(tmp_path / "out"), runner="dask", budget_seconds=120
    )
    assert [goal["status"] for goal in summary["goals"]].count("solved") == 3
    assert len(made_by) >= 2
    (lost,) = killed
    with Ledger.open(home / "ledger.db") as ledger:
        attempts = [a for a in ledger.attempts(goal_text=lost.goal.text) if a.strategy == lost.strategy]
    assert [bool(attempt.details.get("broken")) for attempt in attempts].count(True) == 1
    assert len(attempts) > 1
    left = [p.cmdline() for p in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]
    assert not left
