"""The process that a patch is elaborated in is replaced by one that answers, prints, sleeps and dies as it likes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from orchestrator.errors import OrchestratorError, SessionDied
from orchestrator.gate.gate import Gate
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    CompareFile,
    ExportConstants,
    ExportReply,
    File,
    Reply,
    Request,
)
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project, SourceModule

pytestmark = [pytest.mark.lean, pytest.mark.timeout(900)]

ORIGINAL = "def two : Nat := 2\ntheorem fine : two + 2 = 4 := rfl\ntheorem target : two + two = 5 := sorry\n"
PATCHED = ORIGINAL.replace("sorry", "by decide")
PROVED = ORIGINAL.replace("= 5 := sorry", "= 4 := rfl")
"""What a forger would like to be taken for the patch: its constants are all true, one of them called `target`."""


class Careful:
    """A server that two sides use, one at a time."""

    compiled = None

    def __init__(self, real: EmbeddedSession) -> None:
        self._real = real
        self._lock = asyncio.Lock()

    @property
    def generation(self) -> int:
        """The server's."""
        return self._real.generation

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        """The server's reply, when it is free."""
        async with self._lock:
            return await self._real.exchange(request, timeout=timeout)


class Forger:
    """A session that tells the truth about the original, and whatever it likes about the patch."""

    compiled = None

    def __init__(self, real: Careful, dice: Random, material: Sequence[Sequence[str]]) -> None:
        self._real = real
        self._dice = dice
        self._material = material
        self._patched = False

    @property
    def generation(self) -> int:
        """The server's."""
        return self._real.generation

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        """The real reply until the patch is elaborated."""
        if isinstance(request, File) and request.text == PATCHED:
            self._patched = True
            await asyncio.sleep(0)
            if self._dice.random() < 0.05:
                raise SessionDied("It died as it liked")
            return CommandReply(env=self._dice.randrange(100))
        if self._patched and isinstance(request, ExportConstants):
            return ExportReply(tuple(forged(self._dice, self._material)))
        assert isinstance(request, Command | CompareFile | ExportConstants | File)
        return await self._real.exchange(request, timeout=timeout)


def forged(dice: Random, material: Sequence[Sequence[str]]) -> list[str]:
    """An export made of real ones: lines changed, moved, left out, put in twice, or made up."""
    lines = list(dice.choice(material))
    for _ in range(dice.randrange(1, 6)):
        place = dice.randrange(len(lines))
        match dice.randrange(6):
            case 0:
                lines[place] = json.dumps(changed(json.loads(lines[place]), dice))
            case 1:
                del lines[place]
            case 2:
                lines.insert(place, dice.choice(dice.choice(material)))
            case 3:
                lines[place] = lines[place].replace('"thm"', '"axiom"').replace('"def"', '"opaque"')
            case 4:
                lines.append(lines[place])
            case _:
                lines[place] = dice.choice(['{"thm":{}}', "{}", "[]", '"target"', '{"in":1}', "not JSON", '{"ie":-1}'])
    return lines


def changed(value: Any, dice: Random) -> Any:
    """The same JSON with a number, a word or a key that is another."""
    if isinstance(value, dict):
        key = dice.choice(list(value)) if value else ""
        return {**value, key: changed(value.get(key), dice)}
    if isinstance(value, list):
        return [changed(one, dice) if dice.random() < 0.5 else one for one in value]
    if isinstance(value, int):
        return dice.randrange(40)
    return dice.choice(["target", "fine", "two", "Nat", "safe", "4", "5", ""])


async def no_forgery_passes(lean: EmbeddedSession, count: int, seed: int) -> None:
    project, proved = (
        Project("P", "/nowhere", modules=(SourceModule("A", "A.lean", text, ()),)) for text in (ORIGINAL, PROVED)
    )
    material = [(await Workspace(lean, one).export("A")).constants for one in (project, proved)]
    extraction = await extract(Workspace(lean, project), project.modules)
    dice = Random(seed)
    for number in range(count):
        server = Careful(lean)
        turns = [Forger(server, dice, material), server]

        @asynccontextmanager
        async def workspace(patched: Project, turns: list[Any] = turns) -> AsyncIterator[Workspace]:
            yield Workspace(turns.pop(0), patched)

        await lean.recycle_if_grown()
        try:
            report = await Gate(project, extraction, workspace).verify({"A.lean": PATCHED})
        except OrchestratorError:
            continue
        assert not report.accepted, (seed, number, report)
        assert all(not verdict.accepted for verdict in report.verdicts), (seed, number, report)


async def test_no_forged_export_passes(lean: EmbeddedSession) -> None:
    await no_forgery_passes(lean, 60, 1)


@pytest.mark.slow
async def test_none_of_a_thousand_passes(lean: EmbeddedSession) -> None:
    await no_forgery_passes(lean, 1000, 2)


