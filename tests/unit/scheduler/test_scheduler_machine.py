"""Schedulers that come and go over one ledger: no goal is lost or worked on twice, and no limit is passed."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from scripted_strategies import FAILS, HANGS, Act, Scripted, scheduler_for
from virtual_time import VirtualTimeLoop, now

from orchestrator.config import SchedulerSettings
from orchestrator.errors import SessionDied
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.memory import MemoryLedger
from orchestrator.scheduler.slots import Slots, Weight

IMPATIENT = ("two shutdowns", "all at once")
TYPES = (StrategyType.MICRO, StrategyType.HAMMER, StrategyType.REPROVER)

acts = st.one_of(
    st.just(FAILS),
    st.just(HANGS),
    st.builds(Act, seconds=st.sampled_from([0.0, 0.5, 3.0, 7.0]), proves=st.just(True)),
    st.builds(Act, seconds=st.sampled_from([0.0, 2.0]), raises=st.just(SessionDied("Lean died"))),
    st.builds(Act, raises=st.just(ValueError("a bug"))),
    st.builds(Act, seconds=st.sampled_from([4.0, 40.0]), cleanup=st.sampled_from([0.0, 1.5]), proves=st.booleans()),
)


class FlakySlots(Slots):
    """Local limits that now and then refuse for no reason of ours; remembers the most that were used."""

    def __init__(self, limits: dict[Weight, int], refusals: list[bool]) -> None:
        super().__init__(limits[Weight.LIGHT], limits[Weight.HEAVY])
        self.refusals = refusals
        self.most: Counter[Weight] = Counter()

    def acquire(self, weight: Weight) -> bool:
        """See `Slots.acquire`."""
        if self.refusals and self.refusals.pop():
            return False
        granted = super().acquire(weight)
        self.most[weight] = max(self.most[weight], self.used[weight])
        return granted

    def release(self, weight: Weight) -> None:
        """See `Slots.release`."""
        super().release(weight)
        assert self.used[weight] >= 0


class StrictLedger(MemoryLedger):
    """Refuses what must not happen twice. While `dead`, nothing reaches it: the process that would write is gone."""

    dead = False

    def record(self, goal: Goal, result: Result) -> None:
        """See `AttemptLedger.record`."""
        if self.dead:
            return
        for known, before in self.attempts:
            if known.id == goal.id and before.strategy is result.strategy:
                assert before.outcome not in (Outcome.PROVED, Outcome.NOT_PROVED), "the same attempt twice"
        super().record(goal, result)


class SchedulerMachine(RuleBasedStateMachine):
    """Goals come in; schedulers work on them for a while and are stopped in every way there is."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.ledger = StrictLedger()
        self.goals: list[Goal] = []
        self.strategies = {kind: Scripted(kind, {}) for kind in TYPES}
        self.by_id: dict[str, Goal] = {}
        self.passed_limit: list[str] = []
        self.solved: set[str] = set()

    @initialize(
        light=st.integers(1, 3),
        heavy=st.integers(1, 2),
        width=st.integers(1, 3),
        rounds=st.integers(1, 3),
        hedged=st.booleans(),
    )
    def begin(self, light: int, heavy: int, width: int, rounds: int, hedged: bool) -> None:
        """Fix what the owner sets."""
        self.limits = {Weight.LIGHT: light, Weight.HEAVY: heavy}
        self.settings = SchedulerSettings(max_light=light, max_heavy=heavy, speculation=width)
        self.rounds, self.hedged = rounds, hedged
        for strategy in self.strategies.values():
            strategy.on_change = self._count

    def _count(self) -> None:
        busy: Counter[Weight] = Counter()
        for strategy in self.strategies.values():
            for name in strategy.running:
                heavy = self.by_id[name].estimated_difficulty >= self.settings.light_threshold
                busy[Weight.HEAVY if heavy else Weight.LIGHT] += 1
                if name in self.solved:
                    self.passed_limit.append(f"{name} was solved before")
        self.passed_limit.extend(f"{n} {weight}" for weight, n in busy.items() if n > self.limits[weight])

    @rule(difficulty=st.sampled_from([0.2, 0.9]), script=st.tuples(*[st.lists(acts, min_size=1, max_size=3)] * 3))
    def add_goal(self, difficulty: float, script: tuple[list[Act], ...]) -> None:
        """A new goal, and what each strategy will do with it, time after time."""
        name = f"g{len(self.goals)}"
        goal = Goal(id=name, text=f"⊢ {name}", estimated_difficulty=difficulty)
        self.goals.append(goal)
        self.by_id[name] = goal
        for strategy, own in zip(self.strategies.values(), script, strict=True):
            strategy.acts = {**_by_goal(strategy), name: own}

    @rule(
        seconds=st.sampled_from([0.0, 0.3, 1.0, 5.0, 30.0]),
        ending=st.sampled_from(["cancel", "shutdown", "two shutdowns", "all at once", "run out", "crash"]),
        refusals=st.lists(st.booleans(), max_size=20),
        as_queue=st.booleans(),
    )
    def work_and_stop(self, seconds: float, ending: str, refusals: list[bool], as_queue: bool) -> None:
        """A scheduler works for a while, and then is stopped."""
        self.runner.run(self._work(seconds, ending, refusals, as_queue))

    @rule()
    def work_to_the_end(self) -> None:
        """A scheduler works until it is done."""
        self.runner.run(self._work(None, "", [], False))

    async def _work(self, seconds: float | None, ending: str, refusals: list[bool], as_queue: bool) -> None:
        slots = FlakySlots(self.limits, refusals)
        run_seconds = seconds if ending == "run out" else None
        scheduler = scheduler_for(
            self.strategies,
            memory=self.ledger,
            slots=slots,
            settings=SchedulerSettings(
                max_light=self.settings.max_light,
                max_heavy=self.settings.max_heavy,
                speculation=self.settings.speculation,
            ).model_copy(update={"timeout": run_seconds}),
            rounds=self.rounds,
            hedged=self.hedged,
        )
        queue: asyncio.Queue[Goal] = asyncio.Queue()
        for goal in self.goals:
            queue.put_nowait(goal)
        task = asyncio.ensure_future(scheduler.process_queue(queue if as_queue else list(self.goals)))
        if ending != "run out" and seconds is not None:
            await asyncio.sleep(seconds)
            self.ledger.dead = ending == "crash"
            if ending in ("cancel", "crash"):
                task.cancel()
            else:
                scheduler.shutdown()
                if ending in IMPATIENT:
                    scheduler.shutdown()
                if ending == "all at once":
                    task.cancel()
        await asyncio.wait([task])
        self.ledger.dead = False
        assert all(slots.most[weight] <= limit for weight, limit in self.limits.items())
        if ending in IMPATIENT:
            await asyncio.sleep(10)
        assert not +slots.used
        assert not any(strategy.running for strategy in self.strategies.values())
        assert len(asyncio.all_tasks()) == 1
        if not task.cancelled():
            results = task.result()
            left = {queue.get_nowait().id for _ in range(queue.qsize())} if as_queue else set()
            assert set(results) | left == {goal.id for goal in self.goals}
            assert not set(results) & left
            proofs = {goal.id for goal, result in self.ledger.attempts if result.success}
            assert {name for name, result in results.items() if result.success} <= proofs
        self.solved = {goal.id for goal, result in self.ledger.attempts if result.success}

    @invariant()
    def limits_hold(self) -> None:
        """Never more at once than allowed, and nothing on a goal that is solved."""
        assert self.passed_limit == []

    def teardown(self) -> None:
        """A last run without trouble: whatever can be proved is proved."""
        if hasattr(self, "limits"):
            for _ in range(4):
                self.runner.run(self._work(None, "", [], False))
            for goal in self.goals:
                if any(_always_proves(strategy, goal) for strategy in self.strategies.values()):
                    assert goal.id in self.solved
        self.runner.close()


def _by_goal(strategy: Scripted) -> dict[str, list[Act]]:
    assert not isinstance(strategy.acts, Act)
    return {name: list(own) for name, own in strategy.acts.items()}


def _always_proves(strategy: Scripted, goal: Goal) -> bool:
    return all(act.proves and act.raises is None and act.seconds < 8 for act in _by_goal(strategy)[goal.id])


SchedulerMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSchedulerMachine = SchedulerMachine.TestCase


def test_the_clock_of_these_tests_is_virtual() -> None:
    async def main() -> float:
        await asyncio.sleep(1e5)
        return now()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == 1e5
