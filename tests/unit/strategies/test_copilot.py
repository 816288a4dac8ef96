"""Lean Copilot: where a project has it, and what is made of what its tactics say, on a pretended goal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from orchestrator.config import load_settings
from orchestrator.goals.goal import Goal, Position
from orchestrator.goals.result import Result, StrategyType
from orchestrator.lean.protocol import CheckReply, Limits, Message, Severity, TacticReply
from orchestrator.source.loading import load_project
from orchestrator.strategies.base import ProofContext
from orchestrator.strategies.copilot import CopilotProject, copilot, copilot_in, run_copilot
from orchestrator.strategies.registry import unavailable

GOAL = Goal("g", "p : Prop\nh : p\n⊢ p", module="T.A", file="T/A.lean")
MANIFEST = json.dumps({"version": "1.1.0", "packages": [{"name": "batteries"}, {"name": "LeanCopilot"}]})
ADMITS = {"suggest_tactics": "Try these:\n  [apply] sorry\n  [apply] exact h.wrong"}
"""What it says when nothing closes the goal: no error, and the goal is admitted."""


@dataclass
class Pretended:
    """A prover, and the goal it opens.

    Attributes:
        says: messages of the tactics that Lean does not refuse; those alone end without open goals.
        accepts: scripts that the declaration takes.
        seconds: how long each tactic takes.
    """

    says: Mapping[str, str] = field(default_factory=dict)
    accepts: frozenset[str] = frozenset()
    seconds: float = 1.0
    goal: Goal = GOAL
    goals: int = 1
    now: float = 0.0
    tried: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[ProofContext]:
        """See `Prover.open`."""
        yield self  # type: ignore[misc]

    async def tactics(
        self,
        tactics: Sequence[str],
        *,
        proof_state: int | None = None,
        limits: Limits | None = None,
        stop_on_success: bool = True,
        budget_seconds: float = 0.0,
        only: int | None = None,
    ) -> tuple[TacticReply, ...]:
        """See `ProofContext.tactics`."""
        self.tried += tactics
        self.now += self.seconds * len(tactics)
        return tuple(self._reply(tactic) for tactic in tactics)

    def _reply(self, tactic: str) -> TacticReply:
        if tactic not in self.says:
            return TacticReply(tactic, completed=False, error="it failed")
        said = (Message(Severity.INFO, self.says[tactic], Position(1, 0)),)
        return TacticReply(tactic, completed=True, messages=said)

    async def check(self, script: str, *, seconds: float = 30.0) -> CheckReply:
        """See `ProofContext.check`."""
        self.checked.append(script)
        return CheckReply(script in self.accepts)

    def solve(self, timeout: float = 60.0) -> Result:
        """Run the strategy."""
        result = asyncio.run(run_copilot(self.goal, timeout, prover=self, clock=lambda: self.now))
        assert result.strategy is StrategyType.COPILOT
        return result


def test_what_the_search_found_is_a_proof_when_the_declaration_takes_it() -> None:
    lean = Pretended({"search_proof": "Try this: exact h"}, frozenset({"exact h"}))
    result = lean.solve()
    assert (result.success, result.tactics, result.metadata["found_by"]) == (True, ("exact h",), "searched")
    assert lean.tried == ["search_proof"]


def test_what_the_search_claims_and_the_declaration_refuses_is_no_proof() -> None:
    lean = Pretended({"search_proof": "Try this: exact h"})
    assert not lean.solve().success
    assert lean.checked == ["exact h"]


def test_an_admitted_goal_is_no_proof() -> None:
    # Everything ends without an error and without open goals, the tactics that were suggested, too.
    admitting = {**ADMITS, "search_proof": "", "select_premises": "", "sorry": "", "exact h.wrong": ""}
    lean = Pretended(admitting)
    result = lean.solve()
    assert (result.success, result.error) == (False, "not proved")
    assert "suggest_tactics" not in lean.checked
    assert set(lean.checked) == {"sorry", "exact h.wrong"}


def test_a_suggested_tactic_that_closes_the_goal_is_a_proof() -> None:
    says = {"suggest_tactics": "Try these:\n  [apply] simp\n  [apply] exact h", "exact h": ""}
    lean = Pretended(says, frozenset({"exact h"}))
    result = lean.solve()
    assert (result.tactics, result.metadata["found_by"]) == (("exact h",), "suggested")


def test_premises_are_tried_in_several_ways() -> None:
    said = "Nat.foo : ∀ n, n = n\n```doc\nNat.not : me\n```\nmine.bar' : p"
    says = {"select_premises": said, "apply mine.bar'": "", "grind [Nat.foo, mine.bar']": ""}
    lean = Pretended(says, frozenset({"apply mine.bar'"}))
    result = lean.solve()
    assert (result.tactics, result.metadata["found_by"]) == (("apply mine.bar'",), "with_premises")
    assert "simp [Nat.foo, mine.bar']" in lean.tried
    assert not any("Nat.not" in tactic for tactic in lean.tried)


def test_without_time_nothing_more_is_tried() -> None:
    lean = Pretended({"select_premises": "x : p", "exact x": ""}, frozenset({"exact x"}), seconds=5.0)
    result = lean.solve(timeout=5.2)
    assert (result.success, result.error) == (False, "timeout")
    assert lean.tried == ["search_proof"]


def folder_with(root: Path, *, manifest: str | None = MANIFEST, package: bool = True, imports: str = "") -> Path:
    """A project of two files, laid out as one that has Lean Copilot."""
    (root / "T").mkdir()
    (root / "lean-toolchain").write_text("leanprover/lean4:v4.28.0\n")
    (root / "lakefile.toml").write_text('name = "T"\n\n[[lean_lib]]\nname = "T"\n')
    (root / "T/Base.lean").write_text(f"{imports}\ntheorem base : True := trivial\n")
    (root / "T/A.lean").write_text("import T.Base\n\ntheorem a : True := by sorry\n")
    (root / "T/Alone.lean").write_text("theorem b : True := by sorry\n")
    if manifest is not None:
        (root / "lake-manifest.json").write_text(manifest)
    if package:
        (root / ".lake/packages/LeanCopilot").mkdir(parents=True)
    return root


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"manifest": None}, "not in the project's lake-manifest.json"),
        ({"manifest": "{"}, "not in the project's lake-manifest.json"),
        ({"manifest": '{"packages": [{"name": "batteries"}]}'}, "not in the project's lake-manifest.json"),
        ({"package": False}, "run lake build"),
    ],
)
def test_what_a_project_lacks_is_said(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    root = folder_with(tmp_path, imports="import LeanCopilot", **changes)  # type: ignore[arg-type]
    project = load_project(root)
    assert words in copilot_in(project).missing
    assert words in unavailable(load_settings({}), project)[StrategyType.COPILOT]
    assert words in copilot(Pretended(), copilot_in(project)).available(GOAL)


def test_a_project_that_has_it_and_a_file_that_sees_it(tmp_path: Path) -> None:
    project = load_project(folder_with(tmp_path, imports="import LeanCopilot"))
    assert copilot_in(project).missing == ""
    assert StrategyType.COPILOT not in unavailable(load_settings({}), project)
    strategy = copilot(Pretended(), copilot_in(project))
    # T.A imports it through T.Base, T.Alone does not.
    assert strategy.available(GOAL) == ""
    assert strategy.available(replace(GOAL, module="T.Alone", file="T/Alone.lean")) == (
        "T/Alone.lean does not import LeanCopilot"
    )
    assert "does not import" in strategy.available(replace(GOAL, module="T.Nowhere"))
    assert "data" in strategy.available(replace(GOAL, is_prop=False))


def test_without_a_project_it_cannot_be_used() -> None:
    assert unavailable(load_settings({}))[StrategyType.COPILOT] == "no project was given"
    assert CopilotProject(True, True, lambda _module: True).missing_for(GOAL) == ""
