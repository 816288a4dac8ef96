"""What the ledger adds up and learns, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypedDict

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Float, String, Text

from orchestrator.goals.result import GoalStatus, Outcome
from orchestrator.ledger.columns import Count, Number, Record, Time, UtcDateTime, column
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


class StrategyMoment(Record):
    """What a bandit knew of a strategy, all goals together, at the end of a minute in which it learned something.

    Attributes:
        success_rate: exponential moving average of success, starting at 0.
        seconds: wall time of all trials together.
    """

    minute: Annotated[datetime, column(UtcDateTime, primary_key=True)]
    strategy: Annotated[str, column(String(128), primary_key=True)]
    trials: Count
    successes: Count
    success_rate: Number
    seconds: Number


class StrategyStatistics(Record):
    """What a bandit remembers of a strategy in a context ("" is all goals together).

    Attributes:
        success_rate, seconds: as in `StrategyMoment`.
        success_seconds: wall time of the successes together.
        ema_success_seconds: exponential moving average over the successes; None before the first.
    """

    strategy: Annotated[str, column(String(128), primary_key=True)]
    context: Annotated[str, column(Text, primary_key=True)]
    trials: Count
    successes: Count
    success_rate: Number
    seconds: Number
    success_seconds: Number
    ema_success_seconds: Annotated[float | None, column(Float)]
    updated_at: Time


class GoalSort(StrEnum):
    """What a list of goals can be sorted by."""

    WHERE = "where"
    DECLARATION = "declaration"
    STATUS = "status"
    DIFFICULTY = "difficulty"


@dataclass(frozen=True, kw_only=True)
class GoalFilter:
    """Which goals, and in which order.

    Attributes:
        repo, status, file, kind: only these; None for all.
        strategy: only goals that it has found a proof of.
        declarations: only goals of these.
        text: only goals whose declaration, file or statement contains it, in upper or lower case.
        descending: in reverse order.
    """

    repo: str | None = None
    status: GoalStatus | None = None
    file: str | None = None
    kind: str | None = None
    strategy: str | None = None
    declarations: tuple[str, ...] | None = None
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


class StrategyTotals(BaseModel):
    """All attempts of one strategy, by outcome; the mean time of one in seconds."""

    model_config = ConfigDict(frozen=True)

    attempts: int
    successes: int
    success_rate: float
    avg_time: float
    outcomes: Mapping[str, int]
    seconds: float = Field(exclude=True)

    @classmethod
    def of(cls, outcomes: Mapping[str, int], seconds: float) -> StrategyTotals:
        """Added up from the attempts by outcome and the time of all."""
        attempts, successes = sum(outcomes.values()), outcomes.get(Outcome.PROVED, 0)
        return cls(
            attempts=attempts,
            successes=successes,
            success_rate=successes / attempts if attempts else 0.0,
            avg_time=seconds / attempts if attempts else 0.0,
            outcomes=outcomes,
            seconds=seconds,
        )


class LedgerStatistics(BaseModel):
    """The ledger at a glance."""

    model_config = ConfigDict(frozen=True)

    runs: int
    goals: Mapping[str, int] = Field(description="Goals of all repositories by status")
    goals_attempted: int = Field(description="Distinct goals (by hash) with an attempt")
    goals_solved: int = Field(description="Distinct goals with a proof that the gate passed")
    attempts: int
    successes: int
    strategies: Mapping[str, StrategyTotals]
    proofs: Mapping[str, int] = Field(description="Proofs by what the gate said")
    cached_tactics: int
    last_run: RunRecord | None
