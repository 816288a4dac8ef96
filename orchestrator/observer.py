"""Whoever wants to watch a run, in the same process: a progress bar, a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from orchestrator.scheduling.ports import Event


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage of the run begins; `detail` says on what."""

    stage: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """Within the present stage: what is being worked on, and the share done (None when unknown)."""

    detail: str
    done: float | None = None


@dataclass(frozen=True, slots=True)
class GoalsFound:
    """Extraction is over: how many goals there are to work on."""

    total: int


RunEvent = StageStarted | StageProgress | GoalsFound | Event
Observer = Callable[[RunEvent], None]

_observer: ContextVar[Observer] = ContextVar("observer", default=lambda _event: None)


def notify(event: RunEvent) -> None:
    """Tell the present observer."""
    _observer.get()(event)


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Inside the block, and in tasks begun there, `notify` goes to `observer`."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)