async def test_the_forger_of_a_true_statement_gets_nothing_but_the_truth(lean: EmbeddedSession) -> None:
    """An export of what was really proved is what passes: the test above fails for want of truth, not of form."""
    text = PROVED.replace("= 4 := rfl\n", "= 4 := sorry\n").replace("two + 2 = 4 := sorry", "two + 2 = 4 := rfl")
    project = Project("P", "/nowhere", modules=(SourceModule("A", "A.lean", text, ()),))
    extraction = await extract(Workspace(lean, project), project.modules)

    @asynccontextmanager
    async def workspace(patched: Project) -> AsyncIterator[Workspace]:
        yield Workspace(lean, patched)

    report = await Gate(project, extraction, workspace).verify({"A.lean": PROVED})
    assert report.accepted


class Liar(Forger):
    """A session that elaborates another text as soon as it has seen the patch, and spells one constant as another."""

    def __init__(self, real: Careful, patched: str, lies: Mapping[str, str], spelt: tuple[str, str]) -> None:
        super().__init__(real, Random(0), ())
        self._text = patched
        self._lies = lies
        self._spelt = spelt

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        """The real reply, about what it likes."""
        if isinstance(request, File):
            self._patched = self._patched or request.text == self._text
            if self._patched and request.text in self._lies:
                request = replace(request, text=self._lies[request.text])
        reply = await self._real.exchange(request, timeout=timeout)
        if isinstance(reply, ExportReply) and self._patched:
            old, new = (json.dumps(one, ensure_ascii=False) for one in self._spelt)
            return replace(reply, constants=tuple(line.replace(old, new) for line in reply.constants))
        return reply


FALSE = "theorem target : two = 5 := by sorry\n"


@pytest.mark.parametrize(
    ("files", "patched", "lies", "spelt"),
    [
        pytest.param(
            {
                "B": "theorem low : True := by sorry\n",
                "M": "import B\ndef two : Nat := 2\n",
                "A": f"import M\n{FALSE}",
            },
            {"B": "theorem low : True := by trivial\n", "A": f"import M\n{FALSE.replace('sorry', 'rfl')}"},
            {"import B\ndef two : Nat := 2\n": "import B\ndef two : Nat := 5\n"},
            ("", ""),
            id="a file between two patched ones",
        ),
        pytest.param(
            {"A": "inductive _T | a | b\ntheorem target : ∀ x y : _T, x = y := by sorry\n"},
            {"A": "inductive _T | a | b\ntheorem target : ∀ x y : _T, x = y := by intros; rfl\n"},
            {
                "inductive _T | a | b\ntheorem target : ∀ x y : _T, x = y := by intros; rfl\n": "inductive _T | a\n"
                "theorem target : ∀ x y : _T, x = y := by intros; rfl\n"
            },
            ("", ""),
            id="a type whose name begins with an underscore",
        ),
        pytest.param(
            {"A": f"def two : Nat := sorry\n{FALSE}"},
            {"A": f"def two : Nat := sorry\n{FALSE.replace('sorry', 'rfl')}"},
            {f"def two : Nat := sorry\n{FALSE.replace('sorry', 'rfl')}": f"def two : Nat := 5\n{FALSE}"},
            ("", ""),
            id="data that is still open",
        ),
        pytest.param(
            {"A": "def A.«b c» : Nat := 2\ntheorem target : A.«b c» = 5 := by sorry\n"},
            {"A": "def A.«b c» : Nat := 2\ntheorem target : A.«b c» = 5 := by rfl\n"},
            {
                "def A.«b c» : Nat := 2\ntheorem target : A.«b c» = 5 := by rfl\n": "def A.«b c» : Nat := 5\n"
                "theorem target : A.«b c» = 5 := by rfl\ndef zz : Nat := 2\n"
            },
            ("zz", "A.«b c»"),
            id="a constant that is written like another",
        ),
        pytest.param(
            {"A": "theorem target : ∀ x y : Bool, x = y := by sorry\n"},
            {"A": "theorem target : ∀ x y : Bool, x = y := by intros; rfl\n"},
            {
                "theorem target : ∀ x y : Bool, x = y := by intros; rfl\n": "inductive zz | a\n"
                "theorem target : ∀ x y : zz, x = y := by intros; rfl\n"
            },
            ("zz", "Bool"),
            id="a constant of the library's name",
        ),
    ],
)
async def test_what_a_forger_says_of_other_files_and_names(
    lean: EmbeddedSession,
    files: Mapping[str, str],
    patched: Mapping[str, str],
    lies: Mapping[str, str],
    spelt: tuple[str, str],
) -> None:
    modules = tuple(
        SourceModule(name, f"{name}.lean", text, tuple(re.findall(r"import (\w+)", text)))
        for name, text in files.items()
    )
    project = Project("P", "/nowhere", modules=modules)
    extraction = await extract(Workspace(lean, project), project.modules)
    assert extraction.problems == ()
    server = Careful(lean)
    turns = [Liar(server, next(iter(patched.values())), lies, spelt), server]

    @asynccontextmanager
    async def workspace(patched: Project) -> AsyncIterator[Workspace]:
        yield Workspace(turns.pop(0), patched)

    report = await Gate(project, extraction, workspace).verify({f"{n}.lean": text for n, text in patched.items()})
    assert not report.accepted, report
    assert not any(verdict.declaration == "target" and verdict.accepted for verdict in report.verdicts), report
