"""What an owner allows, what a verdict says, and the export that is kept, on a real Lean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from real_lean import project

from orchestrator.cli.verify import verify
from orchestrator.errors import PatchError
from orchestrator.gate.fillings import Allowance
from orchestrator.gate.gate import Gate
from orchestrator.gate.report import PatchReport
from orchestrator.gate.selection import Proof, Selection
from orchestrator.gate.verdict import Question, VerdictStatus
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.workspace import Workspace
from orchestrator.source.owner_rules import read_rules
from orchestrator.source.project import Project

pytestmark = pytest.mark.lean

TEXT = """def two : Nat := 2
theorem computed : two + two = 4 := by sorry
theorem wrong : two + two = 5 := by sorry
namespace N
example : two = 2 := by sorry
end N
theorem both : two = 2 ∧ two + 1 = 3 := ⟨by sorry, by sorry⟩
example : two + 2 = 4 := by sorry
"""
PROJECT = project(A=TEXT)
NONE = Allowance()
NATIVE = Allowance.of(read_rules({"native_decide": True, "max_heartbeats": 400_000, "allowed_options": ["format."]}))


@pytest.fixture(scope="module")
async def extraction(shared_lean: EmbeddedSession) -> Extraction:
    return await extract(Workspace(shared_lean, PROJECT), PROJECT.modules)


def gate(
    lean: EmbeddedSession, extraction: Extraction, allowance: Allowance = NONE, *, keeps_export: bool = False
) -> Gate:
    @asynccontextmanager
    async def workspace(patched: Project) -> AsyncIterator[Workspace]:
        yield Workspace(lean, patched)

    return Gate(PROJECT, extraction, workspace, allowance=allowance, keeps_export=keeps_export)


async def judged(judge: Gate, line: int, filling: str) -> PatchReport:
    lines = TEXT.split("\n")
    lines[line - 1] = lines[line - 1].replace("by sorry", filling, 1)
    return await judge.verify({"A.lean": "\n".join(lines)})


async def test_native_decide_is_believed_where_the_owner_allows_it(
    lean: EmbeddedSession, extraction: Extraction
) -> None:
    (refused,) = (await judged(gate(lean, extraction), 2, "by native_decide")).verdicts
    assert refused.status is VerdictStatus.FAILED
    assert "question 2" in refused.reason
    (passed,) = (await judged(gate(lean, extraction, NATIVE), 2, "by native_decide")).verdicts
    assert (passed.status, passed.axioms) == (VerdictStatus.PASSED, ("Lean.ofReduceBool",))
    assert any("compiled code" in words for words in passed.not_checked)


@pytest.mark.parametrize(
    "filling", ["by native_decide", "by decide +native", "by exact of_decide_eq_true (Lean.ofReduceBool _ true rfl)"]
)
async def test_what_is_computed_to_be_false_is_believed_by_nobody(
    lean: EmbeddedSession, extraction: Extraction, filling: str
) -> None:
    report = await judged(gate(lean, extraction, NATIVE), 3, filling)
    assert not report.accepted
    (verdict,) = report.verdicts
    assert verdict.status is VerdictStatus.FAILED


@pytest.mark.parametrize("option", ["maxHeartbeats 400000", "format.width 80"])
async def test_an_option_is_set_where_the_owner_allows_it(
    lean: EmbeddedSession, extraction: Extraction, option: str
) -> None:
    filling = f"by set_option {option} in rfl"
    assert not (await judged(gate(lean, extraction), 2, filling)).accepted
    assert (await judged(gate(lean, extraction, NATIVE), 2, filling)).accepted


async def test_an_example_is_proved_and_named_by_its_line(lean: EmbeddedSession, extraction: Extraction) -> None:
    proofs = [Proof(goal, "rfl") for goal in extraction.goals if goal.declaration.endswith("_example")]
    assert len(proofs) == 2
    report = await Selection(gate(lean, extraction)).select(proofs)
    assert [proof.goal for proof in report.accepted] == [proof.goal for proof in proofs]
    assert {v.declaration for v in report.verdicts.values()} == {"example at line 5", "example at line 8"}


async def test_a_partial_proof_says_which_sorries_stay(lean: EmbeddedSession, extraction: Extraction) -> None:
    (verdict,) = (await judged(gate(lean, extraction), 7, "by rfl")).verdicts
    assert verdict.status is VerdictStatus.PARTIAL
    (place,) = verdict.remaining
    assert (place.line, verdict.line) == (7, 7)


async def test_what_lean_refuses_is_a_verdict_with_its_words(lean: EmbeddedSession, extraction: Extraction) -> None:
    report = await judged(gate(lean, extraction), 3, "by rfl")
    (verdict,) = report.verdicts
    assert report.errors
    assert verdict.checks[-1].name.question is Question.EXPORT
    assert "line 3" in verdict.reason


async def test_the_export_that_is_kept_is_whole(lean: EmbeddedSession, extraction: Extraction) -> None:
    report = await judged(gate(lean, extraction, keeps_export=True), 2, "by decide")
    assert report.accepted
    lines = [json.loads(line) for line in report.export]
    assert lines[0]["meta"]["format"]["version"].startswith("3.")
    known = {"in": {0}, "il": {0}, "ie": set[int]()}
    names, said = {0: ""}, set[str]()
    for line in lines[1:]:
        for kind, seen in known.items():
            if kind in line:
                assert line[kind] == len(seen)
                seen.add(line[kind])
        if "str" in line:
            above = names[line["str"]["pre"]]
            names[line["in"]] = f"{above}.{line['str']['str']}" if above else line["str"]["str"]
        if "num" in line:
            names[line["in"]] = f"{names[line['num']['pre']]}.{line['num']['i']}"
        for kind in ("thm", "def", "axiom", "opaque", "quot"):
            if kind in line:
                said.add(names[line[kind]["name"]])
        if "inductive" in line:
            made = (*line["inductive"]["types"], *line["inductive"]["ctors"], *line["inductive"]["recs"])
            said |= {names[one["name"]] for one in made}
        if "const" in line:
            # What is used was written before, but for a type's own constructors.
            assert names[line["const"]["name"]]
    used = {names[line["const"]["name"]] for line in lines if "const" in line}
    assert {"computed", "two", "Nat", "Nat.rec", "instDecidableEqNat"} <= said
    assert used <= said


def test_json_is_json_also_where_the_patch_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patch = tmp_path / "p.patch"
    patch.write_text("this is no patch\n")
    (tmp_path / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-pre\n")
    (tmp_path / "A.lean").write_text(TEXT)
    with pytest.raises(PatchError, match="patch"):
        verify(str(tmp_path), patch, json_=True)
    said = json.loads(capsys.readouterr().out)
    assert said["accepted"] is False
    assert said["refused"]["message"]
