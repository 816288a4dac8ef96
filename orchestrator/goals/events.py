"""Whoever wants to watch a run, in the same process: a progress bar, a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result, StrategyType


@dataclass(frozen=True, slots=True)
class GoalStarted:
    """Work on a goal begins."""

    goal: Goal


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A strategy begins on a goal, with `timeout` seconds."""

    goal: Goal
    strategy: StrategyType
    timeout: float


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """A strategy has ended, however it ended, and the ledger knows."""

    goal: Goal
    result: Result


@dataclass(frozen=True, slots=True)
class GoalDone:
    """Nothing more will be tried on a goal in this run."""

    goal: Goal
    result: Result


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a queue stands: goals done, solved among them, being worked on, and waiting so far.

    `seconds_left`: of the budget; None where there is none.
    """

    done: int
    solved: int
    running: int
    waiting: int
    seconds_left: float | None = None


Event = GoalStarted | AttemptStarted | AttemptFinished | GoalDone | Progress
OnEvent = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage of the run begins; `detail` says on what, `total` of how many pieces of work it consists (0: unknown)."""

    stage: str
    detail: str = ""
    total: int = 0


@dataclass(frozen=True, slots=True)
class StageProgress:
    """Within the present stage: what is being worked on, and how many pieces are done (None when unknown)."""

    detail: str
    done: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that whoever watches should read, such as why a part of the work cannot be done."""

    text: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The run was asked to stop: in order, or at once."""

    at_once: bool = False


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over and everything is written; `summary` is the content of summary.json."""

    summary: Mapping[str, object]


RunEvent = StageStarted | StageProgress | Notice | StopRequested | RunFinished | Event
Observer = Callable[[RunEvent], None]

_observers: ContextVar[tuple[Observer, ...]] = ContextVar("observers", default=())


def notify(event: RunEvent) -> None:
    """Tell those who watch."""
    for observer in _observers.get():
        observer(event)


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Inside the block, and in tasks and threads begun there, `observer` hears of every event, as do outer ones."""
    token = _observers.set((*_observers.get(), observer))
    try:
        yield
    finally:
        _observers.reset(token)
