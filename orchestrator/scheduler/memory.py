"""What the scheduler remembers between attempts and between runs, and an in-memory ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.goals.features import features_of
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.strategies.policy.bandit import ArmStatistics, Statistics, Trial


@dataclass(frozen=True, slots=True)
class KnownTactics:
    """Tactics that have proved goals of the same normal form; `success_rate` is 0 to 1."""

    tactics: tuple[str, ...]
    success_rate: float
    strategy: StrategyType = StrategyType.MICRO


class GivenUp(Protocol):
    """Which goals runs have given up, to be left in peace while nothing around them changes."""

    def note(self, goal: Goal) -> None:
        """More time on the goal does not pay."""

    def known(self, goal: Goal) -> bool:
        """Whether a run that had no less time has said so."""


class NothingGivenUp:
    """Remembers nothing."""

    def note(self, goal: Goal) -> None:
        pass

    def known(self, goal: Goal) -> bool:
        return False


class AttemptLedger(Protocol):
    """What is remembered between attempts and between runs.

    `given_up`: goals that are left in peace.
    """

    given_up: GivenUp

    def check_duplicate(self, goal: Goal, strategy: StrategyType, timeout: float) -> bool:
        """Whether this attempt was made before with the same outcome to be expected.

        So after a proof and after a strategy that gave up by itself, and after a timeout if it had at least
        `timeout` seconds; never after a cancellation, an error, or when it was unavailable.
        """

    def known_proof(self, goal: Goal) -> Result | None:
        """The proof recorded for this very goal in its present environment, unless the gate rejected it."""

    def cached_tactics(self, goal: Goal) -> KnownTactics | None:
        """What has worked on goals that read the same."""

    def record(self, goal: Goal, result: Result) -> None:
        """Keep a finished attempt, and count it in `statistics` if `trial_of` finds a trial in it.
        Raises LedgerError: it could not be kept.
        """

    def record_replay(self, goal: Goal, success: bool, seconds: float) -> None:
        """Learn from replaying `cached_tactics`, whatever came of it. Raises LedgerError: it could not be kept."""

    def statistics(self) -> Mapping[tuple[str, StrategyType], ArmStatistics]:
        """What all trials kept say of the strategies, by scope (`Trial.scopes`) and strategy."""

    def success_seconds(self, strategy: StrategyType) -> Sequence[float]:
        """How long the newest successes of a strategy took."""


class MemoryLedger:
    """An in-memory ledger.

    Args:
        cache: tactics by the goal's text.
    """

    def __init__(self, cache: Mapping[str, KnownTactics] | None = None, *, ema_alpha: float = 0.1) -> None:
        self.attempts: list[tuple[Goal, Result]] = []
        self.replays: list[tuple[str, bool]] = []
        self._statistics = Statistics[StrategyType](ema_alpha)
        self.given_up: GivenUp = NothingGivenUp()
        self.cache = dict(cache or {})

    def check_duplicate(self, goal: Goal, strategy: StrategyType, timeout: float) -> bool:
        return any(
            known.text == goal.text and result.strategy is strategy and _settles(result, timeout)
            for known, result in self.attempts
        )

    def known_proof(self, goal: Goal) -> Result | None:
        proofs = (r for known, r in self.attempts if r.success and (known.id, known.text) == (goal.id, goal.text))
        return next(proofs, None)

    def cached_tactics(self, goal: Goal) -> KnownTactics | None:
        return self.cache.get(goal.text)

    def record(self, goal: Goal, result: Result) -> None:
        self.attempts.append((goal, result))
        trial = trial_of(goal, result)
        if trial is not None:
            self._statistics = self._statistics.updated((trial,))

    def record_replay(self, goal: Goal, success: bool, seconds: float) -> None:
        self.replays.append((goal.id, success))

    def statistics(self) -> Mapping[tuple[str, StrategyType], ArmStatistics]:
        return self._statistics.table

    def success_seconds(self, strategy: StrategyType) -> Sequence[float]:
        trials = (r for goal, r in self.attempts if r.strategy is strategy and trial_of(goal, r))
        return [result.time_seconds for result in trials if result.success]


def _settles(result: Result, timeout: float) -> bool:
    if result.outcome is Outcome.TIMEOUT:
        return (result.timeout or 0.0) >= timeout
    return result.outcome in (Outcome.PROVED, Outcome.NOT_PROVED)


def trial_of(goal: Goal, result: Result) -> Trial[StrategyType] | None:
    """What a recorded attempt on a goal teaches a policy; None for what was no fair trial.

    No trials are: cancelled and unavailable attempts, broken sessions, replayed tactics, and a racer that came in
    second.
    """
    counted = (Outcome.PROVED, Outcome.NOT_PROVED, Outcome.TIMEOUT, Outcome.REFUSED, Outcome.ERROR)
    if result.strategy is None or result.outcome not in counted or result.broken or result.cached or result.beaten:
        return None
    features = features_of(goal)
    return Trial(
        arm=result.strategy,
        success=result.success,
        seconds=result.time_seconds,
        levels=features.levels,
        marks=features.marks,
        failed_before=frozenset(result.failed_before),
    )
