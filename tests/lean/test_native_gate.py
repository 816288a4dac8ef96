"""The gate over the user's own Lean: Lake compiles, processes of the gate parse, compile, export and judge.

The stand-ins for `lake` and `lean` have the embedded Lean behind them; the plumbing between them is ours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from contract_sessions import native_session
from shims import Shims, write_shims

from orchestrator.errors import LeanNotFound, NotJudged
from orchestrator.gate.gate import Gate
from orchestrator.gate.report import PatchReport
from orchestrator.gate.verdict import VerdictStatus
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.native.gate_session import GateSession
from orchestrator.lean.native.working_copy import WorkingCopy
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.protocol import Limits
from orchestrator.lean.servers import Servers
from orchestrator.lean.workspace import Workspace
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

A = "def dbl (n : Nat) : Nat := n + n\n\ntheorem eq (n : Nat) : dbl n = 2 * n := by\n  sorry\n"
B = (
    "import A\n\ntheorem big : dbl 1000 = 2000 := by\n  sorry\n\n"
    "theorem add (a b : Nat) : dbl (a + b) = dbl a + dbl b := by\n  sorry\n"
)
FILES = {
    "lakefile.toml": 'name = "small"\n\n[[lean_lib]]\nname = "A"\n\n[[lean_lib]]\nname = "B"\n',
    "lean-toolchain": "leanprover/lean4:v4.28.0-rc1\n",
    "A.lean": A,
    "B.lean": B,
}
UNFOLDED = "unfold dbl\n  omega"


class Bench:
    """A small project that the stand-in for Lake compiles."""

    def __init__(self, folder: Path, shims: Shims) -> None:
        for path, text in FILES.items():
            (folder / "small").mkdir(exist_ok=True)
            (folder / "small" / path).write_text(text)
        self.shims = shims
        self.project = load_project(folder / "small")
        self.copy = WorkingCopy(
            self.project, owner=folder / "small", cache=folder / "cache", lake=shims.lake, version="4.28.0-rc1"
        )

    @asynccontextmanager
    async def for_gate(self, project: Project) -> AsyncIterator[Workspace]:
        """As `Servers.for_gate`."""
        session = GateSession(project, self.copy, start_timeout=120, meter=LeanMeter())
        try:
            yield Workspace(session, project)
        finally:
            await session.close()

    async def verified(self, found: Extraction | None = None, **texts: str) -> PatchReport:
        """What the gate says of files with other texts."""
        patched = {f"{name}.lean": text for name, text in texts.items()}
        return await Gate(self.project, found or Extraction(()), self.for_gate).verify(patched)


@pytest.fixture
def bench(servers: Servers, tmp_path: Path) -> Bench:
    return Bench(tmp_path, write_shims(tmp_path / "shims", servers.launch))


def statuses(report: PatchReport) -> dict[str, VerdictStatus]:
    """By declaration."""
    return {verdict.declaration: verdict.status for verdict in report.verdicts}


async def test_a_proof_passes_one_that_rests_on_a_sorry_is_conditional_and_a_cheat_is_refused(bench: Bench) -> None:
    report = await bench.verified(A=A.replace("sorry", UNFOLDED))
    assert (statuses(report), report.accepted) == ({"eq": VerdictStatus.PASSED}, True), report

    report = await bench.verified(B=B.replace("sorry", "rw [eq]", 1).replace("sorry", UNFOLDED))
    (big,) = (verdict for verdict in report.verdicts if verdict.declaration == "big")
    assert (big.status, big.rests_on) == (VerdictStatus.CONDITIONAL, ("eq",)), report
    assert statuses(report)["add"] is VerdictStatus.PASSED

    report = await bench.verified(B=B.replace("sorry", "native_decide", 1))
    assert not report.accepted
    assert "trusts the compiler" in report.verdicts[0].reason

    report = await bench.verified(A=A.replace("sorry", "omega"))
    assert not report.accepted
    assert "question 3" in report.verdicts[0].reason


async def test_a_patch_of_two_files_is_judged_on_what_the_lower_one_becomes(bench: Bench) -> None:
    report = await bench.verified(
        A=A.replace("sorry", UNFOLDED), B=B.replace("sorry", "rw [eq]", 1).replace("sorry", UNFOLDED)
    )
    assert statuses(report) == dict.fromkeys(("eq", "big", "add"), VerdictStatus.PASSED), report
    assert report.accepted


async def test_a_file_that_compiles_under_lake_alone_is_not_looked_at_and_nothing_is_refused(bench: Bench) -> None:
    await bench.copy.sorries()
    lean = bench.shims.bin / "lean"
    lean.write_text(
        lean.read_text().replace("exec ", 'case "$*" in *--root=*) echo no plugin >&2; exit 1;; esac\nexec ')
    )
    with pytest.raises(NotJudged, match=r"compiles under Lake and not for the gate.*no plugin"):
        await bench.verified(A=A.replace("sorry", UNFOLDED))


async def test_a_lean_that_does_not_take_the_program_can_judge_nothing(bench: Bench) -> None:
    await bench.copy.sorries()
    lean = bench.shims.bin / "lean"
    lean.write_text(
        lean.read_text().replace("exec ", 'case "$*" in *Gate.lean*) echo unknown name; exit 1;; esac\nexec ')
    )
    with pytest.raises(LeanNotFound, match=r"does not know Lean 4\.28\.0-rc1.*unknown name"):
        await bench.verified(A=A.replace("sorry", UNFOLDED))


async def test_states_outlive_a_process_that_ran_out_of_memory_or_time(bench: Bench) -> None:
    await bench.copy.sorries()
    session = native_session(bench.copy.folder, bench.shims.lake, bench.shims.repl)
    try:
        workspace = Workspace(session, bench.project)
        found = await extract(workspace, bench.project.modules[:1])
        opened = OpenGoal(workspace, found.goals[0], Limits(milliseconds=60_000))
        await opened.ready()
        (step,) = await opened.tactics(["unfold dbl"])
        assert step.proof_state is not None
        generation = session.generation
        await session._journal.drop_process()
        assert session.pid is None
        (done,) = await opened.tactics(["omega"], proof_state=step.proof_state)
        assert done.completed
        assert session.generation == generation
    finally:
        await session.close()
