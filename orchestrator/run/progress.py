"""What a run is doing, kept in the ledger while it goes on, so that any process can show it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from orchestrator.goals.events import AttemptFinished, AttemptStarted, GoalDone, RunEvent, StageProgress, StageStarted
from orchestrator.goals.result import StrategyType
from orchestrator.ledger.records import ProgressRecord, Working
from orchestrator.ledger.store import Ledger

EVERY = timedelta(seconds=0.5)
"""Within a stage, steps that follow one another faster than this are kept together."""


class RunProgress:
    """Follows a run's events. An observer."""

    def __init__(
        self, ledger: Ledger, run_id: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._clock = clock
        self._kept_at: datetime | None = None
        self._stage = self._detail = ""
        self._done = self._total = self._found = 0
        self._active: dict[tuple[str, StrategyType | None], Working] = {}

    def __call__(self, event: RunEvent) -> None:
        """Take an event. Raises LedgerError: the ledger cannot be written."""
        at_once = True
        match event:
            case StageStarted(stage, detail, total):
                self._stage, self._detail, self._done, self._total = stage, detail, 0, total
                self._active.clear()
            case StageProgress(detail, done):
                self._detail = detail
                self._done = self._done if done is None else done
                at_once = False
            case AttemptStarted(goal, strategy, timeout):
                self._active[goal.id, strategy] = Working(
                    goal_id=goal.id,
                    declaration=goal.declaration,
                    strategy=strategy.value,
                    since=self._clock(),
                    timeout=timeout,
                )
            case AttemptFinished(goal, result):
                self._active.pop((goal.id, result.strategy), None)
                at_once = False
            case GoalDone(goal, result):
                self._done += 1
                self._found += result.success
                for key in [key for key in self._active if key[0] == goal.id]:
                    del self._active[key]
            case _:
                return
        now = self._clock()
        if at_once or self._kept_at is None or now - self._kept_at >= EVERY:
            self._kept_at = now
            self._ledger.set_progress(
                ProgressRecord(
                    run_id=self._run_id,
                    stage=self._stage,
                    detail=self._detail,
                    done=self._done,
                    total=self._total,
                    found=self._found,
                    active=tuple(self._active.values()),
                )
            )
