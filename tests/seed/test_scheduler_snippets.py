"""The scheduler as the implementation notes show it: their snippets, word for word where they can run."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace

import pytest
from scripted_machine import ScriptedMachine
from virtual_time import now, run

from orchestrator.config import SchedulerSettings
from orchestrator.machine import Reading
from orchestrator.scheduler import Goal, Result, Scheduler, StrategyType
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.middleware import Attempt, Handler
from orchestrator.scheduler.throttle import Throttle
from orchestrator.strategies import stub


@pytest.mark.asyncio
async def test_scheduler_ucb() -> None:
    scheduler = Scheduler()
    # Test UCB score calculation
    assert scheduler.ucb_score(StrategyType.MICRO) > 0


@pytest.mark.asyncio
async def test_goal_processing() -> None:
    scheduler = Scheduler()
    goal = Goal(id="test", text="test", estimated_difficulty=0.3)
    result = await scheduler.run_goal(goal)
    assert result is not None
    assert isinstance(result, Result)


@pytest.mark.asyncio
async def test_ucb_score_is_the_formula() -> None:
    scheduler = Scheduler()
    for number in range(7):
        await scheduler.run_goal(Goal(id=str(number), text=f"test {number}", estimated_difficulty=0.7))
    assert sum(scheduler.trials.values()) > 0
    for strategy in StrategyType:
        mean = scheduler.success_rate[strategy]
        n = max(1, scheduler.trials[strategy])
        N = sum(scheduler.trials.values()) + 1  # noqa: N806
        exploration = 1.5 * ((2 * (N).bit_length()) / n) ** 0.5
        assert scheduler.ucb_score(strategy) == mean + exploration


@pytest.mark.asyncio
async def test_top_three_by_ucb() -> None:
    scheduler = Scheduler()
    for number in range(5):
        await scheduler.run_goal(Goal(id=str(number), text=f"test {number}"), n=1)
    goal = Goal(id="new", text="new")
    strategies = scheduler.select_strategies(goal, n=3)
    scores = sorted((scheduler.ucb_score(strategy) for strategy in StrategyType), reverse=True)
    assert [scheduler.ucb_score(strategy) for strategy in strategies] == scores[:3]


@pytest.mark.asyncio
async def test_a_queue_until_interrupted() -> None:
    goal_queue: asyncio.Queue[Goal] = asyncio.Queue()
    for number in range(3):
        goal_queue.put_nowait(Goal(id=str(number), text=f"test {number}"))
    never = asyncio.Event()

    async def attempt(_attempt: Attempt, _run: Handler) -> Result:
        await never.wait()
        return Result(success=True)

    scheduler = Scheduler(middleware=[attempt])
    scheduler_task = asyncio.ensure_future(scheduler.process_queue(goal_queue))
    await asyncio.sleep(0)
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        scheduler.shutdown()
        await scheduler_task
    assert {result.error for result in scheduler_task.result().values()} == {"cancelled"}


def test_throttle_sleeps_four_times_the_excess_at_most_a_second() -> None:
    async def main() -> None:
        machine = ScriptedMachine([Reading(1.0)] * 20)
        throttle = Throttle(machine, cpu_target=0.5, cpu_alpha=0.1)
        scheduler = Scheduler(replace(SchedulerContext.of(SchedulerSettings()), throttle=throttle))
        cpu_ema = slept = 0.0
        for _ in range(20):
            before = now()
            await scheduler.throttle()
            slept = now() - before
            cpu_ema = 0.1 * 1.0 + (1 - 0.1) * cpu_ema
            assert slept == pytest.approx(min(1.0, 4 * (cpu_ema - 0.5)) if cpu_ema > 0.5 else 0.0)
        assert slept == 1.0
        assert throttle.cpu_ema == pytest.approx(cpu_ema)

    run(main())


@pytest.mark.parametrize("strategy", list(StrategyType))
@pytest.mark.asyncio
async def test_every_worker_has_the_same_interface(strategy: StrategyType) -> None:
    worker = getattr(stub, f"run_{strategy.value}")
    assert list(inspect.signature(worker).parameters) == ["goal", "timeout"]
    result = await worker(Goal(id="g", text="⊢ True"), 8.0)
    assert (result.strategy, isinstance(result.success, bool)) == (strategy, True)
