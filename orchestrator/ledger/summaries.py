"""What the ledger adds up and learns, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict

from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import RunRecord


class CachedTactics(TypedDict):
    """An entry of the tactic cache, as `Ledger.get_cached_tactics` hands it out. Seconds and rates in [0, 1]."""

    tactics: list[str]
    success_rate: float
    avg_time: float
    use_count: int


@dataclass(frozen=True, slots=True)
class FrontierGoal:
    """A goal that was attempted and never proved."""

    goal_hash: str
    goal_text: str


@dataclass(frozen=True, kw_only=True)
class StrategyTrial:
    """A finished trial as a bandit counts it: once in each of its contexts ("" is all goals together)."""

    strategy: str
    success: bool
    seconds: float
    contexts: tuple[str, ...] = ("",)


@dataclass(frozen=True, kw_only=True)
class StrategyStatistics:
    """What a bandit remembers of a strategy in a context.

    Attributes:
        success_rate: exponential moving average of success, starting at 0.
        seconds: wall time of all trials together.
        success_seconds: wall time of the successes together.
        ema_success_seconds: exponential moving average over the successes; None before the first.
    """

    strategy: str
    context: str
    trials: int
    successes: int
    success_rate: float
    seconds: float
    success_seconds: float
    ema_success_seconds: float | None
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class StrategyMoment:
    """What a bandit knew of a strategy, all goals together, at the end of a minute; see `StrategyStatistics`."""

    minute: datetime
    strategy: str
    trials: int
    successes: int
    success_rate: float
    seconds: float


class GoalSort(StrEnum):
    """What a list of goals can be sorted by."""

    WHERE = "where"
    DECLARATION = "declaration"
    DIFFICULTY = "difficulty"


@dataclass(frozen=True, kw_only=True)
class GoalFilter:
    """Which goals, and in which order.

    Attributes:
        repo, status: only these; None for all.
        text: only goals whose declaration, file or statement contains it, in capitals or small letters.
        descending: the other way round.
    """

    repo: str | None = None
    status: GoalStatus | None = None
    text: str = ""
    sort: GoalSort = GoalSort.WHERE
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalLine:
    """A goal as a line of a list: `attempts` and `found` count attempts on goals that read the same."""

    repo: str
    id: str
    declaration: str
    file: str
    line: int
    kind: str
    status: GoalStatus
    difficulty: float
    target: str
    attempts: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalPage:
    """Some of the `total` goals that a filter lets through."""

    total: int
    goals: tuple[GoalLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """How many goals (by hash) a strategy has proved, and how many of those no other strategy has."""

    strategy: str
    proved: int
    alone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedOn:
    """How many goals were first proved, gate included, on a day (or in an hour) that starts at `start`."""

    start: datetime
    count: int


@dataclass(frozen=True, kw_only=True)
class StrategyTotals:
    """All attempts of one strategy, by outcome."""

    attempts: int
    successes: int
    seconds: float
    outcomes: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """For the dashboard; `success_rate` and `avg_time` are over all attempts."""
        return {
            "attempts": self.attempts,
            "successes": self.successes,
            "success_rate": self.successes / self.attempts if self.attempts else 0.0,
            "avg_time": self.seconds / self.attempts if self.attempts else 0.0,
            "outcomes": dict(self.outcomes),
        }


@dataclass(frozen=True, kw_only=True)
class LedgerStatistics:
    """The ledger at a glance.

    Attributes:
        goals: goals of all repositories by status.
        goals_attempted: distinct goals (by hash) with an attempt.
        goals_solved: those with a successful one.
        strategies: totals by strategy.
        proofs: by verdict.
    """

    runs: int
    goals: Mapping[str, int]
    goals_attempted: int
    goals_solved: int
    strategies: Mapping[str, StrategyTotals]
    proofs: Mapping[str, int]
    cached_tactics: int
    last_run: RunRecord | None

    @property
    def attempts(self) -> int:
        """All attempts."""
        return sum(totals.attempts for totals in self.strategies.values())

    @property
    def successes(self) -> int:
        """All successful attempts."""
        return sum(totals.successes for totals in self.strategies.values())

    def to_json(self) -> dict[str, Any]:
        """For the dashboard's `/api/stats`."""
        run = self.last_run
        return {
            "runs": self.runs,
            "goals": dict(self.goals),
            "goals_attempted": self.goals_attempted,
            "goals_solved": self.goals_solved,
            "attempts": self.attempts,
            "successes": self.successes,
            "strategies": {name: totals.to_json() for name, totals in self.strategies.items()},
            "proofs": dict(self.proofs),
            "cached_tactics": self.cached_tactics,
            "last_run": run
            and {
                "id": run.id,
                "repo": run.repo,
                "ref": run.ref,
                "commit": run.commit,
                "status": run.status.value,
                "started_at": run.started_at.isoformat(),
                "finished_at": run.finished_at and run.finished_at.isoformat(),
                "totals": dict(run.totals),
            },
        }
