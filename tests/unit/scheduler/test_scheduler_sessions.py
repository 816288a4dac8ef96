"""Schedulers with the real `micro` and the real pool, over pretended Lean processes that die, hang and come back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from small_lean import SmallLean, project
from virtual_time import VirtualTimeLoop, now

from orchestrator.config import SchedulerSettings
from orchestrator.errors import SessionDied
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Request
from orchestrator.lean.testing import Answer
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.memory import MemoryLedger
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Slots, Weight
from orchestrator.strategies.base import BoundStrategy, Timing
from orchestrator.strategies.micro.strategy import run_micro

SPAN = SourceSpan(Position(1, 5), Position(1, 10))
# The state of a lone `sorry` is closed by one of the portfolio's tactics; the first behind `<;>` is closed by none.
CLOSED, OPEN = "t := sorry", "t := skip <;> sorry"


@dataclass
class Brittle(SmallLean):
    """A Lean that comes to grief at some requests.

    Attributes:
        mishaps: what happens at the next requests: nothing, the process dies, or it says nothing for an hour.
    """

    mishaps: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        """See `SmallLean.answer`."""
        match self.mishaps.pop() if self.mishaps else "":
            case "dies":
                self._start_again()
                return SessionDied("The Lean process ended")
            case "hangs":
                self._start_again()
                return 3600.0
        return super().answer(request)


class OnceLedger(MemoryLedger):
    """Refuses an attempt that was finished before."""

    def record(self, goal: Goal, result: Result) -> None:
        """See `AttemptLedger.record`."""
        finished = (Outcome.PROVED, Outcome.NOT_PROVED)
        same = [r for g, r in self.attempts if g.id == goal.id and r.strategy is result.strategy]
        assert not any(before.outcome in finished for before in same), "the same attempt twice"
        super().record(goal, result)


class Nights(RuleBasedStateMachine):
    """Runs over one project, each on processes of its own, each ended in some way."""

    @initialize(provable=st.lists(st.booleans(), min_size=1, max_size=5), light=st.integers(1, 2))
    def begin(self, provable: list[bool], light: int) -> None:
        """The repository, and what the owner allows."""
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.ledger = OnceLedger()
        self.texts = {f"M{n}": CLOSED if closes else OPEN for n, closes in enumerate(provable)}
        self.limits = {Weight.LIGHT: light, Weight.HEAVY: 1}
        self.goals = [
            Goal(name, f"⊢ {name}", file=f"{name}.lean", module=name, span=SPAN, command=SPAN, estimated_difficulty=0.2)
            for name in self.texts
        ]

    @rule(
        mishaps=st.lists(st.lists(st.sampled_from(["", "", "dies", "hangs"]), max_size=12), min_size=2, max_size=2),
        ending=st.sampled_from(["", "cancel", "shutdown", "two shutdowns"]),
        steps=st.integers(0, 60),
    )
    def night(self, mishaps: list[list[str]], ending: str, steps: int) -> None:
        """A run whose processes come to grief, and which is ended after so many steps of the loop."""
        self.runner.run(self._night(mishaps, ending, steps))

    async def _night(self, mishaps: list[list[str]], ending: str, steps: int) -> None:
        leans = [Brittle({0: frozenset({"omega"}), 1: frozenset()}, mishaps=list(own)) for own in mishaps]
        slots = Counting(self.limits)
        async with Pool([lean.session for lean in leans], project(**self.texts)) as pool:
            settings = SchedulerSettings(max_light=self.limits[Weight.LIGHT], max_heavy=1)
            strategies = {
                StrategyType.MICRO: BoundStrategy(
                    StrategyType.MICRO, partial(run_micro, prover=pool, timing=Timing(clock=now))
                )
            }
            context = replace(
                SchedulerContext.of(settings), strategies=strategies, memory=self.ledger, slots=slots, clock=now
            )
            scheduler = Scheduler(context, settings=settings)
            task = asyncio.ensure_future(scheduler.process_queue(list(self.goals)))
            for _ in range(steps if ending else 0):
                await asyncio.sleep(0)
            if ending == "cancel":
                task.cancel()
            for _ in range(ending.count("shutdown") + ending.count("two")):
                scheduler.shutdown()
            await asyncio.wait([task])
            if not task.cancelled():
                assert {*task.result()} == {goal.id for goal in self.goals}
            assert not slots.passed
            assert not +slots.used
        assert all(lean.session.closed for lean in leans)

    def teardown(self) -> None:
        """Nights without trouble: what can be proved is proved, and no goal is lost."""
        if not hasattr(self, "runner"):
            return
        with self.runner as runner:
            for _ in range(3):
                runner.run(self._night([[], []], "", 0))
        proved = {goal.id for goal, result in self.ledger.attempts if result.success}
        assert proved == {name for name, text in self.texts.items() if text == CLOSED}
        assert {goal.id for goal, _ in self.ledger.attempts} == {goal.id for goal in self.goals}


class Counting(Slots):
    """Slots that remember whether a limit was ever passed."""

    def __init__(self, limits: dict[Weight, int]) -> None:
        super().__init__(limits[Weight.LIGHT], limits[Weight.HEAVY])
        self.passed = False

    def acquire(self, weight: Weight) -> bool:
        """See `Slots.acquire`."""
        granted = super().acquire(weight)
        self.passed = self.passed or self.used[weight] > self.limits[weight]
        return granted


Nights.TestCase.settings = settings(
    max_examples=60, stateful_step_count=6, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestNights = Nights.TestCase
