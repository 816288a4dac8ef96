"""Layers around an attempt."""

from __future__ import annotations

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.middleware import Attempt, Handler, Middleware, compose, owner_rules
from orchestrator.source.owner_rules import Rules

ATTEMPT = Attempt(goal=Goal(id="g", text="⊢ x"), strategy=StrategyType.MICRO, timeout=1.0)


async def proved(attempt: Attempt) -> Result:
    return Result(True, attempt.strategy, ("native_decide",))


async def test_the_first_layer_is_outermost() -> None:
    said: list[str] = []

    def saying(name: str) -> Middleware:
        async def layer(attempt: Attempt, run: Handler) -> Result:
            said.append(f"{name} before")
            result = await run(attempt)
            said.append(f"{name} after")
            return result

        return layer

    result = await compose([saying("one"), saying("two")], proved)(ATTEMPT)
    assert result.success
    assert said == ["one before", "two before", "two after", "one after"]


async def test_without_layers_there_is_the_work_alone() -> None:
    assert (await compose([], proved)(ATTEMPT)).tactics == ("native_decide",)


async def test_a_proof_that_the_owner_refuses_is_none() -> None:
    rules = Rules(forbidden_tactics=("native_decide",))
    refused = await compose([owner_rules(rules)], proved)(ATTEMPT)
    assert (refused.success, refused.outcome) == (False, Outcome.ERROR)
    assert "native_decide" in refused.error
    assert (await compose([owner_rules(Rules())], proved)(ATTEMPT)).success
