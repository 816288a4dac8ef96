"""Lean Copilot's tactics on a real Lean: a package of its name whose tactics are macros, in a project that has it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from real_lean import PATIENT

from orchestrator.goals.goal import Goal
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.workspace import Workspace
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project, SourceModule
from orchestrator.strategies.copilot import copilot, copilot_in

# `suggest_tactics` admits what it cannot close, as the real one does. A macro can say what it likes only through the
# words of a deprecation, which `select_premises` needs.
STUB = """axiom Secret : Prop
axiom Secret.key : Secret

@[deprecated "none\\nSecret.key : Secret\\n```\\nSecret.not : one of them\\n```\\nNat.zero_le : ∀ n, 0 ≤ n"
  (since := "")]
theorem premises : True := trivial

macro "search_proof" : tactic => `(tactic| simp? [Nat.add_comm])
macro "suggest_tactics" : tactic => `(tactic| first | show_term (constructor <;> assumption) | sorry)
macro "select_premises" : tactic => `(tactic| have := premises)
"""
FILE = """import LeanCopilot

theorem searched (a b : Nat) : a + b = b + a := by sorry

theorem suggested (p q : Prop) (hp : p) (hq : q) : q ∧ p := by sorry

theorem selected : Secret := by sorry

theorem wrong (n : Nat) : n = n + 1 := by sorry
"""


@pytest.fixture
def written(tmp_path: Path) -> Project:
    """A project laid out as Lean Copilot's users have it."""
    package = tmp_path / ".lake/packages/LeanCopilot"
    package.mkdir(parents=True)
    (package / "LeanCopilot.lean").write_text(STUB, encoding="utf-8")
    (tmp_path / "lake-manifest.json").write_text(json.dumps({"packages": [{"name": "LeanCopilot"}]}))
    (tmp_path / "lakefile.toml").write_text('name = "T"\n\n[[lean_lib]]\nname = "T"\n')
    (tmp_path / "lean-toolchain").write_text("leanprover/lean4:v4.28.0\n")
    (tmp_path / "T.lean").write_text(FILE, encoding="utf-8")
    return load_project(tmp_path)


class OnePlace:
    """The goals of the file as a prover."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[OpenGoal]:
        """See `Prover.open`."""
        opened = OpenGoal(self._workspace, goal, PATIENT)
        await opened.ready()
        yield opened
        await opened.release()


async def test_its_tactics_prove_goals_and_an_admitted_goal_is_never_a_proof(
    lean: EmbeddedSession, written: Project
) -> None:
    # The embedded Lean replays sources, and is given the package's as if it were the project's own.
    text = (Path(written.root) / ".lake/packages/LeanCopilot/LeanCopilot.lean").read_text(encoding="utf-8")
    stub = SourceModule("LeanCopilot", "LeanCopilot.lean", text)
    replayed = replace(written, modules=(stub, *written.modules))
    workspace = Workspace(lean, replayed)
    found = await extract(workspace, replayed.modules)
    assert found.problems == ()
    goals = {goal.declaration: goal for goal in found.goals}
    strategy = copilot(OnePlace(workspace), copilot_in(written))
    assert [strategy.available(goal) for goal in goals.values()] == [""] * 4

    results = {name: await strategy.run(goal, 120.0) for name, goal in goals.items()}
    assert {name: result.metadata.get("found_by", "") for name, result in results.items()} == {
        "searched": "searched",
        "suggested": "suggested",
        "selected": "with_premises",
        "wrong": "",
    }
    assert results["searched"].tactics[0].startswith("simp only [")
    assert results["suggested"].tactics == ("exact ⟨hq, hp⟩",)
    assert results["selected"].tactics == ("simp [Secret.key, Nat.zero_le]",)
    assert not results["wrong"].success
    assert results["wrong"].error == "not proved"
