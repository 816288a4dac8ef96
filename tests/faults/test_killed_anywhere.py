"""A run that is killed at ten random points, and goes on each time: nothing is tried twice, and no proof is lost."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from night_runs import EASY, SHORT, NightRun

from orchestrator.goals.result import Outcome
from orchestrator.ledger.attempts import CONCLUSIVE
from orchestrator.ledger.store import Ledger

Start = Callable[..., NightRun]

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.timeout(3000)]

KILLS = 10
HARD = 12
# Where a run is when its clock starts to tick towards its end: early stages too, but mostly the work itself.
PLACES = ("prefect", "checkout", "extract", "prove", "prove", "prove", "prove")


def test_no_attempt_is_made_twice_and_no_proof_is_lost(start: Start) -> None:
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    words = f"to repeat: seed {seed}"
    found: set[str] = set()
    for _ in range(KILLS):
        run = start(hard=HARD, **SHORT)
        run.wait_for(dice.choice(PLACES))
        time.sleep(dice.uniform(0, 10))
        run.kill()
        assert run.left_over() == [], words
        with Ledger.open(run.home / "ledger.db") as ledger:
            proved = {attempt.goal_id for attempt in ledger.attempts() if attempt.success}
        assert found <= proved, words
        found = proved
    last = start(**SHORT)
    assert last.wait_to_end() == 0, last.output
    with Ledger.open(last.home / "ledger.db") as ledger:
        attempts = ledger.attempts()
        runs = ledger.runs()
    settled = Counter(
        (attempt.goal_id, attempt.strategy) for attempt in attempts if attempt.outcome in (Outcome.PROVED, *CONCLUSIVE)
    )
    assert len(runs) > 1, words
    assert set(settled.values()) == {1}, words
    tried = Counter(goal for goal, _ in settled)
    assert sorted(tried.values()) == [1] * len(EASY) + [len({strategy for _, strategy in settled})] * HARD, words
    solved = {goal["id"] for goal in last.summary["goals"] if goal["status"] == "solved"}
    assert found <= solved, words
    assert len(solved) == len(EASY), words
