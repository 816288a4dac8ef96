"""Patches that try to cheat, and honest ones beside them, judged by the gate on real Lean.

The projects are in `attacks/` and `honest/`; README.md lists which attack is covered by which.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cheat_projects import CheatProject, read_projects

from orchestrator.errors import PatchError
from orchestrator.gate.fillings import Allowance
from orchestrator.gate.gate import Gate
from orchestrator.gate.report import PatchReport
from orchestrator.gate.verdict import CheckName, VerdictStatus
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.workspace import ELABORATION_SECONDS, Workspace
from orchestrator.run.verify import original_and_patched
from orchestrator.source.project import Project

pytestmark = [pytest.mark.lean, pytest.mark.timeout(900)]

ATTACKS = read_projects("attacks")
HONEST = read_projects("honest")
MANDATORY = 30


def parameters(cases: Sequence[CheatProject]) -> list[object]:
    """The cases by title; a further form of what others show is for `make test-all`."""
    return [pytest.param(one, id=one.title, marks=[pytest.mark.slow] * ("slow" in one.head)) for one in cases]


async def judge(lean: EmbeddedSession, case: CheatProject, folder: Path) -> PatchReport:
    """The gate's report on a case, whose patch goes the way of `orchestrator verify`."""
    project, texts = original_and_patched(case.write(folder), case.patch)
    assert texts == case.patched
    extraction = await extract(Workspace(lean, project), project.modules)
    assert extraction.problems == (), extraction.problems
    seconds = float(case.head.get("seconds", ELABORATION_SECONDS))

    @asynccontextmanager
    async def workspace(patched: Project) -> AsyncIterator[Workspace]:
        yield Workspace(lean, patched, elaboration_seconds=seconds)

    gate = Gate(project, extraction, workspace, allowance=Allowance(axioms=STANDARD_AXIOMS | case.words("axioms")))
    return await gate.verify(texts, named=case.words("helpers"))


def test_there_are_as_many_as_asked_for() -> None:
    assert len(ATTACKS) >= MANDATORY
    assert len(HONEST) >= MANDATORY
    known = {name.name for name in CheckName}
    for case in (*ATTACKS, *HONEST):
        assert case.original != case.patched
        assert case.verdict != "failed" or case.because in known, case.title


@pytest.mark.parametrize("case", parameters(ATTACKS))
async def test_an_attack_is_rejected_for_its_reason(lean: EmbeddedSession, case: CheatProject, tmp_path: Path) -> None:
    if case.verdict == "refused":
        with pytest.raises(PatchError, match=case.because):
            await judge(lean, case, tmp_path)
        return
    report = await judge(lean, case, tmp_path)
    said = (report.verdicts, report.errors, report.differences)
    failed = {check.name.name for verdict in report.verdicts for check in verdict.checks if not check.passed}
    green = [verdict.declaration for verdict in report.verdicts if verdict.status is VerdictStatus.PASSED]
    if case.verdict == "does not elaborate":
        messages = [message.text for found in report.errors.values() for message in found]
        assert any(case.because in text for text in messages), said
        assert not report.accepted
    elif case.verdict == "nothing proved":
        assert report.verdicts == (), said
        assert not report.accepted
    elif case.verdict == "conditional":
        # May be in a patch, told apart from what is proved, with what it rests on.
        assert green == [], said
        (verdict,) = report.verdicts
        assert verdict.status is VerdictStatus.CONDITIONAL, said
        assert verdict.rests_on == (case.because,), said
    else:
        assert not report.accepted
        different = any(report.differences.values())
        assert case.because in failed or (case.because == "NOTHING_ELSE" and different), said
    assert not green or not report.accepted, said
    if "warns" in case.head:
        assert any(case.head["warns"] in words for v in report.verdicts for words in v.warnings), said


@pytest.mark.parametrize("case", parameters(HONEST))
async def test_an_honest_patch_passes(lean: EmbeddedSession, case: CheatProject, tmp_path: Path) -> None:
    report = await judge(lean, case, tmp_path)
    assert report.accepted, (report.verdicts, report.errors, report.differences)
    assert {verdict.status.value for verdict in report.verdicts} == {case.verdict}
    assert all(verdict.not_checked and verdict.checks for verdict in report.verdicts)
