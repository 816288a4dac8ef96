"""A project of `module`s over the strict stand-in: Lake compiles it, and a proof sees what its own module sees."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from shims import write_shims

from orchestrator.gate.gate import Gate
from orchestrator.gate.selection import Proof, Selection
from orchestrator.lean.extraction import extract, to_elaborate
from orchestrator.lean.lake import check_packages
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.native.gate_session import GateSession
from orchestrator.lean.native.repl import Repl, ReplLaunch
from orchestrator.lean.native.session import NativeSession
from orchestrator.lean.native.working_copy import WorkingCopy
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.protocol import Limits
from orchestrator.lean.servers import Servers
from orchestrator.lean.workspace import Workspace
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project

FILES = {
    "lakefile.toml": 'name = "Four"\n\n[[lean_lib]]\nname = "Four"\n',
    "lean-toolchain": "leanprover/lean4:v4.28.0-rc1\n",
    "lake-manifest.json": json.dumps(
        {
            "version": "1.1.0",
            "packages": [{"type": "git", "name": "checkdecls", "url": "https://example.org/c", "rev": "0" * 40}],
        }
    ),
    "Four.lean": "module\n\npublic import Four.Goals\n",
    "Four/Attribute.lean": "module\n\npublic import Lean.Meta.Tactic.Simp.RegisterCommand\n\n"
    "/-- Unfolds what is open. -/\nregister_simp_attr four_simps\n",
    "Four/Basic.lean": "module\n\npublic import Four.Attribute\n\nprivate def secret : Nat := 41\n\n"
    "public def shown : Nat := secret + 1\n\n@[expose] public def plain : Nat := 5\n\n"
    "@[four_simps] public theorem plain_eq : plain = 5 := by rfl\n\n"
    "public theorem shown_eq : shown = 42 := by rfl\n",
    "Four/Goals.lean": "module\n\npublic import Four.Basic\n\npublic theorem above : shown < 43 := by\n  sorry\n\n"
    "public theorem next : plain + 1 = 6 := by\n  sorry\n\npublic theorem peeks : shown + 0 = 42 := by\n  sorry\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for path, text in FILES.items():
        (tmp_path / "four" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "four" / path).write_text(text)
    return load_project(tmp_path / "four")


@pytest.mark.slow
async def test_modules_are_extracted_proved_and_verified_within_their_walls(
    servers: Servers, project: Project, tmp_path: Path
) -> None:
    root = Path(project.root)
    check_packages(root, [])
    shims = write_shims(tmp_path / "shims", servers.launch)
    copy = WorkingCopy(project, owner=root, cache=tmp_path / "cache", lake=shims.lake)
    launch = ReplLaunch(folder=root, lake=shims.lake, repl=shims.repl)

    async def start() -> Repl:
        await copy.sorries()
        return await Repl.begin(replace(launch, folder=copy.folder))

    session = NativeSession(start, compiled=copy)

    @asynccontextmanager
    async def for_gate(original: Project) -> AsyncIterator[Workspace]:
        judging = GateSession(original, copy, start_timeout=300, meter=LeanMeter())
        yield Workspace(judging, original)
        await judging.close()

    try:
        assert await copy.sorries() == {"Four/Goals.lean"}
        workspace = Workspace(session, project)
        modules = await to_elaborate(session, project.modules)
        assert [module.name for module in modules] == ["Four.Goals"]
        found = await extract(workspace, modules)
        assert (found.problems, len(found.goals)) == ((), 3)
        scripts = {"above": "rw [shown_eq]; decide", "next": "simp [four_simps]", "peeks": "unfold shown; rfl"}
        closed = {}
        for goal in found.goals:
            opened = OpenGoal(workspace, goal, Limits(milliseconds=60_000))
            await opened.ready()
            (reply,) = await opened.tactics([scripts[goal.declaration]])
            closed[goal.declaration] = reply.completed
            await opened.release()
        assert closed == {"above": True, "next": True, "peeks": False}
        proofs = [Proof(goal, scripts[goal.declaration]) for goal in found.goals]
        report = await Selection(Gate(project, found, for_gate)).select(proofs)
        assert {proof.goal.declaration for proof in report.accepted} == {"above", "next"}
        assert list(report.texts) == ["Four/Goals.lean"]
    finally:
        await session.close()
