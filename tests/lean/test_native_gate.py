"""The gate over lean-interact: a small project, honest proofs and others, from extraction to verdict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from contract_sessions import native_session
from lake_artifacts import Artifact, find, keep
from real_lean import project
from shims import write_shims

from orchestrator.gate.gate import Gate
from orchestrator.gate.selection import Proof, Selection
from orchestrator.lean.extraction import extract
from orchestrator.lean.native.session import NativeSession
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.protocol import Limits
from orchestrator.lean.servers import Servers
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project

pytestmark = pytest.mark.slow

PROJECT = project(
    A="def dbl (n : Nat) : Nat := n + n\n\ntheorem eq (n : Nat) : dbl n = 2 * n := by\n  sorry\n",
    B="import A\n\ntheorem big : dbl 1000 = 2000 := by\n  sorry\n\n"
    "theorem add (a b : Nat) : dbl (a + b) = dbl a + dbl b := by\n  sorry\n",
)


@pytest.fixture
async def session(servers: Servers, tmp_path: Path) -> AsyncIterator[NativeSession]:
    shims = write_shims(tmp_path / "shims", servers.launch)
    (tmp_path / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-rc1\n")
    for module in PROJECT.modules:
        below = {name: found.digest for name in module.imports if (found := find(tmp_path, name)) is not None}
        keep(tmp_path, Artifact(module.name, module.text, below))
    session = native_session(tmp_path, shims.lake, shims.repl)
    yield session
    await session.close()


async def test_honest_proofs_pass_and_native_decide_does_not(session: NativeSession) -> None:
    def fresh(patched: Project, preamble: str) -> AbstractAsyncContextManager[Workspace]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Workspace]:
            yield Workspace(session, patched, preamble=preamble)

        return opened()

    found = await extract(Workspace(session, PROJECT), PROJECT.modules)
    assert found.problems == ()
    scripts = {
        "eq": "unfold dbl\nomega",
        "big": "native_decide",
        "add": 'unfold dbl\nomega\nlocal notation "x" => 1',
    }
    proofs = [Proof(goal, scripts[goal.declaration]) for goal in found.goals]
    report = await Selection(Gate(PROJECT, found, fresh)).select(proofs)
    assert [proof.goal.declaration for proof in report.accepted] == ["eq"]
    assert list(report.texts) == ["A.lean"]


async def test_states_outlive_a_process_that_ran_out_of_memory_or_time(session: NativeSession) -> None:
    workspace = Workspace(session, PROJECT)
    found = await extract(workspace, PROJECT.modules[:1])
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
