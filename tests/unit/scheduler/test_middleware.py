"""Layers around an attempt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from orchestrator.errors import RequestRefused, SessionDied
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.middleware import Attempt, Handler, Middleware, compose, owner_rules, shortening
from orchestrator.source.owner_rules import Rules
from orchestrator.strategies.base import ProofContext

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
    assert (refused.success, refused.outcome) == (False, Outcome.REFUSED)
    assert "native_decide" in refused.error
    assert (await compose([owner_rules(Rules())], proved)(ATTEMPT)).success


class NoLean:
    """Goals that nobody can open: a proof cannot be shortened, which does no harm to it."""

    def __init__(self, error: BaseException) -> None:
        self.opened = 0
        self._error = error

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[ProofContext]:
        self.opened += 1
        raise self._error
        yield


@pytest.mark.parametrize("error", [SessionDied("it died"), RequestRefused("no"), asyncio.CancelledError()])
async def test_a_proof_that_cannot_be_shortened_is_kept(error: BaseException) -> None:
    prover = NoLean(error)
    assert (await compose([shortening(prover)], proved)(ATTEMPT)).tactics == ("native_decide",)
    assert prover.opened == 1


async def test_what_failed_and_what_worked_before_are_not_shortened() -> None:
    async def failed(attempt: Attempt) -> Result:
        return Result(False, attempt.strategy)

    prover = NoLean(AssertionError())
    assert not (await compose([shortening(prover)], failed)(ATTEMPT)).success
    assert (await compose([shortening(prover)], proved)(replace(ATTEMPT, cached=("native_decide",)))).success


async def test_a_proof_made_shorter_says_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def shorter(_prover: object, _goal: Goal, script: str) -> str:
        return script.removeprefix("native_")

    monkeypatch.setattr("orchestrator.scheduler.middleware.shortened", shorter)
    result = await compose([shortening(NoLean(AssertionError()))], proved)(ATTEMPT)
    assert (result.tactics, result.found_as) == (("decide",), ("native_decide",))
