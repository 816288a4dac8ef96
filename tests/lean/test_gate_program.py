"""The gate's program for the user's own Lean, on a real Lean: the embedded one elaborates it, and runs a part of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from orchestrator.config import load_settings
from orchestrator.lean.embedded.install import ensure_embedded
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.native.program import program_text
from orchestrator.lean.protocol import Command, ExportConstants, ExportReply, File, JudgeConstants, errors_in
from orchestrator.lean.replies import parse
from orchestrator.lean.session import ask

CODE_GENERATOR = ("Unknown constant `Lean.Parser.mkInputContext._redArg`", "compiler IR check failed")
"""What the embedded Lean's code generator cannot reach."""
INPUT = """def inputOf (src name : String) : Parser.InputContext :=
  { inputString := src, fileName := name, fileMap := src.toFileMap, endPos := src.rawEndPos, endPos_valid := by simp }
"""
TEXT = (
    "def two : Nat := 2\ntheorem fine : two + 2 = 4 := rfl\n"
    "inductive Tree | node (below : List Tree) | leaf\n"
    "mutual\ninductive P | p (q : Q)\ninductive Q | q | of (p : P)\nend\n"
    "@[simp] theorem target (n : Nat) : n = n + 0 := sorry\n"
)


@pytest.mark.parametrize("version", ["4.28.0", "4.9.0"])
async def test_lean_takes_the_program_as_it_is_written_for_each_release(lean: EmbeddedSession, version: str) -> None:
    base = (await ask(lean, Command("import Lean\n"), timeout=300)).env
    assert base is not None
    reply = await ask(lean, File(program_text(version), "OrchestratorGate", base), timeout=300)
    assert len(reply.commands) > 100
    unexpected = [m for m in errors_in(reply.messages) if not any(words in m.text for words in CODE_GENERATOR)]
    assert unexpected == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_file_that_lean_compiled_is_read_as_data_and_the_judge_takes_it(
    lean: EmbeddedSession, tmp_path: Path
) -> None:
    installed = ensure_embedded(load_settings().paths)

    def run(*arguments: str) -> None:
        command = installed.lean_command("-j1", "--tstack=131072", *arguments, writable=tmp_path)
        done = subprocess.run(
            command, env=installed.environment(), cwd=installed.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr[-2000:]

    program = program_text("4.28.0").replace("Parser.mkInputContext ", "inputOf ")
    program = program.replace("/-! ## What the shared texts ask of this Lean -/\n", INPUT)
    end = "\npublic unsafe def main (args : List String) : IO UInt32 := OrchestratorGate.main args\n"
    files = {name: tmp_path / name for name in ("A.lean", "A.olean", "Gate.lean", "export.json")}
    files["A.lean"].write_text(TEXT)
    files["Gate.lean"].write_text(program + end)
    files["export.json"].touch()
    run("-o", str(files["A.olean"]), str(files["A.lean"]))
    assert (tmp_path / "A.olean.private").is_file()
    run("--run", str(files["Gate.lean"]), "export", str(files["A.olean"]), str(files["export.json"]))
    export = parse(ExportReply, json.loads(files["export.json"].read_text()))
    assert any(one.name == "Lean.Meta.simpExtension" and one.entries for one in export.entries)

    base = (await ask(lean, Command(""), timeout=300)).env
    assert base is not None
    made = (await ask(lean, File(TEXT, "A", base), timeout=300)).env
    assert made is not None
    own = await ask(lean, ExportConstants(made, base), timeout=300)
    judged = {}
    for name, lines in {"compiled": export.constants, "elaborated": own.constants}.items():
        asked = JudgeConstants(tuple(json.loads(line) for line in lines), base)
        reply = await ask(lean, asked, timeout=300)
        assert reply.refused == ()
        judged[name] = {fact.user_name: fact for fact in reply.declarations}
    for name in ("two", "fine", "target", "Tree", "Tree.rec_1", "P.of", "Q.rec"):
        compiled, elaborated = (judged[side].get(name) for side in ("compiled", "elaborated"))
        assert (compiled is None) == (elaborated is None)
        if compiled is not None and elaborated is not None:
            assert (compiled.kind, compiled.own_sorry) == (elaborated.kind, elaborated.own_sorry)
            assert (compiled.axioms, compiled.levels) == (elaborated.axioms, elaborated.levels)
    assert judged["compiled"]["target"].own_sorry
    assert not judged["compiled"]["fine"].has_sorry
