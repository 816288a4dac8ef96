"""Helper lemmas that try to cheat, and an honest one beside them, judged by the gate on real Lean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from orchestrator.gate.gate import Gate
from orchestrator.gate.report import PatchReport
from orchestrator.gate.verdict import CheckName, VerdictStatus
from orchestrator.goals.goal import Position, SorryKind
from orchestrator.goals.result import HelperLemma
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.workspace import Workspace
from orchestrator.source.helper_lemmas import with_helpers
from orchestrator.source.lexer import LineIndex
from orchestrator.source.project import Project, SourceModule
from orchestrator.source.splice import splice_all

pytestmark = [pytest.mark.lean, pytest.mark.timeout(900)]

TEXT = """namespace M
def two : Nat := 2
theorem known : two = 2 := rfl
theorem unproved (n : Nat) : n < 3 := by sorry

theorem target : two = 2 ∧ True := by
  sorry

theorem after : two + 1 = 3 := by rfl
end M
"""
PROJECT = Project("M", "/nowhere", modules=(SourceModule("M", "M.lean", TEXT),))
HONEST = HelperLemma("M.target_helper", "target_helper", ": two = 2", "rfl", "M.lean", Position(6, 0))


@pytest.fixture(scope="module")
async def gate(shared_lean: EmbeddedSession) -> Gate:
    @asynccontextmanager
    async def again(project: Project) -> AsyncIterator[Workspace]:
        yield Workspace(shared_lean, project)

    extraction = await extract(Workspace(shared_lean, PROJECT), PROJECT.modules)
    return Gate(PROJECT, extraction, again)


async def judged(gate: Gate, helpers: Sequence[HelperLemma], script: str, *, named: bool = True) -> PatchReport:
    base = with_helpers(TEXT, helpers)
    start = TEXT.index("sorry", TEXT.index("theorem target"))
    span = LineIndex(TEXT).span(start, start + len("sorry"))
    text = splice_all(base.text, [(base.moved(span), script, SorryKind.TACTIC)])
    return await gate.verify({"M.lean": text}, helpers if named else ())


async def test_an_honest_helper_passes(gate: Gate) -> None:
    report = await judged(gate, [HONEST], "exact ⟨target_helper, trivial⟩")
    assert report.accepted, report
    (verdict,) = report.verdicts
    assert verdict.status is VerdictStatus.PASSED
    assert CheckName.HELPERS in {check.name for check in verdict.checks}


async def test_a_helper_that_the_patch_does_not_name_is_a_new_declaration(gate: Gate) -> None:
    report = await judged(gate, [HONEST], "exact ⟨target_helper, trivial⟩", named=False)
    assert not report.accepted
    assert any("new declaration" in words for words in report.differences["M.lean"])


async def test_a_named_helper_that_is_not_there_is_missed(gate: Gate) -> None:
    text = TEXT.replace("  sorry\n\ntheorem after", "  exact ⟨rfl, trivial⟩\n\ntheorem after")
    assert (await gate.verify({"M.lean": text})).accepted
    report = await gate.verify({"M.lean": text}, [HONEST])
    assert not report.accepted


async def test_a_helper_that_rests_on_a_sorry_makes_its_user_conditional(gate: Gate) -> None:
    helper = replace(HONEST, signature=": 1 < 3", script="exact unproved 1")
    report = await judged(gate, [helper], "have := target_helper; exact ⟨rfl, trivial⟩")
    assert [verdict.status for verdict in report.verdicts] == [VerdictStatus.CONDITIONAL]


@pytest.mark.parametrize(
    ("name", "helper", "because"),
    [
        ("a sorry", replace(HONEST, script="sorry"), CheckName.HELPERS),
        ("an attribute behind it", replace(HONEST, script="rfl\nattribute [simp] known"), CheckName.TEXT),
        (
            "an instance behind it",
            replace(HONEST, script="rfl\ninstance : Inhabited Empty := sorry"),
            CheckName.HELPERS,
        ),
        ("notation behind it", replace(HONEST, script='rfl\nnotation "three" => 3'), CheckName.TEXT),
        (
            "a macro behind it",
            replace(HONEST, script='rfl\nmacro "t" : tactic => `(tactic| sorry)'),
            CheckName.TEXT,
        ),
        ("an axiom behind it", replace(HONEST, script="rfl\naxiom bad : False"), CheckName.HELPERS),
        ("native_decide", replace(HONEST, script="native_decide"), CheckName.HELPERS),
        (
            "it hides a name of the library",
            replace(HONEST, name="M.Nat.add_comm", short="Nat.add_comm"),
            CheckName.HELPERS,
        ),
        ("it hides a name of the project", replace(HONEST, name="M.M.two", short="M.two"), CheckName.HELPERS),
        ("a second statement", replace(HONEST, signature=": True := trivial\ntheorem x : two = 2"), CheckName.HELPERS),
    ],
)
async def test_a_cheating_helper_is_refused(gate: Gate, name: str, helper: HelperLemma, because: CheckName) -> None:
    report = await judged(gate, [helper], "exact ⟨rfl, trivial⟩")
    assert not report.accepted, name
    if not report.errors:
        failed = {check.name for verdict in report.verdicts for check in verdict.checks if not check.passed}
        assert because in failed, (name, report.verdicts)


async def test_a_helper_of_a_name_that_is_taken_is_refused(gate: Gate) -> None:
    report = await judged(gate, [replace(HONEST, name="M.known", short="known")], "exact ⟨rfl, trivial⟩")
    assert not report.accepted
