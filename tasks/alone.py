"""Runs without Prefect: for as long as everything is known already, there is nothing that its tasks could do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.lean.servers import Servers
from orchestrator.run.ledger import RunLedger
from orchestrator.run.stop import WorkToDo
from orchestrator.strategies.base import Strategy

_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Inside the block stages are plain calls, and `WorkToDo` is raised where a run would start Lean or an attempt."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


def is_alone() -> bool:
    """Whether Prefect is to be left out."""
    return _ALONE.get()


def stop_at_work() -> None:
    """Nothing, but in a run without Prefect.

    Raises:
        WorkToDo: there is work for Prefect's tasks.
    """
    if is_alone():
        raise WorkToDo


def watched(servers: Servers) -> Servers:
    """The servers, none of which starts in a run without Prefect."""
    servers.meter.starts = stop_at_work
    return servers


def stop_at_attempts(
    goals: Sequence[Goal],
    strategies: Mapping[StrategyType, Strategy],
    ledger: RunLedger,
    seconds: Callable[[Goal, StrategyType], float],
) -> None:
    """In a run without Prefect: see whether anything would be tried, before anything is written down.

    Raises:
        WorkToDo: it would.
    """
    for goal in goals if is_alone() else ():
        if ledger.known_proof(goal) is None and any(
            not strategy.available(goal) and not ledger.check_duplicate(goal, kind, seconds(goal, kind))
            for kind, strategy in strategies.items()
        ):
            raise WorkToDo
