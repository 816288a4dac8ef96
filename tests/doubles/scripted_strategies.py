"""Strategies that do what a test tells them, and remember what was done to them."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from virtual_time import now

from orchestrator.config import SchedulerSettings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.middleware import retries, time_limit
from orchestrator.scheduler.scheduler import Scheduler


@dataclass(frozen=True)
class Act:
    """What a strategy does once: it works for `seconds`, then proves, gives up, or raises.

    `cleanup` seconds are spent when it is cancelled; `stubborn` means it does not stop even then.
    """

    seconds: float = 1.0
    proves: bool = False
    raises: Exception | None = None
    cleanup: float = 0.0
    stubborn: bool = False
    result: Result | None = None


FAILS = Act()
PROVES = Act(proves=True)
HANGS = Act(seconds=1e6)


@dataclass
class Scripted:
    """A strategy that follows `acts`, by goal id or for all; the last act of a list is repeated."""

    type: StrategyType
    acts: Mapping[str, Sequence[Act]] | Act = FAILS
    why_not: str = ""
    calls: list[tuple[str, float, float]] = field(default_factory=list)
    stopped: list[tuple[str, float]] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    on_change: Callable[[], None] = lambda: None

    def available(self, goal: Goal) -> str:
        """See `Strategy.available`."""
        return self.why_not

    async def run(self, goal: Goal, timeout: float) -> Result:
        """See `Strategy.run`."""
        assert goal.id not in self.running, "run twice at once"
        made = sum(known == goal.id for known, _, _ in self.calls)
        acts = [self.acts] if isinstance(self.acts, Act) else self.acts[goal.id]
        act = acts[min(made, len(acts) - 1)]
        self.calls.append((goal.id, now(), timeout))
        self.running.add(goal.id)
        self.on_change()
        try:
            return await self._perform(act)
        except asyncio.CancelledError:
            if act.cleanup:
                await asyncio.sleep(act.cleanup)
            self.stopped.append((goal.id, now()))
            raise
        finally:
            self.running.discard(goal.id)

    async def _perform(self, act: Act) -> Result:
        end = now() + act.seconds
        while now() < end:
            try:
                await asyncio.sleep(end - now())
            except asyncio.CancelledError:
                if not act.stubborn:
                    raise
        if act.raises is not None:
            raise copy.copy(act.raises)  # a shared one would gather tracebacks
        if act.result is not None:
            return act.result
        return Result(act.proves, self.type, ("trivial",) if act.proves else (), outcome=Outcome.NOT_PROVED)


def cast(**acts: Mapping[str, Sequence[Act]] | Act) -> dict[StrategyType, Scripted]:
    """Strategies by name."""
    return {StrategyType(name): Scripted(StrategyType(name), act) for name, act in acts.items()}


def scheduler_for(strategies: Mapping[StrategyType, Scripted], **options: Any) -> Scheduler:
    """A scheduler on the running loop's clock, with two seconds of grace; an option may be a field of its settings."""
    fields = {name: options.pop(name) for name in ("rounds", "hedged") if name in options}
    settings = options.pop("settings", SchedulerSettings()).model_copy(update=fields)
    layers = (time_limit(2.0, now), retries(options.pop("session_retries", 2), now), *options.pop("middleware", ()))
    scripts = options.pop("scripts", None)
    context = replace(SchedulerContext.of(settings), strategies=strategies, clock=now, **options)
    return Scheduler(context, settings=settings, middleware=layers, scripts=scripts)


def a_goal(name: str = "g", difficulty: float = 0.3) -> Goal:
    """A goal whose text is its name."""
    return Goal(id=name, text=f"⊢ {name}", estimated_difficulty=difficulty)


def settings_of(
    light: int = 8, heavy: int = 2, seconds: float | None = None, timeouts: float | None = None
) -> SchedulerSettings:
    """One strategy at a time on a goal, with so many seconds in all, and for each attempt."""
    limits = SchedulerSettings(max_light=light, max_heavy=heavy, speculation=1, timeout=seconds)
    if timeouts is None:
        return limits
    return SchedulerSettings(
        max_light=light,
        max_heavy=heavy,
        speculation=1,
        timeout=seconds,
        timeouts=dict.fromkeys(StrategyType, timeouts),
    )
