"""The hammer, goals of one state alone, and premises, on a real Lean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from real_lean import LONG, Goals, project

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.workspace import Workspace
from orchestrator.premises.corpus import open_library
from orchestrator.strategies.base import BoundStrategy
from orchestrator.strategies.hammer.strategy import run_hammer
from orchestrator.strategies.local_context import declarations_seen

TEXT = """
inductive Tree | leaf | node (l : Tree) (n : Nat) (r : Tree)
namespace Tree
def mirror : Tree → Tree
  | leaf => leaf
  | node l n r => node r.mirror n l.mirror
def size : Tree → Nat
  | leaf => 0
  | node l _ r => l.size + r.size + 1
end Tree
inductive Reach (R : Nat → Nat → Prop) : Nat → Nat → Prop
  | refl (a : Nat) : Reach R a a
  | step {a b c : Nat} : R a b → Reach R b c → Reach R a c

theorem mirror_mirror (t : Tree) : t.mirror.mirror = t := by sorry
theorem size_mirror (t : Tree) : t.mirror.size = t.size := by sorry
theorem reach_trans (R : Nat → Nat → Prop) (a b c : Nat) (h : Reach R a b) (k : Reach R b c) : Reach R a c := by sorry
theorem both (p q : Prop) (hp : p) : (p ∨ q) ∧ (p → p) := by sorry
theorem wrong (n : Nat) : n * n = n + 1 := by sorry
"""


class OneWorkspace:
    """A prover on a workspace that is held already."""

    def __init__(self, goals: Goals) -> None:
        self._goals = goals

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[OpenGoal]:
        async with self._goals.open(goal) as opened:
            yield opened


async def test_the_hammer_proves_what_needs_an_induction_and_the_right_lemmas(lean: EmbeddedSession) -> None:
    small = project(A=TEXT)
    workspace = Workspace(lean, small)
    extraction = await extract(workspace, small.modules)
    goals = Goals(workspace, extraction.goals)
    hammer = BoundStrategy(
        StrategyType.HAMMER,
        partial(run_hammer, prover=OneWorkspace(goals), declarations=declarations_seen(small, extraction)),
    )
    for name in ("mirror_mirror", "size_mirror", "reach_trans", "both"):
        result = await hammer.run(goals[name], 120.0)
        assert result.success, (name, result.error)
        assert not any("?" in line for line in result.tactics)
        async with goals.open(goals[name]) as opened:
            assert (await opened.check("\n".join(result.tactics), seconds=LONG)).accepted
    failed = await hammer.run(goals["wrong"], 3.0)
    assert not failed.success
    assert failed.error in ("timeout", "not proved")


async def test_one_goal_of_a_state_is_proved_alone(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, TEXT)
    async with goals.open(goals["both"]) as opened:
        (split,) = await opened.tactics(["constructor"])
        assert len(split.goals) == 2
        assert split.proof_state is not None
        second = await opened.tactics(["exact Or.inl hp", "exact id"], proof_state=split.proof_state, only=1)
        assert [reply.completed for reply in second] == [False, True]
        first = await opened.tactics(["exact Or.inl hp"], proof_state=split.proof_state, only=0)
        assert first[0].completed
        whole = await opened.tactics(["exact Or.inl hp"], proof_state=split.proof_state)
        assert not whole[0].completed


async def test_the_constants_of_a_goal_and_of_the_library(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, TEXT)
    async with goals.open(goals["size_mirror"]) as opened:
        mentions = await opened.mentions()
    assert {"Tree", "Tree.size", "Tree.mirror", "Eq"} <= set(mentions)
    assert len(mentions) == len(set(mentions))
    part = await open_library(lean, ["Init"])
    first = await part(0, 0, 400)
    assert first.module == "Init.Prelude"
    assert first.constants > 400
    parts = [await part(0, start, 400) for start in range(0, first.constants, 400)]
    known = {constant.name: constant for chunk in parts for constant in chunk.premises}
    assert known["id"].kind == "def"
    assert known["rfl"].kind == "theorem"
    assert "Eq" in known["rfl"].mentions
    assert known["rfl"].type.endswith("a = a")
    behind = await part(first.modules, 0, 10)
    assert (behind.module, behind.premises) == ("", ())
