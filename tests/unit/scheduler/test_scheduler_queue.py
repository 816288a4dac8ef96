"""Many goals: limits, back-off, and stopping in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_strategies import FAILS, HANGS, PROVES, Act, a_goal, cast, scheduler_for, settings_of
from virtual_time import now, run

from orchestrator.config import SchedulerSettings
from orchestrator.errors import SessionDied
from orchestrator.goals.events import Event, GoalDone, GoalStarted, Progress
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, StrategyType
from orchestrator.run.stop import stop_on_signals
from orchestrator.scheduler.memory import MemoryLedger
from orchestrator.scheduler.queue import GoalQueue, back_off
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Slots, Weight

MICRO, HAMMER, COPILOT = StrategyType.MICRO, StrategyType.HAMMER, StrategyType.COPILOT


def test_the_limits_hold_and_are_used_up() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=4))
        most = {"light": 0, "heavy": 0}

        def look() -> None:
            for weight in most:
                most[weight] = max(most[weight], sum(name.startswith(weight) for name in strategies[MICRO].running))

        strategies[MICRO].on_change = look
        goals = [a_goal(f"{w}{n}", 0.59 if w == "light" else 0.6) for n in range(9) for w in ("light", "heavy")]
        results = await scheduler_for(strategies, settings=settings_of(3, 2)).process_queue(goals)
        assert most == {"light": 3, "heavy": 2}
        assert sorted(results) == sorted(goal.id for goal in goals)
        assert now() == 4.0 * 5

    run(main())


def test_heavy_goals_in_front_do_not_starve_light_ones() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=5))
        goals = [*(a_goal(f"heavy{n}", 0.9) for n in range(50)), a_goal("light")]
        await scheduler_for(strategies, settings=settings_of()).process_queue(goals)
        assert strategies[MICRO].calls[:3] == [("light", 0.0, 8.0), ("heavy0", 0.0, 8.0), ("heavy1", 0.0, 8.0)]

    run(main())


def test_of_untried_goals_the_nearest_to_a_free_server_comes_first() -> None:
    async def main() -> None:
        names = ["x1", "y1", "z1", "x2", "y2", "z2", "x3"]
        strategies = cast(micro={"x2": [FAILS, PROVES], **{name: [PROVES] for name in names if name != "x2"}})
        begun = strategies[MICRO].calls

        def distance(goal: Goal) -> int:
            return 0 if begun and goal.id[0] == begun[-1][0][0] else 2

        goals = [a_goal(name, 0.9 if name == "x3" else 0.3) for name in names]
        slots = Slots(8, 2, 1, distance)
        results = await scheduler_for(strategies, settings=settings_of(), slots=slots).process_queue(goals)
        assert [name for name, _, _ in begun] == ["x1", "x2", "x3", "y1", "y2", "z1", "z2"]
        assert list(results) == [name for name, _, _ in begun]

    run(main())


class Busy(Slots):
    """Refuses for a while, whatever is free, as limits shared with others do."""

    def __init__(self, until: float) -> None:
        super().__init__(2, 2)
        self.until = until
        self.asked: list[float] = []

    def acquire(self, weight: Weight) -> bool:
        """See `Slots.acquire`."""
        self.asked.append(now())
        return now() >= self.until and super().acquire(weight)


def test_a_goal_that_gets_no_slot_asks_again_less_and_less_often() -> None:
    async def main() -> None:
        slots = Busy(until=10.0)
        results = await scheduler_for(cast(micro=PROVES), slots=slots).process_queue([a_goal("a"), a_goal("b")])
        assert all(result.success for result in results.values())
        waits = [after - before for before, after in pairwise(slots.asked) if after <= 10.0]
        assert waits == pytest.approx([back_off(n) for n in range(1, len(waits) + 1)])
        assert 10.0 <= now() <= 13.1
        assert not +slots.used

    run(main())


class OneForAll(Slots):
    """A single slot, whatever the weight."""

    def acquire(self, weight: Weight) -> bool:
        """See `Slots.acquire`."""
        return not +self.used and super().acquire(weight)


def test_a_freed_slot_is_used_at_once_even_by_the_other_weight() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=7.9))
        slots = OneForAll(1, 1)
        await scheduler_for(strategies, slots=slots).process_queue([a_goal("a", 0.9), a_goal("b", 0.9), a_goal("c")])
        assert [start for _, start, _ in strategies[MICRO].calls] == pytest.approx([0.0, 7.9, 15.8])

    run(main())


def test_goals_that_wait_come_before_further_strategies() -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=FAILS, copilot=Act(seconds=3))
        settings = SchedulerSettings(max_light=2, speculation=3)
        await scheduler_for(strategies, settings=settings).process_queue([a_goal(name) for name in "abc"])
        calls = sorted((start, name) for strategy in strategies.values() for name, start, _ in strategy.calls)
        assert [name for start, name in calls if start == 0.0] == ["a", "b"]
        assert (1.0, "c") in calls
        assert len(calls) == 9

    run(main())


def test_a_single_goal_waits_for_its_slot_too() -> None:
    async def main() -> None:
        slots = Busy(until=1.0)
        assert (await scheduler_for(cast(micro=PROVES), slots=slots).run_goal(a_goal())).success
        scheduler = scheduler_for(cast(micro=PROVES), slots=Busy(until=1e9))
        task = asyncio.ensure_future(scheduler.run_goal(a_goal()))
        await asyncio.sleep(5)
        scheduler.shutdown()
        assert (await task).outcome is Outcome.CANCELLED

    run(main())


def test_goals_are_taken_from_a_queue_as_they_come() -> None:
    async def main() -> None:
        queue: asyncio.Queue[Goal] = asyncio.Queue()
        queue.put_nowait(a_goal("first"))
        strategies = cast(micro=Act(seconds=5, proves=True))
        events: list[Event] = []
        task = asyncio.ensure_future(scheduler_for(strategies, emit=events.append).process_queue(queue))
        await asyncio.sleep(1)
        queue.put_nowait(a_goal("second"))
        queue.put_nowait(a_goal("first"))
        await queue.join()
        assert sorted(await task) == ["first", "second"]
        assert [event.goal.id for event in events if isinstance(event, GoalDone)] == ["first", "second"]
        assert [(name, start) for name, start, _ in strategies[MICRO].calls] == [("first", 0.0), ("second", 1.0)]
        assert now() == 6.0

    run(main())


def test_an_empty_queue_is_done() -> None:
    async def main() -> None:
        assert await scheduler_for(cast(micro=PROVES)).process_queue([]) == {}
        assert await scheduler_for(cast(micro=PROVES)).process_queue(asyncio.Queue()) == {}

    run(main())


def test_a_long_iterable_is_not_read_ahead() -> None:
    async def main() -> None:
        read: list[int] = []

        def goals() -> Iterator[Goal]:
            for number in range(1000):
                read.append(number)
                yield a_goal(str(number), 0.9 if number % 2 else 0.1)

        scheduler = scheduler_for(cast(micro=HANGS), settings=settings_of())
        task = asyncio.ensure_future(scheduler.process_queue(goals()))
        await asyncio.sleep(1)
        assert len(read) < 25
        scheduler.shutdown()
        assert len(await task) == 1000

    run(main())


def test_no_goal_waits_while_another_is_tried_twice() -> None:
    async def main() -> None:
        strategies = cast(micro=HANGS)
        goals = [*(a_goal(f"light{n}") for n in range(3)), *(a_goal(f"heavy{n}", 0.9) for n in range(3))]
        slots = OneForAll(8, 8)
        await scheduler_for(strategies, settings=settings_of(seconds=200.0), rounds=2, slots=slots).process_queue(goals)
        first_six = [goal for goal, _, _ in strategies[MICRO].calls[:6]]
        assert sorted(first_six) == sorted(goal.id for goal in goals)

    run(main())


def test_shutdown_answers_for_every_goal() -> None:
    async def main() -> None:
        strategies = cast(micro={"done": [PROVES], "running": [Act(seconds=100, cleanup=1)], "waiting": [PROVES]})
        ledger, slots = MemoryLedger(), Slots(1, 1)
        scheduler = scheduler_for(strategies, memory=ledger, slots=slots)
        goals = [a_goal("done"), a_goal("running"), a_goal("waiting")]
        task = asyncio.ensure_future(scheduler.process_queue(goals))
        await asyncio.sleep(3)
        scheduler.shutdown()
        results = await task
        assert now() == 4.0
        assert {name: result.outcome for name, result in results.items()} == {
            "done": Outcome.PROVED,
            "running": Outcome.CANCELLED,
            "waiting": Outcome.CANCELLED,
        }
        assert [r.outcome for _, r in ledger.attempts] == [Outcome.PROVED, Outcome.CANCELLED]
        assert not +slots.used

    run(main())


def test_a_second_shutdown_leaves_stubborn_work_behind() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=1000, stubborn=True))
        scheduler = scheduler_for(strategies)
        task = asyncio.ensure_future(scheduler.process_queue([a_goal("a"), a_goal("b", 0.9)]))
        await asyncio.sleep(1)
        scheduler.shutdown()
        await asyncio.sleep(20)
        assert not task.done()
        scheduler.shutdown()
        results = await task
        assert now() == 21.0
        assert {result.outcome for result in results.values()} == {Outcome.CANCELLED}

    run(main())


def test_cancelling_the_queue_stops_everything() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=100, cleanup=1))
        events: list[Event] = []
        slots = Slots(2, 2)
        scheduler = scheduler_for(strategies, emit=events.append, slots=slots)
        task = asyncio.ensure_future(scheduler.process_queue([a_goal(str(n)) for n in range(4)]))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert now() == 2.0
        assert not strategies[MICRO].running
        assert not +slots.used
        assert sorted(event.goal.id for event in events if isinstance(event, GoalDone)) == ["0", "1", "2", "3"]

    run(main())


def test_progress_counts_up() -> None:
    async def main() -> None:
        events: list[Event] = []
        strategies = cast(micro={"a": [PROVES], "b": [FAILS], "c": [PROVES]})
        scheduler = scheduler_for(strategies, settings=settings_of(light=1), emit=events.append)
        await scheduler.process_queue([a_goal("a"), a_goal("b"), a_goal("c")])
        seen = [event for event in events if isinstance(event, Progress)]
        assert [(event.done, event.solved) for event in seen] == [(1, 1), (2, 1), (3, 2)]
        assert seen[-1] == Progress(done=3, solved=2, running=0, waiting=0)
        assert sum(isinstance(event, GoalStarted) for event in events) == 3

    run(main())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_in_order(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    async def main() -> set[Outcome]:
        scheduler = Scheduler(middleware=[lambda attempt, run: asyncio.Event().wait()])  # type: ignore[list-item,return-value]
        with stop_on_signals(scheduler.shutdown):
            task = asyncio.ensure_future(scheduler.process_queue([a_goal()]))
            await asyncio.sleep(0)
            os.kill(os.getpid(), number)
            results = await task
        return {result.outcome for result in results.values()}

    assert asyncio.run(main()) == {Outcome.CANCELLED}
    assert signal.getsignal(number) == before


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Weight), st.none() | st.floats(0, 9)), max_size=30))
def test_a_line_gives_everything_back_the_untried_first_then_the_most_promising(
    entries: list[tuple[Weight, float | None]],
) -> None:
    line = GoalQueue()
    for number, (weight, gain) in enumerate(entries):
        line.add(a_goal(str(number)), weight, gain=gain)
    for weight in Weight:
        out = []
        while (waiting := line.next(weight, 0.0)) is not None:
            out.append(int(waiting.goal.id))
        mine = [(gain is not None, -(gain or 0.0), n) for n, (w, gain) in enumerate(entries) if w is weight]
        assert out == [n for _, _, n in sorted(mine)]
    assert len(line) == 0


@settings(deadline=None)
@given(st.integers(1, 10_000))
def test_back_off_grows_to_a_limit(refusals: int) -> None:
    assert 0 < back_off(refusals) <= back_off(refusals + 1) <= 2.0


def test_a_goal_whose_session_broke_has_its_lost_attempt_made_again_behind_the_others() -> None:
    async def main() -> None:
        lost = Act(seconds=1, raises=SessionDied("Lean died"))
        hammer = {"a": [lost, Act(proves=True)], "b": [FAILS]}
        strategies = cast(micro=FAILS, hammer=hammer)
        scheduler = scheduler_for(strategies, settings=settings_of(light=1), session_retries=0)
        results = await scheduler.process_queue([a_goal("a"), a_goal("b")])
        assert results["a"].success
        assert [goal for goal, _, _ in strategies[HAMMER].calls] == ["a", "b", "a"]
        assert [goal for goal, _, _ in strategies[MICRO].calls] == ["a", "b"]

    run(main())


def test_a_session_that_breaks_on_a_goal_every_time_does_not_keep_the_queue_going() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=1, raises=SessionDied("Lean died")))
        results = await scheduler_for(strategies, settings=settings_of(), session_retries=0).process_queue(
            [a_goal("a")]
        )
        assert results["a"].outcome is Outcome.ERROR
        assert len(strategies[MICRO].calls) == 2

    run(main())
