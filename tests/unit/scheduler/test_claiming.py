"""Two workers on one ledger: a goal is worked on by one of them at a time."""

import asyncio

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.ledger.store import Ledger
from orchestrator.scheduler.claims import MADE, TAKEN, claimed_attempts, release_left_over

GOAL = Goal(id="g", text="⊢ x")
MICRO = StrategyType.MICRO


async def test_a_goal_of_another_worker_is_no_trial_and_comes_free_afterwards() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(goal: Goal, strategy: StrategyType, timeout: float) -> Result:
        begun.set()
        await go_on.wait()
        return Result(success=True, strategy=strategy, tactics=("rfl",))

    async def quick(goal: Goal, strategy: StrategyType, timeout: float) -> Result:
        return Result(success=True, strategy=strategy, tactics=("simp",))

    with Ledger.open("sqlite://") as ledger:
        first = claimed_attempts(slow, ledger, repo="r", worker="one")
        second = claimed_attempts(quick, ledger, repo="r", worker="two")
        elsewhere = claimed_attempts(quick, ledger, repo="other", worker="two")
        held = [asyncio.create_task(first(GOAL, strategy, 1.0)) for strategy in (MICRO, StrategyType.HAMMER)]
        await begun.wait()
        refused = await second(GOAL, MICRO, 1.0)
        assert refused.outcome is Outcome.UNAVAILABLE
        assert refused.error == TAKEN
        assert (await elsewhere(GOAL, MICRO, 1.0)).success
        go_on.set()
        assert all(result.success for result in await asyncio.gather(*held))
        assert (await second(GOAL, MICRO, 1.0)).tactics == ("simp",)


async def test_what_another_has_made_in_the_meantime_is_not_made_again() -> None:
    async def never(goal: Goal, strategy: StrategyType, timeout: float) -> Result:
        raise AssertionError("it was made")

    with Ledger.open("sqlite://") as ledger:
        attempt = claimed_attempts(never, ledger, repo="r", worker="one", made=lambda *_: True)
        refused = await attempt(GOAL, MICRO, 1.0)
        assert refused.error == MADE
        assert ledger.claim_goal(GOAL.id, "two", lease_seconds=60, repo="r")


async def test_a_goal_of_a_worker_that_is_gone_is_taken_over() -> None:
    async def quick(goal: Goal, strategy: StrategyType, timeout: float) -> Result:
        return Result(success=True, strategy=strategy, tactics=("simp",))

    with Ledger.open("sqlite://") as ledger:
        for name, worker in (("g", "dead"), ("h", "alive")):
            assert ledger.claim_goal(name, worker, lease_seconds=900, repo="r")
        run = claimed_attempts(quick, ledger, repo="r", worker="two", gone=lambda worker: worker == "dead")
        assert (await run(GOAL, MICRO, 1.0)).success
        assert ledger.holder("g", repo="r") is None
        refused = await run(Goal(id="h", text="⊢ y"), MICRO, 1.0)
        assert refused.outcome is Outcome.UNAVAILABLE
        assert ledger.holder("h", repo="r") == "alive"


def test_what_the_dead_hold_is_cleared_away_before_a_run() -> None:
    with Ledger.open("sqlite://") as ledger:
        for name, worker in (("g", "dead"), ("h", "alive")):
            ledger.claim_goal(name, worker, lease_seconds=900, repo="r")
        ledger.claim_goal("i", "late", lease_seconds=0, repo="r")
        ledger.claim_goal("g", "dead", lease_seconds=900, repo="another")
        release_left_over(ledger, repo="r", gone=lambda worker: worker == "dead")
        assert ledger.holders(repo="r") == {"h": "alive"}
        assert ledger.holders(repo="another") == {"g": "dead"}
        assert ledger.release_expired() == 0
