"""Many goals: limits, back-off, rounds, budgets, and stopping in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scripted_strategies import FAILS, HANGS, PROVES, Act, a_goal, cast, scheduler_for
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
from orchestrator.scheduler.time_limits import TimeLimits

MICRO, HAMMER, COPILOT = StrategyType.MICRO, StrategyType.HAMMER, StrategyType.COPILOT


def _settings(
    light: int = 8, heavy: int = 2, seconds: float | None = None, timeouts: float | None = None
) -> SchedulerSettings:
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


def test_the_limits_hold_and_are_used_up() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=4))
        most = {"light": 0, "heavy": 0}

        def look() -> None:
            for weight in most:
                most[weight] = max(most[weight], sum(name.startswith(weight) for name in strategies[MICRO].running))

        strategies[MICRO].on_change = look
        goals = [a_goal(f"{w}{n}", 0.59 if w == "light" else 0.6) for n in range(9) for w in ("light", "heavy")]
        results = await scheduler_for(strategies, settings=_settings(3, 2)).process_queue(goals)
        assert most == {"light": 3, "heavy": 2}
        assert sorted(results) == sorted(goal.id for goal in goals)
        assert now() == 4.0 * 5

    run(main())


def test_heavy_goals_in_front_do_not_starve_light_ones() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=5))
        goals = [*(a_goal(f"heavy{n}", 0.9) for n in range(50)), a_goal("light")]
        await scheduler_for(strategies, settings=_settings()).process_queue(goals)
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
        results = await scheduler_for(strategies, settings=_settings(), slots=slots).process_queue(goals)
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

        scheduler = scheduler_for(cast(micro=HANGS), settings=_settings())
        task = asyncio.ensure_future(scheduler.process_queue(goals()))
        await asyncio.sleep(1)
        assert len(read) < 25
        scheduler.shutdown()
        assert len(await task) == 1000

    run(main())


def test_goals_come_round_with_more_time_until_nothing_more_can_be_learned() -> None:
    async def main() -> None:
        strategies = cast(micro={"slow": [HANGS, HANGS, Act(seconds=30, proves=True)], "hopeless": [FAILS]})
        scheduler = scheduler_for(strategies, settings=_settings(), rounds=4)
        results = await scheduler.process_queue([a_goal("slow"), a_goal("hopeless")])
        assert [(name, timeout) for name, _, timeout in strategies[MICRO].calls] == [
            ("slow", 8.0),
            ("hopeless", 8.0),
            ("slow", 16.0),
            ("slow", 32.0),
        ]
        assert (results["slow"].success, results["hopeless"].outcome) == (True, Outcome.NOT_PROVED)

    run(main())


class Told:
    """A policy that is told what each strategy is worth."""

    def __init__(self, **gains: float) -> None:
        self.gains = gains

    def order(
        self, features: object, available: list[StrategyType], *_: object, **__: object
    ) -> tuple[StrategyType, ...]:
        """See `Policy.order`."""
        return tuple(sorted(available, key=lambda kind: -self.gains[kind]))

    def gain(self, features: object, arm: StrategyType, *_: object, **__: object) -> float:
        """See `GainPolicy.gain`."""
        return self.gains[arm]


def test_every_goal_has_its_first_shot_before_the_most_promising_slice_is_next() -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=FAILS, copilot=FAILS)
        policy = Told(micro=0.3, hammer=0.2, copilot=0.1)
        scheduler = scheduler_for(strategies, settings=_settings(light=1, seconds=600.0), policy=policy)
        await scheduler.process_queue([a_goal("a"), a_goal("b")])
        calls = sorted((start, name, kind) for kind, s in strategies.items() for name, start, _ in s.calls)
        assert [(name, kind) for _, name, kind in calls] == [
            ("a", MICRO),
            ("b", MICRO),
            ("a", HAMMER),
            ("b", HAMMER),
            ("a", COPILOT),
            ("b", COPILOT),
        ]
        assert scheduler.plan.why_it_ended(2) == "everything was tried"

    run(main())


def test_a_short_try_of_another_strategy_may_come_before_a_long_one_of_what_has_failed() -> None:
    class BySlice(Told):
        """Half a chance, whatever the slice."""

        def gain(self, *_: object, between: tuple[float, float], **__: object) -> float:
            """See `GainPolicy.gain`."""
            return 0.5 / between[1]

    async def main() -> None:
        strategies = cast(hammer=HANGS, micro=PROVES)
        limits = TimeLimits(SchedulerSettings(), quick=[MICRO])
        scheduler = scheduler_for(
            strategies, settings=_settings(seconds=600.0), policy=BySlice(hammer=2.0, micro=1.0), limits=limits
        )
        results = await scheduler.process_queue([a_goal("a")])
        assert [timeout for _, _, timeout in strategies[HAMMER].calls] == [20.0]
        assert [timeout for _, _, timeout in strategies[MICRO].calls] == [1.0]
        assert results["a"].strategy == MICRO

    run(main())


def test_what_would_hardly_bring_a_proof_is_not_tried() -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=FAILS)
        policy = Told(micro=0.0, hammer=1e-5)
        scheduler = scheduler_for(strategies, settings=_settings(seconds=600.0), policy=policy)
        results = await scheduler.process_queue([a_goal("a"), a_goal("b", 0.9)])
        assert [name for name, _, _ in strategies[HAMMER].calls] == ["a", "b"]  # the first shot is everybody's
        assert strategies[MICRO].calls == []
        assert {result.outcome for result in results.values()} == {Outcome.NOT_PROVED}
        why = scheduler.plan.why_it_ended(2)
        assert why == "what was left to try would hardly bring a proof in 5 h of a server"

    run(main())


def test_what_somebody_asked_for_is_tried_once_on_each_goal_that_is_left_whatever_it_promises() -> None:
    async def main() -> None:
        strategies = cast(micro={"a": [FAILS], "b": [FAILS], "c": [PROVES]}, agent={"a": [PROVES], "b": [HANGS]})
        limits = _settings(seconds=3600.0)
        limits = limits.model_copy(update={"timeouts": {**limits.timeouts, StrategyType.AGENT: 900.0}})
        policy = Told(micro=1.0, agent=0.0)
        scheduler = scheduler_for(strategies, settings=limits, policy=policy)
        results = await scheduler.process_queue([a_goal("a"), a_goal("b"), a_goal("c")])
        assert [name for name, _, _ in strategies[StrategyType.AGENT].calls] == ["a", "b"]
        assert {name for name, result in results.items() if result.success} == {"a", "c"}
        assert now() < 1200

    run(main())


@given(st.integers(0, 6), st.integers(1, 30), st.integers(1, 3))
@example(4, 2, 1)
@settings(max_examples=20, deadline=None)
def test_a_run_with_hopeless_goals_ends_by_itself(easy: int, hopeless: int, light: int) -> None:
    async def main() -> None:
        acts = {f"easy{n}": [Act(seconds=9, proves=True)] for n in range(easy)}
        strategies = cast(
            micro={**acts, **{f"hard{n}": [Act(seconds=2)] for n in range(hopeless)}},
            hammer={**acts, **{f"hard{n}": [HANGS] for n in range(hopeless)}},
        )
        policy = Told(micro=1.0, hammer=0.9)
        scheduler = scheduler_for(strategies, settings=_settings(light=light, seconds=1800.0), policy=policy)
        results = await scheduler.process_queue([a_goal(name) for name in strategies[MICRO].acts])
        assert sum(result.success for result in results.values()) == easy
        last = max((start + 9 for name, start, _ in strategies[MICRO].calls if name.startswith("easy")), default=0.0)
        first_shots = max(start for _, start, _ in strategies[MICRO].calls) + 2
        assert now() <= max(2 * last + 60, first_shots)
        assert scheduler.plan.why_it_ended(hopeless).startswith(("no proof had come for", "what was left to try"))

    run(main())


def test_what_was_given_up_is_left_in_peace() -> None:
    class Notes:
        """Remembers for the next scheduler."""

        def __init__(self) -> None:
            self.goals: set[str] = set()

        def note(self, goal: Goal) -> None:
            self.goals.add(goal.id)

        def known(self, goal: Goal) -> bool:
            return goal.id in self.goals

    async def main() -> None:
        notes, memory = Notes(), MemoryLedger()
        memory.given_up = notes
        for expected in (["a", "b"], []):
            strategies = cast(micro={"a": [FAILS], "b": [PROVES]}, hammer=HANGS)
            policy = Told(micro=1.0, hammer=1e-6)
            scheduler = scheduler_for(strategies, settings=_settings(seconds=600.0), policy=policy, memory=memory)
            results = await scheduler.process_queue([a_goal("a"), a_goal("b")])
            assert [name for name, _, _ in strategies[MICRO].calls] == expected
            assert strategies[HAMMER].calls == []
            assert (results["a"].outcome, results["b"].success) == (Outcome.NOT_PROVED, True)
        assert notes.goals == {"a"}
        assert not scheduler.worth_trying(a_goal("a"))

    run(main())


def test_a_proof_gives_the_search_more_time() -> None:
    async def main() -> None:
        late = Act(seconds=40, proves=True)
        strategies = cast(micro={"a": [late], "b": [HANGS]}, hammer={"a": [FAILS], "b": [FAILS, HANGS]})
        scheduler = scheduler_for(
            strategies, settings=_settings(seconds=1800.0, timeouts=50.0), policy=Told(micro=1.0, hammer=0.9)
        )
        await scheduler.process_queue([a_goal("a"), a_goal("b")])
        assert 60 < now() <= 2 * 40 + 60

    run(main())


def test_one_goal_cannot_eat_the_night() -> None:
    async def main() -> None:
        strategies = cast(micro={"eater": [HANGS], **{f"easy{n}": [PROVES] for n in range(20)}})
        goals = [a_goal("eater"), *(a_goal(f"easy{n}") for n in range(20))]
        settings = _settings(light=1, seconds=60.0)
        results = await scheduler_for(strategies, settings=settings, rounds=9).process_queue(goals)
        assert sum(result.success for result in results.values()) == 20
        assert (results["eater"].strategy, results["eater"].outcome) == (MICRO, Outcome.TIMEOUT)
        eaten = [(start, timeout) for name, start, timeout in strategies[MICRO].calls if name == "eater"]
        # At 48 it could have 12 seconds more, but 16 were not enough.
        assert eaten == [(0.0, 8.0), (30.0, 16.0)]
        assert now() == 48.0
        assert [attempt.time_seconds for attempt in results["eater"].attempts] == [10.0, 18.0]

    run(main())


def test_what_the_run_has_no_time_for_is_answered_too() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=6))
        settings = _settings(light=1, seconds=10.0)
        results = await scheduler_for(strategies, settings=settings).process_queue(a_goal(str(n)) for n in range(5))
        assert [results[str(n)].outcome for n in range(5)] == [
            Outcome.NOT_PROVED,
            Outcome.TIMEOUT,
            Outcome.TIMEOUT,
            Outcome.TIMEOUT,
            Outcome.TIMEOUT,
        ]
        assert [timeout for _, _, timeout in strategies[MICRO].calls] == [8.0, 4.0]

    run(main())


@given(st.lists(st.floats(0.5, 40), min_size=10, max_size=10))
@settings(max_examples=10)
def test_what_was_proved_stays_proved_however_little_time_there_is(budgets: list[float]) -> None:
    async def main() -> None:
        memory, goals = MemoryLedger(), [a_goal(f"g{n}", 0.1 + 0.1 * n) for n in range(9)]
        solved: set[str] = set()
        for seconds in sorted(budgets, reverse=True):
            scheduler = scheduler_for(
                cast(micro=Act(seconds=3, proves=True)), settings=_settings(1, 1, seconds=seconds), memory=memory
            )
            results = await scheduler.process_queue(iter(goals))
            now_solved = {key for key, result in results.items() if result.success}
            assert solved <= now_solved
            assert all(results[key].known for key in solved)
            solved = now_solved

    run(main())


def test_no_goal_waits_while_another_is_tried_twice() -> None:
    async def main() -> None:
        strategies = cast(micro=HANGS)
        goals = [*(a_goal(f"light{n}") for n in range(3)), *(a_goal(f"heavy{n}", 0.9) for n in range(3))]
        slots = OneForAll(8, 8)
        await scheduler_for(strategies, settings=_settings(seconds=200.0), rounds=2, slots=slots).process_queue(goals)
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
        scheduler = scheduler_for(strategies, settings=_settings(light=1), emit=events.append)
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
        scheduler = scheduler_for(strategies, settings=_settings(light=1), session_retries=0)
        results = await scheduler.process_queue([a_goal("a"), a_goal("b")])
        assert results["a"].success
        assert [goal for goal, _, _ in strategies[HAMMER].calls] == ["a", "b", "a"]
        assert [goal for goal, _, _ in strategies[MICRO].calls] == ["a", "b"]

    run(main())


def test_a_session_that_breaks_on_a_goal_every_time_does_not_keep_the_queue_going() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=1, raises=SessionDied("Lean died")))
        results = await scheduler_for(strategies, settings=_settings(), session_retries=0).process_queue([a_goal("a")])
        assert results["a"].outcome is Outcome.ERROR
        assert len(strategies[MICRO].calls) == 2

    run(main())
