"""The gate's program for the user's own Lean, on a real Lean: the embedded one elaborates it, and runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import load_settings
from orchestrator.gate.fillings import Allowance
from orchestrator.gate.shape import shape_of
from orchestrator.lean.embedded.install import ensure_embedded
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.native.program import program_text
from orchestrator.lean.protocol import (
    Command,
    ComparisonReply,
    CompiledFactsReply,
    ExportReply,
    File,
    JudgedReply,
    KnownNamesReply,
    errors_in,
)
from orchestrator.lean.replies import parse
from orchestrator.lean.session import ask

Json = dict[str, Any]

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
@pytest.mark.timeout(3600)
async def test_the_program_compares_exports_and_judges_what_lean_compiled(tmp_path: Path) -> None:
    """One function is another, which the embedded code generator reaches; imported theorems look like axioms here."""
    installed = ensure_embedded(load_settings().paths)

    def run(*arguments: str, requests: Sequence[Json] = ()) -> list[Json]:
        command = installed.lean_command("-j1", "--tstack=131072", *arguments, writable=tmp_path)
        asked = "".join(json.dumps({"id": "x", **request}) + "\n" for request in requests)
        done = subprocess.run(
            command, env=installed.environment(), cwd=installed.folder, capture_output=True, text=True, input=asked
        )
        replies = [json.loads(line)["reply"] for line in done.stdout.splitlines() if line.startswith('{"id"')]
        assert len(replies) == len(requests), done.stdout + done.stderr[-2000:]
        return replies

    program = program_text("4.28.0").replace("Parser.mkInputContext ", "inputOf ")
    program = program.replace("/-! ## What the shared texts ask of this Lean -/\n", INPUT)
    end = "\npublic unsafe def main (args : List String) : IO UInt32 := OrchestratorGate.main args\n"
    files = {name: tmp_path / name for name in ("A.lean", "A.olean", "Gate.lean", "export.json")}
    files["A.lean"].write_text(TEXT)
    files["Gate.lean"].write_text(program + end)
    files["export.json"].touch()
    gate = str(files["Gate.lean"])

    run("-o", str(files["A.olean"]), str(files["A.lean"]))
    assert (tmp_path / "A.olean.private").is_file()
    run("--run", gate, "export", str(files["A.olean"]), str(files["export.json"]))
    export = parse(ExportReply, json.loads(files["export.json"].read_text()))
    assert any(one.name == "Lean.Meta.simpExtension" and one.entries for one in export.entries)

    texts = {"compare": TEXT, "patched": TEXT.replace("sorry", "by simp"), "module": "A", "settings": []}
    compared = parse(ComparisonReply, run("--run", gate, "compare", requests=[texts])[0])
    (pair,) = compared.pairs
    assert pair.made[-1].endswith("target")
    shape = shape_of(compared, frozenset(), Allowance())
    assert ([one.declared for one in shape.filled], shape.is_clean) == (["target"], True)

    lines = [json.loads(line) for line in export.constants]
    forged = [*lines, {"thm": {**lines[-1].get("thm", {}), "name": 0, "levelParams": [], "type": 0, "value": 0}}]
    asked: list[Json] = [{"cmd": "import Init\n"}, {"judge": lines, "env": 0}, {"judge": forged, "env": 0}]
    asked += [{"names": ["Nat.add", "Foo.bar"], "env": 0}, {"facts": ["Nat.add", "Foo.bar"], "env": 0}]
    _, *said = run("--run", gate, "judge", requests=asked)
    judged, with_a_lie = (parse(JudgedReply, value) for value in said[:2])
    facts = {fact.user_name: fact for fact in judged.declarations}
    assert judged.refused == ()
    assert (facts["target"].kind, facts["target"].own_sorry) == ("theorem", True)
    assert not facts["fine"].has_sorry
    assert {"Tree", "Tree.node", "Q.of", "Q.rec"} <= facts.keys()
    assert len(with_a_lie.refused) == 1
    assert parse(KnownNamesReply, said[2]).known == ("Nat.add",)
    assert [fact.name for fact in parse(CompiledFactsReply, said[3]).declarations] == ["Nat.add"]
