"""A native session over a small program that plays the REPL: what a lost process costs, and what counts as failure."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_lean import project

from orchestrator.lean.extraction import extract, to_elaborate
from orchestrator.lean.native import session as native
from orchestrator.lean.native.repl import Repl, ReplLaunch
from orchestrator.lean.native.session import NativeSession
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.protocol import Limits
from orchestrator.lean.sandbox.walls import examine_walls
from orchestrator.lean.workspace import Workspace

PROGRAM = Path(__file__).with_name("odd_repl.py")
SMALL = project(
    A="theorem a : True := by\n  sorry\n",
    B="import A\n\ntheorem b : True := by\n  sorry\n",
    C="import A\nimport B\n\ndef one := 1\n\ntheorem c : True := by\n  sorry\n\ntheorem d : True := by\n  sorry\n",
)


@dataclass
class Played:
    """A session, and what its processes were asked."""

    session: NativeSession
    log: Path

    def asked(self) -> list[list[dict[str, Any]]]:
        """The requests of each process."""
        parts = self.log.read_text().split("start\n")[1:]
        return [[json.loads(line) for line in part.splitlines()] for part in parts]


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    log, lake, binary = tmp_path / "log", tmp_path / "lake", tmp_path / ".lake/build/bin/repl"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S {PROGRAM} {log}\n")
    lake.write_text("#!/bin/sh\necho LEAN_SYSROOT=/usr\necho LEAN_PATH=/\n")
    for script in (binary, lake):
        script.chmod(0o755)
    launch = ReplLaunch(folder=tmp_path, lake=lake, repl=tmp_path, folders=(tmp_path,))
    session = NativeSession(lambda: Repl.begin(launch))
    yield Played(session, log)
    await session.close()


async def opened(session: NativeSession, declaration: str) -> OpenGoal:
    """One of the small project's goals."""
    workspace = Workspace(session, SMALL)
    found = await extract_goals(workspace)
    (goal,) = (goal for goal in found if goal.declaration == declaration)
    goal_opened = OpenGoal(workspace, goal, Limits(milliseconds=5_000))
    await goal_opened.ready()
    return goal_opened


async def extract_goals(workspace: Workspace) -> tuple[Any, ...]:
    """The goals of the small project's last file."""

    async def none(_module: str) -> dict[str, Any]:
        return {}

    workspace.fingerprints = none  # type: ignore[assignment,method-assign]
    modules = await to_elaborate(workspace.session, SMALL.modules[-1:])
    found = await extract(workspace, modules)
    assert found.problems == ()
    return found.goals


@pytest.mark.parametrize("broken", ["die", "hang"])
async def test_a_process_lost_in_mid_tactic_costs_one_import_and_one_file(
    played: Played, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "_LEAST_SECONDS", 0.3)
    goal = await opened(played.session, "d")
    (step,) = await goal.tactics(["step"])
    generation = played.session.generation
    (lost,) = await goal.tactics([broken], limits=Limits(milliseconds=10))
    assert (lost.failed, played.session.generation) == (True, generation)
    (done,) = await goal.tactics(["trivial"], proof_state=step.proof_state)
    assert done.completed
    _, second = played.asked()
    commands = [request["cmd"] for request in second if "cmd" in request]
    assert commands[0] == "import A\nimport B"
    assert "".join(commands[1:]).count("theorem") == 2
    assert not any("theorem a" in text or "theorem b" in text or "import" in text for text in commands[1:])
    assert [request["tactic"].strip("()\n") for request in second if "tactic" in request] == ["step", "trivial"]


async def test_where_processes_break_a_spare_one_has_imported_the_same(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "_LEAST_SECONDS", 0.3)
    room = [False]
    played.session._journal._spare._has_room = lambda: room[0]
    goal = await opened(played.session, "d")
    for room[0] in (False, True, True):
        await goal.tactics(["die"])
        (done,) = await goal.tactics(["trivial"])
        assert done.completed
    imports = [request["cmd"] for process in played.asked() for request in process[:1]]
    assert imports == ["import A\nimport B"] * len(imports)
    # The first; one after each of two breaks; the spare one that the third was met with; and the next spare.
    spare = played.session._journal._spare._importing
    assert spare is not None
    waiting, _ = await spare
    assert len(played.asked()) == 5
    await played.session.close()
    assert not waiting.alive


