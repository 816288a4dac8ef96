"""The gate's processes over the user's own Lean: what they may touch, and what is believed of them.

A script takes the place of Lean.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from orchestrator.errors import MalformedReply, NotJudged, RequestRefused, SessionClosed
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.native.gate_session import GateSession
from orchestrator.lean.native.program import GateProgram, program_text
from orchestrator.lean.native.working_copy import WorkingCopy
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    CompareFile,
    Entries,
    ExportConstants,
    ExportReply,
    File,
    KnownNames,
    Tactics,
)
from orchestrator.lean.sandbox.walls import examine_walls
from orchestrator.lean.session import ask
from orchestrator.source.project import Project, SourceModule

LEAN = """#!{python}
import json, os, sys
from pathlib import Path
words = sys.argv[1:]
if "--run" in words:
    mode, *rest = words[words.index("--run") + 2:]
    if mode == "export":
        held = Path(rest[0]).read_text()
        Path(rest[1]).write_text(held if held.startswith("{{") else "forged")
    else:
        print('{{"ready": true}}', flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            reply = {{"env": 0}} if "cmd" in asked else {{"known": asked.get("names", [])}}
            print("a line of somebody's", end="")
            print('{{"id":"%s","reply":%s}}' % (asked["id"], json.dumps(reply)), flush=True)
    sys.exit()
text, out = Path(words[-1]).read_text(), Path(words[words.index("-o") + 1])
if "writes" in text:
    for path in os.environ["LEAN_PATH"].split(os.pathsep):
        for file in Path(path).glob("A.olean"):
            file.write_text("rewritten")
if "reads" in text:
    text = next(f.read_text() for p in os.environ["LEAN_PATH"].split(":") if (f := Path(p, "A.olean")).is_file())
print("no JSON\\n" + json.dumps({{"severity": "warning", "pos": {{"line": 1, "column": 0}}, "data": "said"}}))
if "wrong" in text:
    print(json.dumps({{"severity": "error", "pos": {{"line": 2, "column": 0}}, "data": "it is wrong"}}))
    sys.exit(1)
if "dies" in text:
    sys.exit("killed")
if "nothing" not in text:
    out.write_text(text)
"""
EXPORT = {"constants": ["{}"], "attributes": [], "entries": [{"name": "e", "entries": 1}, {"name": "e", "entries": 2}]}


class Copy(WorkingCopy):
    """A compiled project, without Lake."""

    def __init__(self, project: Project, folder: Path, program: GateProgram) -> None:
        super().__init__(project, owner=folder, cache=folder / "cache", lake=Path("lake"))
        self._made_by_hand = program

    async def program(self) -> GateProgram:
        """The script."""
        return self._made_by_hand


PROJECT = Project(
    "small", "/nowhere", modules=(SourceModule("A", "A.lean", "a"), SourceModule("B", "B.lean", "import A", ("A",)))
)


@pytest.fixture
def session(tmp_path: Path) -> GateSession:
    lean = tmp_path / "home/bin/lean"
    lean.parent.mkdir(parents=True)
    lean.write_text(LEAN.format(python=sys.executable))
    lean.chmod(0o755)
    (tmp_path / "program").mkdir()
    copy = Copy(PROJECT, tmp_path, GateProgram(tmp_path / "program", tmp_path / "home", (), ()))
    library = copy.folder / ".lake/build/lib/lean"
    library.mkdir(parents=True)
    for name in "AB":
        (library / f"{name}.olean").write_text(json.dumps(EXPORT))
    copy._made_by_hand = GateProgram(tmp_path / "program", tmp_path / "home", (library, Path("/")), (library,))
    return GateSession(PROJECT, copy, start_timeout=60, meter=LeanMeter())


async def compiled(session: GateSession, module: str, text: str) -> CommandReply:
    """What compiling a text as a module gives."""
    base = (await ask(session, Command("import A\n"), timeout=60)).env
    assert base is not None
    return await ask(session, File(text, module, base), timeout=60)


async def exported(session: GateSession, reply: CommandReply) -> ExportReply:
    """What is exported of it."""
    assert reply.env is not None
    return await ask(session, ExportConstants(reply.env, 0), timeout=60)


def test_the_program_is_written_for_each_release() -> None:
    new, old, unknown = (program_text(version) for version in ("4.28.0-rc1", "4.9.0", ""))
    assert new == unknown
    assert "readModuleDataParts" in new
    assert "readModuleDataParts" not in old
    assert "isLabeledSorry?" not in old
    for text in (new, old):
        assert text.count("def sorryPlace (") == text.count("def readParts") == 1
        assert "stands here" not in text
        assert "\n-- since" not in text


async def test_what_lake_compiled_is_exported_as_it_is_and_parts_are_added_up(session: GateSession) -> None:
    reply = await compiled(session, "A", "a")
    assert await exported(session, reply) == ExportReply(("{}",), (), (Entries("e", 3),))
    await session.close()


async def test_a_patched_file_is_compiled_here_and_those_above_see_it(session: GateSession) -> None:
    one = {**EXPORT, "constants": ["patched"]}
    reply = await compiled(session, "A", json.dumps(one))
    assert [message.text for message in reply.messages] == ["said"]
    assert (await exported(session, reply)).constants == ("patched",)
    above = await compiled(session, "B", "import A -- reads")
    assert (await exported(session, above)).constants == ("patched",)
    await session.close()


@pytest.mark.parametrize(("text", "words"), [("wrong", "it is wrong"), ("dies", "killed"), ("nothing", "no JSON")])
async def test_what_is_not_compiled_is_an_error_whatever_is_said(session: GateSession, text: str, words: str) -> None:
    reply = await compiled(session, "A", text)
    assert words in reply.errors[0].text
    with pytest.raises(RequestRefused, match="Only what is compiled"):
        await exported(session, reply)
    await session.close()


async def test_where_the_original_does_not_compile_either_nothing_is_said_of_the_patch(tmp_path: Path) -> None:
    project = Project("small", "/nowhere", modules=(SourceModule("A", "A.lean", "wrong"),))
    lean = tmp_path / "home/bin/lean"
    lean.parent.mkdir(parents=True)
    lean.write_text(LEAN.format(python=sys.executable))
    lean.chmod(0o755)
    copy = Copy(project, tmp_path, GateProgram(tmp_path, tmp_path / "home", (Path("/"),), ()))
    session = GateSession(project, copy, start_timeout=60, meter=LeanMeter())
    with pytest.raises(NotJudged, match=r"compiles under Lake and not for the gate.*it is wrong"):
        await compiled(session, "A", "wrong, too")
    await session.close()


async def test_of_what_lake_has_not_compiled_nothing_is_said(session: GateSession) -> None:
    (session.compiled.folder / ".lake/build/lib/lean/B.olean").unlink()
    with pytest.raises(NotJudged, match=r"Lake has not compiled the file \(B\.lean\)"):
        await compiled(session, "B", "import A")
    await session.close()


async def test_an_export_that_is_none_is_not_believed(session: GateSession) -> None:
    reply = await compiled(session, "A", "text")
    with pytest.raises(MalformedReply, match="not exported"):
        await exported(session, reply)
    await session.close()


@pytest.mark.skipif(not examine_walls().landlock, reason="this system has no Landlock")
async def test_the_process_that_runs_the_patch_cannot_touch_what_lake_compiled(session: GateSession) -> None:
    reply = await compiled(session, "A", "it writes")
    assert "PermissionError" in reply.errors[0].text
    assert await exported(session, await compiled(session, "A", "a")) == ExportReply(("{}",), (), (Entries("e", 3),))
    await session.close()


async def test_names_are_asked_of_the_process_that_judges(session: GateSession) -> None:
    base = (await ask(session, Command("import A\n"), timeout=60)).env
    assert base is not None
    assert (await ask(session, KnownNames(("Nat",), base), timeout=60)).known == ("Nat",)
    await session.close()


async def test_it_elaborates_nothing_and_after_its_end_answers_nothing(session: GateSession) -> None:
    with pytest.raises(RequestRefused, match="elaborates nothing"):
        await ask(session, Tactics(("rfl",), 0), timeout=60)
    with pytest.raises(RequestRefused, match="Unknown environment"):
        await ask(session, ExportConstants(7, 0), timeout=60)
    with pytest.raises((MalformedReply, RequestRefused)):
        await ask(session, CompareFile(File("a", "A", 0), "b"), timeout=60)
    await session.close()
    with pytest.raises(SessionClosed):
        await ask(session, Command("import A\n"), timeout=60)
