"""One goal: which strategies are tried, in what order, at what time, and what is remembered of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from scripted_machine import ScriptedMachine
from scripted_strategies import FAILS, HANGS, PROVES, Act, a_goal, cast, scheduler_for
from virtual_time import now, run

from orchestrator.config import SchedulerSettings
from orchestrator.errors import LeanNotFound, LedgerUnavailable, SessionDied, StoppedError
from orchestrator.goals.events import AttemptFinished, AttemptStarted, Event, GoalDone, GoalStarted
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.machine import GIBIBYTE, Reading
from orchestrator.scheduler.goal_runner import REPEATED
from orchestrator.scheduler.memory import KnownTactics, MemoryLedger, trial_of
from orchestrator.scheduler.middleware import Attempt, Handler
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Slots
from orchestrator.scheduler.subgoals import Scripts
from orchestrator.scheduler.throttle import Throttle
from orchestrator.scheduler.time_limits import ENOUGH_SUCCESSES
from orchestrator.strategies.policy.bandit import CostAware, ucb_score

MICRO, HAMMER, COPILOT = StrategyType.MICRO, StrategyType.HAMMER, StrategyType.COPILOT
REPROVER, SKETCH = StrategyType.REPROVER, StrategyType.SKETCH


def test_a_new_scheduler_scores_every_strategy_alike() -> None:
    scheduler = Scheduler()
    assert {scheduler.ucb_score(strategy) for strategy in StrategyType} == {1.5 * 2**0.5}
    assert set(scheduler.trials.values()) == {0}
    assert set(scheduler.success_rate.values()) == {0.0}


def test_scores_follow_the_trials() -> None:
    async def main() -> None:
        scheduler = scheduler_for(cast(micro=FAILS, hammer=PROVES))
        await scheduler.run_goal(a_goal(), n=1)
        assert (scheduler.trials[MICRO], scheduler.trials[HAMMER]) == (1, 1)
        assert scheduler.success_rate[MICRO] == 0.0
        assert scheduler.success_rate[HAMMER] == pytest.approx(0.1)
        assert scheduler.ucb_score(HAMMER) == ucb_score(scheduler.success_rate[HAMMER], 1, 2)
        assert scheduler.ucb_score(COPILOT) == ucb_score(0.0, 0, 2)
        assert scheduler.select_strategies(a_goal("other"), n=2) == (HAMMER, MICRO)

    run(main())


def test_one_after_another_until_success() -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=PROVES, copilot=PROVES)
        ledger = MemoryLedger()
        result = await scheduler_for(strategies, memory=ledger).run_goal(a_goal(), n=1)
        assert (result.success, result.strategy, result.tactics) == (True, HAMMER, ("trivial",))
        assert [strategies[s].calls for s in (MICRO, HAMMER, COPILOT)] == [[("g", 0.0, 8.0)], [("g", 1.0, 20.0)], []]
        assert [(r.strategy, r.outcome) for _, r in ledger.attempts] == [
            (MICRO, Outcome.NOT_PROVED),
            (HAMMER, Outcome.PROVED),
        ]

    run(main())


def test_three_at_once_and_the_losers_are_stopped_before_the_answer() -> None:
    async def main() -> None:
        loser = Act(seconds=100, cleanup=3)
        strategies = cast(micro=loser, hammer=Act(seconds=2, proves=True), copilot=loser, reprover=PROVES)
        ledger = MemoryLedger()
        slots = Slots(8, 2)
        scheduler = scheduler_for(strategies, memory=ledger, slots=slots)
        result = await scheduler.run_goal(a_goal(), n=3)
        assert result.strategy is HAMMER
        assert now() == 5.0
        assert strategies[MICRO].stopped == strategies[COPILOT].stopped == [("g", 5.0)]
        assert strategies[REPROVER].calls == []
        assert {s: n for s, n in scheduler.trials.items() if n} == {HAMMER: 1}
        assert [r.outcome for _, r in ledger.attempts] == [Outcome.PROVED, Outcome.CANCELLED, Outcome.CANCELLED]
        assert not +slots.used

    run(main())


def test_of_two_proofs_at_the_same_moment_one_wins_and_only_it_is_counted() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        scheduler = scheduler_for(cast(micro=PROVES, hammer=PROVES), memory=ledger)
        result = await scheduler.run_goal(a_goal(), n=2)
        assert result.strategy is MICRO
        assert [r.outcome for _, r in ledger.attempts] == [Outcome.PROVED, Outcome.PROVED]
        assert (scheduler.trials[MICRO], scheduler.trials[HAMMER]) == (1, 0)

    run(main())


def test_a_failed_racer_makes_room_for_the_next() -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=Act(seconds=9), copilot=Act(seconds=3, proves=True))
        result = await scheduler_for(strategies).run_goal(a_goal(), n=2)
        assert result.strategy is COPILOT
        assert strategies[COPILOT].calls == [("g", 1.0, 20.0)]
        assert now() == 4.0

    run(main())


def test_racing_takes_only_free_slots() -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=FAILS, copilot=FAILS)
        scheduler = scheduler_for(strategies, settings=SchedulerSettings(max_heavy=2))
        await scheduler.run_goal(a_goal(difficulty=0.9), n=3)
        assert [strategies[s].calls[0][1] for s in (MICRO, HAMMER, COPILOT)] == [0.0, 0.0, 1.0]

    run(main())


def test_hedging_waits_for_the_expected_time() -> None:
    async def main() -> None:
        strategies = cast(micro={"warm": [Act(seconds=2, proves=True)], "g": [HANGS]}, hammer=PROVES)
        scheduler = scheduler_for(strategies, hedged=True)
        await scheduler.run_goal(a_goal("warm"), n=2)
        assert strategies[HAMMER].calls == []
        start = now()
        result = await scheduler.run_goal(a_goal(), n=2)
        assert strategies[HAMMER].calls == [("g", start + 2.0, 20.0)]
        assert result.strategy is HAMMER

    run(main())


def test_running_out_of_time() -> None:
    async def main() -> None:
        strategies = cast(micro=HANGS)
        scheduler = scheduler_for(strategies)
        result = await scheduler.run_goal(a_goal())
        assert (result.success, result.error, result.outcome) == (False, "timeout", Outcome.TIMEOUT)
        assert strategies[MICRO].stopped != []
        assert scheduler.trials[MICRO] == 1

    run(main())


def test_a_proof_at_the_deadline_is_kept() -> None:
    async def main() -> None:
        result = await scheduler_for(cast(micro=Act(seconds=8.5, proves=True))).run_goal(a_goal())
        assert result.success

    run(main())


@pytest.mark.parametrize("error", [ValueError("odd goal"), LeanNotFound("odd goal"), KeyError()])
def test_an_exception_becomes_the_error_of_a_result(error: Exception) -> None:
    async def main() -> None:
        scheduler = scheduler_for(cast(micro=Act(raises=error)))
        result = await scheduler.run_goal(a_goal())
        assert (result.success, result.strategy, result.outcome) == (False, MICRO, Outcome.ERROR)
        assert result.error == (str(error) or "KeyError")
        assert result.time_seconds == 1.0
        assert scheduler.trials[MICRO] == 1

    run(main())


def test_a_broken_session_is_tried_again_and_no_trial() -> None:
    async def main() -> None:
        dies = Act(raises=SessionDied("Lean died"))
        strategies = cast(micro={"g": [dies, dies, PROVES], "h": [dies]}, hammer=FAILS)
        ledger = MemoryLedger()
        scheduler = scheduler_for(strategies, memory=ledger)
        assert (await scheduler.run_goal(a_goal("g"), n=1)).success
        assert len(strategies[MICRO].calls) == 3
        assert scheduler.trials[MICRO] == 1
        result = await scheduler.run_goal(a_goal("h"), n=1)
        assert len(strategies[MICRO].calls) == 6
        assert (scheduler.trials[MICRO], scheduler.trials[HAMMER]) == (1, 1)
        assert result.strategy is HAMMER
        lost = next(r for _, r in ledger.attempts if r.error == "Lean died")
        assert (lost.outcome, lost.broken) == (Outcome.ERROR, True)
        assert scheduler.select_strategies(a_goal("h")) == (MICRO,)

    run(main())


def test_retries_stay_within_the_attempts_time() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=2, raises=SessionDied("Lean died")))
        await scheduler_for(strategies, session_retries=9).run_goal(a_goal())
        assert strategies[MICRO].calls == [("g", 0.0, 8.0), ("g", 2.5, 5.5), ("g", 5.5, 2.5)]

    run(main())


@pytest.mark.parametrize("error", [LedgerUnavailable("disk full"), StoppedError("stop")])
def test_errors_that_concern_the_whole_run_end_it_with_everything_stopped(error: Exception) -> None:
    async def main() -> None:
        strategies = cast(micro=Act(raises=error), hammer=HANGS)
        slots = Slots(8, 2)
        with pytest.raises(type(error)):
            await scheduler_for(strategies, slots=slots).run_goal(a_goal(), n=2)
        assert strategies[HAMMER].stopped == [("g", 1.0)]
        assert not +slots.used

    run(main())


class FullDisk(MemoryLedger):
    """Refuses to record."""

    def record(self, goal: Goal, result: Result) -> None:
        """See `AttemptLedger.record`."""
        raise LedgerUnavailable("disk full")


def test_an_attempt_that_cannot_be_kept_ends_the_run() -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=HANGS)
        with pytest.raises(LedgerUnavailable):
            await scheduler_for(strategies, memory=FullDisk()).run_goal(a_goal(), n=2)
        assert strategies[HAMMER].stopped == [("g", 1.0)]
        with pytest.raises(LedgerUnavailable):
            await scheduler_for(strategies, memory=FullDisk()).process_queue([a_goal("a"), a_goal("b")])
        assert not strategies[HAMMER].running

    run(main())


def test_unavailable_strategies_are_neither_tried_nor_counted() -> None:
    async def main() -> None:
        strategies = cast(micro=PROVES, hammer=PROVES)
        strategies[MICRO].why_not = "no model is configured"
        scheduler = scheduler_for(strategies)
        assert scheduler.select_strategies(a_goal()) == (HAMMER,)
        assert (await scheduler.run_goal(a_goal(), n=1)).strategy is HAMMER
        assert scheduler.trials[MICRO] == 0
        strategies[HAMMER].why_not = "no hammer"
        ledger = MemoryLedger()
        result = await scheduler_for(strategies, memory=ledger).run_goal(a_goal("h"))
        assert result.outcome is Outcome.UNAVAILABLE
        assert result.error == "micro: no model is configured; hammer: no hammer"
        assert ledger.attempts == []

    run(main())


def test_a_strategy_that_finds_itself_unavailable_is_not_counted() -> None:
    async def main() -> None:
        gone = Act(result=Result(success=False, outcome=Outcome.UNAVAILABLE))
        scheduler = scheduler_for(cast(micro=gone))
        assert (await scheduler.run_goal(a_goal())).outcome is Outcome.UNAVAILABLE
        assert scheduler.trials[MICRO] == 0

    run(main())


def test_what_failed_before_is_not_repeated_but_a_timeout_is_with_more_time() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        strategies = cast(micro=FAILS, hammer=HANGS)
        await scheduler_for(strategies, memory=ledger).run_goal(a_goal())
        again = cast(micro=PROVES, hammer=PROVES)
        result = await scheduler_for(again, memory=ledger).run_goal(a_goal())
        assert (result.outcome, result.error) == (Outcome.NOT_PROVED, REPEATED)
        longer = SchedulerSettings(timeouts={MICRO: 99.0, HAMMER: 99.0})
        result = await scheduler_for(again, memory=ledger, settings=longer).run_goal(a_goal())
        assert result.strategy is HAMMER
        assert again[MICRO].calls == []

    run(main())


def test_a_proof_known_for_this_very_goal_is_not_sought_again() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        await scheduler_for(cast(micro=PROVES), memory=ledger).run_goal(a_goal())
        strategies = cast(micro=PROVES)
        result = await scheduler_for(strategies, memory=ledger).run_goal(a_goal())
        assert (result.success, result.tactics, result.known) == (True, ("trivial",), True)
        assert strategies[MICRO].calls == []

    run(main())


@pytest.mark.parametrize(("rate", "works", "asked"), [(0.85, True, 1), (0.85, False, 1), (0.7, True, 0)])
def test_cached_tactics_come_first_when_they_can_be_trusted(rate: float, works: bool, asked: int) -> None:
    async def main() -> None:
        asked_for: list[tuple[str, ...]] = []

        class Replays(Scripts):
            def __init__(self) -> None:
                """No Lean."""

            async def replay(self, goal: Goal, tactics: tuple[str, ...]) -> Result:
                asked_for.append(tactics)
                return Result(works, tactics=tactics if works else (), outcome=Outcome.NOT_PROVED)

        strategies = cast(micro=FAILS, hammer=PROVES)
        ledger = MemoryLedger({"⊢ g": KnownTactics(("simp [*]", "aesop"), rate, HAMMER)})
        scheduler = scheduler_for(strategies, memory=ledger, scripts=Replays())
        result = await scheduler.run_goal(a_goal(), n=1)
        assert len(asked_for) == asked
        if asked and works:
            assert (result.tactics, result.cached) == (("simp [*]", "aesop"), True)
            assert strategies[MICRO].calls == []
            assert [r.success for _, r in ledger.attempts] == [True]
            assert set(scheduler.trials.values()) == {0}
        else:
            assert result.tactics == ("trivial",)
            assert [r.strategy for _, r in ledger.attempts] == [MICRO, HAMMER]
            assert (scheduler.trials[MICRO], scheduler.trials[HAMMER]) == (1, 1)

    run(main())


def test_subgoals_of_a_failed_attempt_are_handed_on() -> None:
    async def main() -> None:
        sketch = Act(result=Result(False, subgoals=("⊢ a", "⊢ b"), outcome=Outcome.NOT_PROVED))
        result = await scheduler_for(cast(sketch=sketch, hammer=Act(seconds=5))).run_goal(a_goal(), n=2)
        assert (result.strategy, result.subgoals, result.time_seconds) == (SKETCH, ("⊢ a", "⊢ b"), 6.0)
        assert [(attempt.strategy, attempt.time_seconds) for attempt in result.attempts] == [
            (SKETCH, 1.0),
            (HAMMER, 5.0),
        ]
        assert {attempt.outcome for attempt in result.attempts} == {Outcome.NOT_PROVED}

    run(main())


def test_a_new_scheduler_starts_from_the_ledger() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        first = scheduler_for(cast(micro=FAILS, hammer=PROVES), memory=ledger)
        await first.process_queue([a_goal("a"), a_goal("b"), a_goal("c")])
        second = scheduler_for({}, memory=ledger)
        assert (second.trials, second.success_rate) == (first.trials, first.success_rate)

    run(main())


def test_what_other_workers_learn_is_heard_of_while_a_run_goes_on() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        slow = scheduler_for(cast(micro=HANGS), memory=ledger)
        await scheduler_for(cast(hammer=PROVES), memory=ledger).process_queue([a_goal(str(n)) for n in range(7)])
        await slow.run_goal(a_goal("a"), n=1)
        assert (slow.trials[MICRO], slow.trials[HAMMER]) == (1, 0)
        for name in "bcdef":
            await slow.run_goal(a_goal(name), n=1)
        assert (slow.trials[MICRO], slow.trials[HAMMER]) == (6, 7)

    run(main())


def test_the_policy_is_told_what_failed_before() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        await scheduler_for(cast(micro=FAILS, hammer=FAILS), memory=ledger).run_goal(a_goal(), n=1)
        trials = [trial_of(goal, result) for goal, result in ledger.attempts]
        assert [trial.failed_before for trial in trials if trial] == [frozenset(), frozenset({MICRO})]
        assert [trial.levels for trial in trials if trial] == [("", "|g")] * 2

    run(main())


def test_another_policy_decides_the_order() -> None:
    async def main() -> None:
        strategies = cast(reprover=FAILS, micro=PROVES)
        policy = CostAware(exploration=0.0, prior_seconds={MICRO: 8.0, REPROVER: 60.0})
        await scheduler_for(strategies, policy=policy).run_goal(a_goal(), n=1)
        assert strategies[REPROVER].calls == []

    run(main())


def test_racers_are_chosen_for_what_they_add_to_those_that_run() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        for number in range(60):
            hard = number % 2 == 0
            after_micro = (MICRO,) if hard else ()
            goal = a_goal(f"old {number}")
            ledger.record(goal, Result(not hard, MICRO, time_seconds=5, outcome=Outcome.NOT_PROVED))
            for strategy, proves in ((HAMMER, not hard), (COPILOT, number % 6 == 0)):
                ledger.record(goal, Result(proves, strategy, time_seconds=5, failed_before=after_micro))
        strategies = cast(micro=FAILS, hammer=FAILS, copilot=FAILS)
        scheduler = scheduler_for(strategies, memory=ledger, policy=CostAware(exploration=0.0))
        await scheduler.run_goal(a_goal(), n=2)
        assert [strategies[s].calls[0][1] for s in (MICRO, COPILOT, HAMMER)] == [0.0, 0.0, 1.0]
        assert scheduler.select_strategies(a_goal("new"), n=2) == (MICRO, COPILOT)

    run(main())


def test_middleware_may_answer_in_place_of_the_strategy() -> None:
    async def main() -> None:
        seen: list[tuple[str, StrategyType, float]] = []

        async def instead(attempt: Attempt, _run: Handler) -> Result:
            seen.append((attempt.goal.id, attempt.strategy, attempt.timeout))
            return Result(success=True, tactics=("rfl",))

        result = await scheduler_for(cast(micro=FAILS), middleware=[instead]).run_goal(a_goal())
        assert result.tactics == ("rfl",)
        assert seen == [("g", MICRO, 8.0)]

    run(main())


def test_cancelling_a_goal_stops_and_records_its_attempts() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=100, cleanup=2), hammer=HANGS)
        ledger, slots = MemoryLedger(), Slots(2, 2)
        task = asyncio.ensure_future(scheduler_for(strategies, memory=ledger, slots=slots).run_goal(a_goal(), n=2))
        await asyncio.sleep(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert now() == 5.0
        assert [r.outcome for _, r in ledger.attempts] == [Outcome.CANCELLED] * 2
        assert all(strategy.stopped and not strategy.running for strategy in strategies.values())
        assert not +slots.used

    run(main())


def test_shutdown_cancels_and_waits_and_a_second_one_does_not_wait() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=1000, stubborn=True), hammer=Act(seconds=1000, cleanup=2))
        ledger = MemoryLedger()
        scheduler = scheduler_for(strategies, memory=ledger)
        task = asyncio.ensure_future(scheduler.run_goal(a_goal(), n=2))
        await asyncio.sleep(1)
        scheduler.shutdown()
        await asyncio.sleep(10)
        assert not task.done()
        assert strategies[HAMMER].stopped == [("g", 3.0)]
        scheduler.shutdown()
        result = await task
        assert now() == 11.0
        assert result.outcome is Outcome.CANCELLED
        assert [r.outcome for _, r in ledger.attempts] == [Outcome.CANCELLED] * 2
        assert (await scheduler.run_goal(a_goal("later"))).outcome is Outcome.CANCELLED
        assert len(strategies[MICRO].calls) == 1

    run(main())


def test_nothing_begins_after_a_shutdown() -> None:
    async def main() -> None:
        strategies = cast(micro=HANGS, hammer=HANGS)

        def stop(event: Event) -> None:
            if isinstance(event, AttemptStarted):
                scheduler.shutdown()

        scheduler = scheduler_for(strategies, emit=stop)
        assert (await scheduler.run_goal(a_goal())).outcome is Outcome.CANCELLED
        assert now() == 0.0
        assert strategies[MICRO].calls == strategies[HAMMER].calls == []

    run(main())


def test_a_proof_found_while_being_cancelled_is_kept() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=5, stubborn=True, proves=True))
        scheduler = scheduler_for(strategies)
        task = asyncio.ensure_future(scheduler.run_goal(a_goal()))
        await asyncio.sleep(1)
        scheduler.shutdown()
        assert (await task).success

    run(main())


def test_events_tell_the_story() -> None:
    async def main() -> None:
        events: list[Event] = []
        await scheduler_for(cast(micro=FAILS, hammer=PROVES), emit=events.append).run_goal(a_goal(), n=1)
        assert [type(event) for event in events] == [
            GoalStarted,
            AttemptStarted,
            AttemptFinished,
            AttemptStarted,
            AttemptFinished,
            GoalDone,
        ]
        assert isinstance(events[-1], GoalDone)
        assert events[-1].result.success

    run(main())


@pytest.mark.parametrize(("load", "starts"), [((0.0,), [0.0, 1.0]), ((9.0,), [1.0, 3.0])])
def test_a_busy_machine_delays_each_attempt(load: Sequence[float], starts: list[float]) -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=FAILS)
        throttle = Throttle(ScriptedMachine([Reading(value) for value in load]), cpu_alpha=1.0)
        await scheduler_for(strategies, throttle=throttle).run_goal(a_goal(), n=1)
        assert [strategies[s].calls[0][1] for s in (MICRO, HAMMER)] == starts

    run(main())


def test_a_busy_machine_does_not_speculate() -> None:
    async def main() -> None:
        strategies = cast(micro=FAILS, hammer=FAILS)
        throttle = Throttle(ScriptedMachine([Reading(9.0)]), cpu_alpha=1.0)
        await scheduler_for(strategies, throttle=throttle).run_goal(a_goal(), n=2)
        assert [strategies[s].calls[0][1] for s in (MICRO, HAMMER)] == [1.0, 3.0]

    run(main())


def test_short_memory_lets_one_attempt_run_at_a_time() -> None:
    async def main() -> None:
        strategies = cast(micro=Act(seconds=2.5))
        throttle = Throttle(ScriptedMachine([Reading(0.0, GIBIBYTE)]), server_bytes=2 * GIBIBYTE)
        scheduler = scheduler_for(strategies, throttle=throttle)
        await scheduler.process_queue([a_goal("a"), a_goal("b")])
        assert [(name, start) for name, start, _ in strategies[MICRO].calls] == [("a", 0.0), ("b", 3.0)]

    run(main())


def test_a_limit_that_has_grown_is_for_new_goals_and_not_for_what_timed_out_before() -> None:
    async def main() -> None:
        ledger = MemoryLedger()
        slow = {f"g{number}": [Act(seconds=7.5, proves=True)] for number in range(ENOUGH_SUCCESSES)}
        goals = [a_goal(name) for name in slow]
        first = cast(micro={**slow, "hard": [HANGS]})
        await scheduler_for(first, memory=ledger).process_queue([*goals, a_goal("hard")])
        second = cast(micro=HANGS)
        await scheduler_for(second, memory=ledger).process_queue([a_goal("hard"), a_goal("new")])
        assert {(name, timeout) for name, _, timeout in first[MICRO].calls} >= {("hard", 8.0)}
        assert [(name, timeout) for name, _, timeout in second[MICRO].calls] == [("new", 16.0)]

    run(main())
