"""A run's budget: first shots, the next slice, tries with more time, and when it ends by itself."""

from __future__ import annotations

import asyncio

from hypothesis import example, given, settings
from hypothesis import strategies as st
from scripted_strategies import FAILS, HANGS, PROVES, Act, a_goal, cast, scheduler_for, settings_of
from virtual_time import now, run

from orchestrator.config import SchedulerSettings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, StrategyType
from orchestrator.scheduler.memory import MemoryLedger
from orchestrator.scheduler.plan import Plan
from orchestrator.scheduler.slots import Slots
from orchestrator.scheduler.time_limits import ASKED_PATIENCE, TimeLimits

MICRO, HAMMER, COPILOT = StrategyType.MICRO, StrategyType.HAMMER, StrategyType.COPILOT


def test_goals_come_round_with_more_time_until_nothing_more_can_be_learned() -> None:
    async def main() -> None:
        strategies = cast(micro={"slow": [HANGS, HANGS, Act(seconds=30, proves=True)], "hopeless": [FAILS]})
        scheduler = scheduler_for(strategies, settings=settings_of(), rounds=4)
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
        scheduler = scheduler_for(strategies, settings=settings_of(light=1, seconds=600.0), policy=policy)
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
            strategies, settings=settings_of(seconds=600.0), policy=BySlice(hammer=2.0, micro=1.0), limits=limits
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
        scheduler = scheduler_for(strategies, settings=settings_of(seconds=600.0), policy=policy)
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
        limits = settings_of(seconds=3600.0)
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
        scheduler = scheduler_for(strategies, settings=settings_of(light=light, seconds=1800.0), policy=policy)
        results = await scheduler.process_queue([a_goal(name) for name in strategies[MICRO].acts])
        assert sum(result.success for result in results.values()) == easy
        last = max((start + 9 for name, start, _ in strategies[MICRO].calls if name.startswith("easy")), default=0.0)
        first_shots = max(start for _, start, _ in strategies[MICRO].calls) + 2
        assert now() <= max(2 * last + 60, first_shots)
        assert scheduler.plan.why_it_ended(hopeless).startswith(("no proof had come for", "what was left to try"))

    run(main())


def test_a_run_that_was_told_how_long_it_may_take_goes_on_for_longer_without_a_proof() -> None:
    seconds = 0.0
    usual, asked = (Plan(900.0, 2, lambda: seconds, **more) for more in ({}, {"patience": ASKED_PATIENCE}))
    seconds = 140.0
    usual.proved()
    asked.proved()
    seconds = 300.0
    assert usual.seconds_for(40.0, first=False, tried_with=20.0) == 0.0
    assert asked.seconds_for(40.0, first=False, tried_with=20.0) == 40.0
    assert usual.why_it_ended(3) == "no proof had come for 2 min 40 s, after the last one at 2 min 20 s"


def test_a_search_that_was_stopped_does_not_say_that_everything_was_tried() -> None:
    async def main() -> None:
        scheduler = scheduler_for(cast(micro=HANGS), settings=settings_of(seconds=600.0))
        task = asyncio.ensure_future(scheduler.process_queue([a_goal()]))
        await asyncio.sleep(1)
        scheduler.shutdown()
        results = await task
        assert scheduler.plan.why_it_ended(1) == "everything was tried"
        assert scheduler.why_it_ended(results) == ""

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
            scheduler = scheduler_for(strategies, settings=settings_of(seconds=600.0), policy=policy, memory=memory)
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
            strategies, settings=settings_of(seconds=1800.0, timeouts=50.0), policy=Told(micro=1.0, hammer=0.9)
        )
        await scheduler.process_queue([a_goal("a"), a_goal("b")])
        assert 60 < now() <= 2 * 40 + 60

    run(main())


def test_one_goal_cannot_eat_the_night() -> None:
    async def main() -> None:
        strategies = cast(micro={"eater": [HANGS], **{f"easy{n}": [PROVES] for n in range(20)}})
        goals = [a_goal("eater"), *(a_goal(f"easy{n}") for n in range(20))]
        settings = settings_of(light=1, seconds=60.0)
        results = await scheduler_for(strategies, settings=settings, rounds=9).process_queue(goals)
        assert sum(result.success for result in results.values()) == 20
        assert (results["eater"].strategy, results["eater"].outcome) == (MICRO, Outcome.TIMEOUT)
        eaten = [(start, timeout) for name, start, timeout in strategies[MICRO].calls if name == "eater"]
        # At 48 it could have 12 seconds more, but 16 were not enough.
        assert eaten == [(0.0, 8.0), (30.0, 16.0)]
        assert now() == 48.0
        assert [attempt.time_seconds for attempt in results["eater"].attempts] == [10.0, 18.0]

    run(main())


def test_little_time_goes_round_before_anybody_has_much_of_it() -> None:
    async def main() -> None:
        settings = settings_of(light=1, seconds=600.0, timeouts=16.0)
        strategies = cast(micro=HANGS)
        limits = TimeLimits(settings, quick={MICRO})
        goals = [a_goal(name) for name in "abc"]
        scheduler = scheduler_for(strategies, settings=settings, limits=limits, slots=Slots(1, 1, servers=1))
        await scheduler.process_queue(goals)
        calls = strategies[MICRO].calls
        assert [(name, timeout) for name, _, timeout in calls[:3]] == [(name, 2.0) for name in "abc"]
        assert [name for name, _, _ in calls[3:6]] == list("abc")
        assert all(4.0 <= timeout < 16.0 for _, _, timeout in calls[3:6])

    run(main())


def test_what_the_run_has_no_time_for_is_answered_too() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=6))
        settings = settings_of(light=1, seconds=10.0)
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
                cast(micro=Act(seconds=3, proves=True)), settings=settings_of(1, 1, seconds=seconds), memory=memory
            )
            results = await scheduler.process_queue(iter(goals))
            now_solved = {key for key, result in results.items() if result.success}
            assert solved <= now_solved
            assert all(results[key].known for key in solved)
            solved = now_solved

    run(main())
