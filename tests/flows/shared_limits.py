"""What each of two workers does in the test of shared limits: attempts on the same goals, on a ledger they share."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from prefect import flow

from orchestrator.config import SchedulerSettings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.ledger.records import AttemptRecord
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import StrategyTrial
from orchestrator.scheduler.claims import claims
from orchestrator.scheduler.middleware import Attempt, compose
from orchestrator.scheduler.slots import Weight
from tasks.attempt import prefect_task

LIGHT, HEAVY = 26, 6
WINDOW = 10
"""How many goals a worker claims at once: more than the limit of both together."""
SECONDS = 1.5
PATIENCE = 600.0


class Working:
    """A strategy that works for a while and writes down from when to when."""

    type = StrategyType.MICRO

    def __init__(self, log: Path, weights: dict[str, Weight]) -> None:
        self._log = log
        self._weights = weights

    def available(self, goal: Goal) -> str:
        return ""

    async def run(self, goal: Goal, timeout: float) -> Result:
        begun = time.time()
        await asyncio.sleep(SECONDS)
        entry = {"goal": goal.id, "weight": self._weights[goal.id].value, "from": begun, "to": time.time()}
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        return Result(success=True, strategy=self.type, tactics=("rfl",), time_seconds=SECONDS)


def both_begun(log: Path, worker: str) -> None:
    """Wait for the other worker: on a busy machine one may start when the other has done everything."""
    (log / f"{worker}.begun").touch()
    deadline = time.monotonic() + PATIENCE
    while len(list(log.glob("*.begun"))) < 2:
        assert time.monotonic() < deadline, "the other worker does not start"
        time.sleep(0.1)


@flow(name="shared-limits", persist_result=False, validate_parameters=False)
async def shared_limits(worker: str, ledger_url: str, log: str) -> int:
    """Try every goal that nobody else has or had; how many were ours."""
    weights = {f"light{n}": Weight.LIGHT for n in range(LIGHT)} | {f"heavy{n}": Weight.HEAVY for n in range(HEAVY)}
    working = Working(Path(log) / f"{worker}.jsonl", weights)
    await asyncio.to_thread(both_begun, Path(log), worker)
    with Ledger.open(ledger_url) as store:

        def made(goal: Goal, strategy: StrategyType, seconds: float) -> bool:
            return bool(store.attempts(goal_text=goal.text))

        async def work_on(attempt: Attempt) -> Result:
            return await working.run(attempt.goal, attempt.timeout)

        claiming = claims(store, repo="shared", worker=worker, made=made)
        run = compose([claiming, prefect_task(SchedulerSettings(light_threshold=0.5))], work_on)
        window = asyncio.Semaphore(WINDOW)
        # From both ends, so that each has something to do.
        names = list(weights) if worker == "one" else list(reversed(weights))

        async def work(name: str) -> bool:
            async with window:
                return await attempt(name)

        async def attempt(name: str) -> bool:
            goal = Goal(id=name, text=f"⊢ {name}", estimated_difficulty=0.9 if weights[name] is Weight.HEAVY else 0.1)
            result = await run(Attempt(goal=goal, strategy=StrategyType.MICRO, timeout=60.0))
            if result.outcome is not Outcome.PROVED:
                return False
            store.record_attempt(AttemptRecord.of(goal, result, strategy=StrategyType.MICRO, repo="shared"))
            store.update_strategy_statistics(
                [StrategyTrial(strategy=StrategyType.MICRO, success=True, seconds=SECONDS)]
            )
            return True

        return sum(await asyncio.gather(*(work(name) for name in names)))
