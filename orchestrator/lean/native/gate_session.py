"""A session for the gate over the user's own Lean: it compares, compiles, exports and judges, each in its own process.

What comes from a patch is parsed by one process, compiled by another and exported by a third, which are believed in
nothing; the fourth, which judges, has none of it but the export. Environments here are numbers for what a process would
import, and most of them never become one.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from orchestrator.errors import MalformedReply, NotJudged, RequestRefused, SessionClosed, SessionDied, SessionError
from orchestrator.goals.goal import Position
from orchestrator.lean.embedded.node import Finished
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.lake import compiled_module, module_file
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.native.program import Compilation, GateProgram
from orchestrator.lean.native.working_copy import WorkingCopy
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    CompareFile,
    CompiledFacts,
    Entries,
    ExportConstants,
    ExportReply,
    File,
    Forget,
    ForgetReply,
    JudgeConstants,
    KnownNames,
    Message,
    Reply,
    Request,
    Severity,
)
from orchestrator.lean.replies import parse, parse_reply
from orchestrator.lean.session import ask
from orchestrator.source.project import Project

_SHOWN_CHARACTERS = 400
_PARTS = (".olean", ".olean.server", ".olean.private", ".ir", ".ilean")
"""What Lean makes of a module, and other modules read."""


@dataclass(frozen=True, slots=True)
class _Imports:
    """What a header brings."""

    header: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A module, by its compiled file."""

    file: Path


@dataclass(frozen=True, slots=True)
class _Judged:
    """An environment of the process that judges, in that process's own numbers."""

    number: int


class GateSession:
    """A `Session` that the gate works on.

    Args:
        project: the original; a module whose text is the copy's is taken as Lake compiled it.
        copy: where Lake has compiled it.
    """

    def __init__(self, project: Project, copy: WorkingCopy, *, start_timeout: float, meter: LeanMeter) -> None:
        self.compiled = copy
        self.generation = 1
        self._copy = copy
        self._project = project
        self._start_timeout = start_timeout
        self._meter = meter
        self._made: list[_Imports | _Compiled | _Judged] = []
        self._servers: dict[str, EmbeddedSession] = {}
        self._library: dict[str, int] = {}
        self._here: dict[str, Path] = {}
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._closed = False

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        if self._closed:
            raise SessionClosed("The Lean session is closed")
        try:
            with self._meter.running():
                return await self._answer(request, timeout)
        except SessionError:
            await self.kill()
            raise

    async def recycle_if_grown(self) -> bool:
        """It lives for one patch."""
        return False

    async def kill(self) -> None:
        """End every process, and forget what they held; what was compiled here is forgotten, too."""
        self.generation += 1
        servers, self._servers = self._servers, {}
        self._library.clear()
        self._here.clear()
        for server in servers.values():
            await server.close()

    async def close(self) -> None:
        """End every process."""
        self._closed = True
        await self.kill()
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            await asyncio.to_thread(scratch.cleanup)

    async def _answer(self, request: Request, timeout: float) -> Reply:
        match request:
            case Command(env=None):
                return CommandReply(env=self._number(_Imports(request.cmd)))
            case File():
                return await self._file(request, timeout)
            case CompareFile():
                original = await self._file(request.original, timeout)
                reply = await ask(await self._server("compare"), request, timeout=timeout)
                found = (*original.errors, *reply.original)
                return replace(reply, env=original.env if original.env is not None else 0, original=found)
            case ExportConstants(whole=False):
                return await self._export(self._at(request.env), timeout)
            case JudgeConstants():
                there = replace(request, env=await self._there(request.env, timeout))
                judged = await ask(await self._server("judge"), there, timeout=timeout)
                return replace(judged, env=self._number(_Judged(judged.env)))
            case KnownNames() | CompiledFacts():
                asked = replace(request, env=await self._there(request.env, timeout))
                return await ask(await self._server("judge"), asked, timeout=timeout)
            case Forget():
                return ForgetReply(ok=True)
            case _:
                raise RequestRefused("The gate's session elaborates nothing", where=type(request).__name__)

    def _number(self, made: _Imports | _Compiled | _Judged) -> int:
        self._made.append(made)
        return len(self._made) - 1

    def _at(self, env: int) -> _Imports | _Compiled | _Judged:
        if not 0 <= env < len(self._made):
            raise RequestRefused("Lean refused a request: Unknown environment.", where=str(env))
        return self._made[env]

    async def _server(self, mode: Literal["compare", "judge"]) -> EmbeddedSession:
        if mode not in self._servers:
            program = await self._copy.program()
            launch = program.server(mode, start_timeout=self._start_timeout)
            self._servers[mode] = EmbeddedSession(launch, meter=self._meter)
        return self._servers[mode]

    async def _there(self, env: int, timeout: float) -> int:
        """The number of an environment in the process that judges."""
        match self._at(env):
            case _Judged(number):
                return number
            case _Imports(header):
                if header not in self._library:
                    reply = await ask(await self._server("judge"), Command(header), timeout=timeout)
                    if reply.env is None:
                        raise SessionDied("The judge cannot import what a file imports", where=" ".join(header.split()))
                    self._library[header] = reply.env
                return self._library[header]
            case _Compiled():
                raise RequestRefused("Nothing is judged on top of a compiled file")

    async def _file(self, request: File, timeout: float) -> CommandReply:
        """A module as Lake compiled it, where its text and what it imports are as they were; else compiled here."""
        program = await self._copy.program()
        module = request.module
        below = {one.name for one in self._project.closure(module)}
        if request.text == self._copy.text(module) and not below & self._here.keys():
            file = compiled_module(self._copy.folder, module)
            if file is None:
                path = self._project.by_name[module].path
                raise NotJudged("Lake has not compiled the file", where=path, hint="Run `lake build` there.")
            return CommandReply(env=self._number(_Compiled(file)))
        made, messages = await self._compile(program, request, timeout)
        original = self._project.by_name[module].text.replace("\r\n", "\n")
        if made is None and original != request.text:
            # What Lake passes to Lean beside options is not known here: then nothing can be said of the patch.
            whole, said = await self._compile(program, replace(request, text=original), timeout)
            if whole is None:
                raise could_not_compile(self._project.by_name[module].path, said)
        if made is None:
            return CommandReply(env=self._number(_Imports("")), messages=messages)
        self._here[module] = made
        return CommandReply(env=self._number(_Compiled(made)), messages=messages)

    async def _compile(
        self, program: GateProgram, request: File, timeout: float
    ) -> tuple[Path | None, tuple[Message, ...]]:
        """The compiled file, None where Lean has errors, and what Lean said."""
        work = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._folder()))
        source, compiled = work / "source", work / "compiled"
        text, file = source / module_file(request.module, ".lean"), compiled / module_file(request.module, ".olean")
        text.parent.mkdir(parents=True)
        text.write_bytes(request.text.encode("utf-8", "surrogatepass"))
        file.parent.mkdir(parents=True)
        path = program.path
        if self._here:
            path = await asyncio.to_thread(_overlay, program, self._here, work / "path")
        asked = Compilation(
            source=text,
            root=source,
            compiled=file,
            path=path,
            readable=self._folder(),
            options=tuple(f"-D{name}={value}" for name, value in request.options),
        )
        done = await program.compile(asked, seconds=timeout)
        messages = _messages(done)
        failed = done.code or not file.is_file() or any(m.severity is Severity.ERROR for m in messages)
        if failed and not any(m.severity is Severity.ERROR for m in messages):
            words = (done.errors or done.output).strip()[-_SHOWN_CHARACTERS:] or f"Lean ended with code {done.code}"
            messages = (*messages, Message(Severity.ERROR, words, Position(1, 0)))
        return (None if failed else file), messages

    async def _export(self, env: _Imports | _Compiled | _Judged, timeout: float) -> ExportReply:
        if not isinstance(env, _Compiled):
            raise RequestRefused("Only what is compiled can be exported")
        program = await self._copy.program()
        with tempfile.TemporaryDirectory(dir=self._folder()) as folder:
            out = Path(folder) / "export.json"
            out.touch()
            done = await program.export(env.file, out, seconds=timeout)
            try:
                value = json.loads(out.read_bytes())
            except (ValueError, RecursionError) as error:
                words = (done.errors or done.output).strip()[-_SHOWN_CHARACTERS:]
                raise MalformedReply(f"A compiled file was not exported: {words}", where=env.file.name) from error
        reply = parse_reply(ExportConstants(0, 0), value if isinstance(value, dict) else {"message": "no object"})
        assert isinstance(reply, ExportReply)
        return replace(reply, entries=_summed(reply.entries))

    def _folder(self) -> Path:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="orchestrator-gate-")
        return Path(self._scratch.name)