async def test_a_spare_process_that_broke_is_not_taken(played: Played) -> None:
    played.session._journal._spare._has_room = lambda: True
    goal = await opened(played.session, "d")
    for _ in range(2):
        await goal.tactics(["die"])
        assert (await goal.tactics(["trivial"]))[0].completed
        spare = played.session._journal._spare._importing
        assert spare is not None
        await (await spare)[0].kill()


async def test_a_new_state_with_an_error_message_is_a_failure_and_no_progress(played: Played) -> None:
    goal = await opened(played.session, "c")
    (reply,) = await goal.tactics(["recovered"])
    assert (reply.failed, reply.error, reply.completed, reply.proof_state) == (True, "unknown identifier", False, None)


async def test_a_process_imports_one_header(played: Played) -> None:
    workspace = Workspace(played.session, SMALL)
    await workspace.load("A")
    generation = played.session.generation
    await workspace.load("B")
    await workspace.load("C")
    assert played.session.generation == generation + 2
    headers = [[r["cmd"] for r in process if r.get("cmd", "").startswith("import")] for process in played.asked()]
    assert headers == [[], ["import A"], ["import A\nimport B"]]


async def test_a_tactic_is_told_its_heartbeats_where_lean_can_be_told(played: Played) -> None:
    goal = await opened(played.session, "c")
    await goal.tactics(["trivial"], limits=Limits(heartbeats=200_000, milliseconds=5_000))
    await goal.tactics(["trivial"], limits=Limits(heartbeats=200_000, milliseconds=500))
    asked = [request["tactic"] for request in played.asked()[0] if "tactic" in request][-3:]
    assert ["run_tac" in tactic for tactic in asked] == [False, True, False]
    assert "maxHeartbeats := 20000000" in asked[1]
    played.session._sets_heartbeats = True
    await goal.tactics(["trivial"], limits=Limits(heartbeats=1_000, milliseconds=0))
    last = played.asked()[0][-1]["tactic"]
    assert "maxHeartbeats := 1000000" in last
    assert json.dumps("(\ntrivial\n)") in last


INTRUDER = """\
import json, os, sys

def may(mode, *path):
    try:
        with open(os.path.join(*path), mode) as file:
            return bool(file.fileno())
    except OSError:
        return False

scratch = os.environ["TMPDIR"]
tried = {"project": may("r", "A.lean"), "changed": may("a", "A.lean"), "other": may("r", "..", "other")}
tried["models"] = may("r", os.environ["LEAN_COPILOT_CACHE_DIR"], "weights")
for _ in range(2):
    while sys.stdin.readline().strip():
        pass
    print(json.dumps({**tried, "scratch": scratch, "own": may("w", scratch, "notes")}), end="\\n\\n", flush=True)
"""


@pytest.mark.skipif(not examine_walls().landlock, reason="no Landlock on this system")
async def test_a_process_reads_the_project_and_writes_to_a_folder_that_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, binary, lake = tmp_path / "project", tmp_path / "repl/.lake/build/bin/repl", tmp_path / "lake"
    models = tmp_path / "models"
    monkeypatch.setenv("LEAN_COPILOT_CACHE_DIR", str(models))
    for one in (folder, binary.parent, models):
        one.mkdir(parents=True)
    for path in (folder / "A.lean", tmp_path / "other", models / "weights"):
        path.write_text("")
    binary.write_text(f"#!{sys.executable} -IS\n{INTRUDER}")
    lake.write_text(f"#!/bin/sh\necho LEAN_SYSROOT={sys.base_prefix}\necho LEAN_PATH={sys.prefix}/bin\n")
    for script in (binary, lake):
        script.chmod(0o755)
    repl = await Repl.begin(ReplLaunch(folder=folder, lake=lake, repl=tmp_path / "repl"))
    said = await repl.request({"cmd": ""}, timeout=30)
    scratch = str(said.pop("scratch"))
    assert said == {"project": True, "changed": False, "other": False, "models": True, "own": True}
    assert os.listdir(scratch) == ["notes"]
    await repl.kill()
    with pytest.raises(FileNotFoundError):
        os.listdir(scratch)
