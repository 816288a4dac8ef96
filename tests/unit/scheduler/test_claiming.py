"""Two workers on one ledger: a goal is worked on by one of them at a time."""

import asyncio

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.ledger.store import Ledger
from orchestrator.scheduler.claims import MADE, TAKEN, claims, release_left_over
from orchestrator.scheduler.middleware import Attempt, compose

GOAL = Goal(id="g", text="⊢ x")
MICRO = StrategyType.MICRO


def of(goal: Goal, strategy: StrategyType = MICRO) -> Attempt:
    return Attempt(goal=goal, strategy=strategy, timeout=1.0)


async def quick(attempt: Attempt) -> Result:
    return Result(success=True, strategy=attempt.strategy, tactics=("simp",))


async def test_a_goal_of_another_worker_is_no_trial_and_comes_free_afterwards() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(attempt: Attempt) -> Result:
        begun.set()
        await go_on.wait()
        return Result(success=True, strategy=attempt.strategy, tactics=("rfl",))

    with Ledger.open("sqlite://") as ledger:
        first = compose([claims(ledger, repo="r", worker="one")], slow)
        second = compose([claims(ledger, repo="r", worker="two")], quick)
        elsewhere = compose([claims(ledger, repo="other", worker="two")], quick)
        held = [asyncio.create_task(first(of(GOAL, strategy))) for strategy in (MICRO, StrategyType.HAMMER)]
        await begun.wait()
        refused = await second(of(GOAL))
        assert refused.outcome is Outcome.UNAVAILABLE
        assert refused.error == TAKEN
        assert (await elsewhere(of(GOAL))).success
        go_on.set()
        assert all(result.success for result in await asyncio.gather(*held))
        assert (await second(of(GOAL))).tactics == ("simp",)


async def test_what_another_has_made_in_the_meantime_is_not_made_again() -> None:
    async def never(attempt: Attempt) -> Result:
        raise AssertionError("it was made")

    with Ledger.open("sqlite://") as ledger:
        attempt = compose([claims(ledger, repo="r", worker="one", made=lambda *_: True)], never)
        refused = await attempt(of(GOAL))
        assert refused.error == MADE
        assert ledger.claim_goal(GOAL.id, "two", lease_seconds=60, repo="r")


async def test_a_goal_of_a_worker_that_is_gone_is_taken_over() -> None:
    with Ledger.open("sqlite://") as ledger:
        for name, worker in (("g", "dead"), ("h", "alive")):
            assert ledger.claim_goal(name, worker, lease_seconds=900, repo="r")
        run = compose([claims(ledger, repo="r", worker="two", gone=lambda worker: worker == "dead")], quick)
        assert (await run(of(GOAL))).success
        assert ledger.holder("g", repo="r") is None
        refused = await run(of(Goal(id="h", text="⊢ y")))
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