def could_not_compile(path: str, said: tuple[Message, ...]) -> NotJudged:
    """The error for a file that Lake compiles and we cannot: nothing can be said of a patch of it."""
    words = next((m.text for m in said if m.severity is Severity.ERROR), "")
    return NotJudged(
        f"The file compiles under Lake and not for the gate, so that no proof in it can be judged: {words[:200]}",
        where=path,
        hint="Put the proof in and run `lake build`; what Lake passes to Lean for this file has to be an option.",
    )


def _messages(done: Finished) -> tuple[Message, ...]:
    """The messages that Lean wrote as JSON, one a line."""
    found = []
    for line in done.output.splitlines():
        if line.startswith("{"):
            with suppress(ValueError, RecursionError, MalformedReply):
                found.append(parse(Message, json.loads(line)))
    return tuple(found)


def _summed(entries: Sequence[Entries]) -> tuple[Entries, ...]:
    """Each extension once: a compiled `module` has several parts."""
    counts: Counter[str] = Counter()
    for one in entries:
        counts[one.name] += one.entries
    return tuple(Entries(name, count) for name, count in sorted(counts.items()))


def _overlay(program: GateProgram, here: Mapping[str, Path], folder: Path) -> tuple[Path, ...]:
    """Where compiled modules are, those in `here` in place of Lake's: Lean takes a whole library from one folder."""
    path = []
    for number, library in enumerate(program.path):
        if library not in program.own:
            path.append(library)
            continue
        copy = folder / str(number)
        for at, _, names in os.walk(library):
            inside = copy / Path(at).relative_to(library)
            inside.mkdir(parents=True)
            for name in names:
                if name.endswith(_PARTS):
                    (inside / name).symlink_to(Path(at, name))
        path.append(copy)
    for module, file in here.items():
        for suffix in _PARTS:
            theirs, made = module_file(module, suffix), file.with_suffix(suffix)
            for library, copy in zip(program.path, path, strict=True):
                if library in program.own:
                    (copy / theirs).unlink(missing_ok=True)
                    if made.is_file():
                        (copy / theirs).parent.mkdir(parents=True, exist_ok=True)
                        (copy / theirs).symlink_to(made)
    return tuple(path)
