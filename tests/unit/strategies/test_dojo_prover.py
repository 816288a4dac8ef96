"""Where LeanDojo is asked for and cannot be used: our own session, and the reason once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from orchestrator.git.checkout import Checkout
from orchestrator.goals.goal import Goal
from orchestrator.source.project import Project, SourceModule
from orchestrator.strategies.base import GoalOpener
from orchestrator.strategies.dojo_prover import DojoProver, dojo_prover


class Ours:
    """Opens every goal as itself, and counts what is open."""

    def __init__(self) -> None:
        self.open_now = 0

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[Any]:
        self.open_now += 1
        yield goal
        self.open_now -= 1


def never(_goal: Goal) -> Any:
    raise AssertionError("LeanDojo was started")


async def test_a_goal_out_of_reach_is_opened_on_our_own_session_and_said_once() -> None:
    ours, told = Ours(), list[str]()
    prover = DojoProver(cast(GoalOpener, ours), lambda goal: f"not {goal.text}", never, told.append)
    for text in ("a", "a", "b"):
        goal = Goal(text, text)
        async with prover.open(goal) as context:
            assert cast(object, context) is goal
            assert ours.open_now == 1
    assert ours.open_now == 0
    assert told == ["LeanDojo is not used: not a", "LeanDojo is not used: not b"]


async def test_a_machine_without_leandojo_is_told_how_to_get_it(monkeypatch: Any) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    told = list[str]()
    project = Project("p", "/", "leanprover/lean4:v4.28.0", modules=(SourceModule("A", "A.lean", ""),))
    checkout = cast(Checkout, type("Checked", (), {"source": "/r", "commit": "c"}))
    prover = dojo_prover(checkout, project, cast(GoalOpener, Ours()), told.append)
    async with prover.open(Goal("g", "p", module="A")):
        pass
    assert "not installed" in told[0]
