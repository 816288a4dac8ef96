"""What the gate passed is not asked again, in whatever order the proofs come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.gate.selection import GateReport, Proof, known_gate
from orchestrator.gate.verdict import Verdict, VerdictStatus
from orchestrator.goals.goal import Goal
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.source.project import Project, SourceModule

PROJECT = Project("p", "/nowhere", modules=(SourceModule("A", "A.lean", "", ()),))
A, B = Proof(Goal("a", "⊢ p"), "trivial"), Proof(Goal("b", "⊢ q"), "simp")


def verdict(proof: Proof, *, passed: bool = True) -> Verdict:
    """The gate's word on a proof."""
    return Verdict(proof.goal.id, "A.lean", VerdictStatus.PASSED if passed else VerdictStatus.FAILED, ())


def report(accepted: Sequence[Proof], failed: Sequence[Proof] = ()) -> GateReport:
    """A gate's report."""
    verdicts = {proof.goal.id: verdict(proof, passed=proof in accepted) for proof in (*accepted, *failed)}
    return GateReport(tuple(accepted), verdicts, {}, {})


def ask(folder: Path, proofs: Sequence[Proof], answer: GateReport | None, project: Project = PROJECT) -> GateReport:
    """The gate's report, whose work may be asked for only where there is an `answer`."""

    async def work() -> GateReport:
        assert answer is not None, "the gate was asked again"
        return answer

    return asyncio.run(known_gate(ContentCache(folder), project, "lean", proofs, work))


def test_the_same_proofs_in_another_order_are_known(tmp_path: Path) -> None:
    first = ask(tmp_path, [A, B], report([A, B]))
    assert ask(tmp_path, [B, A], None) == first


def test_what_passed_beside_a_refused_proof_is_known_and_the_refused_one_is_asked_again(tmp_path: Path) -> None:
    ask(tmp_path, [A, B], report([A], [B]))
    known = ask(tmp_path, [A], None)
    assert known.accepted == (A,)
    assert set(known.verdicts) == {"a"}
    assert ask(tmp_path, [A, B], report([A, B])).accepted == (A, B)


def test_another_script_or_a_changed_file_is_asked(tmp_path: Path) -> None:
    ask(tmp_path, [A], report([A]))
    other = Proof(A.goal, "simp")
    assert ask(tmp_path, [other], report([other])).accepted == (other,)
    changed = PROJECT.with_texts({"A.lean": "-- changed"})
    assert ask(tmp_path, [A], report([]), changed).accepted == ()


def test_what_another_gate_said_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(tmp_path, [A], report([A]))
    monkeypatch.setattr("orchestrator.gate.selection.program_digest", lambda: "mended")
    assert ask(tmp_path, [A], report([])).accepted == ()
