"""A project on a Lean session: which environments it holds, made again when the process was replaced.

On a session that imports compiled modules, a file is elaborated on what its own header imports. On the embedded Lean,
files are fed in import order as commands on growing environments, so that macros, axioms and sorries of imported files
stay visible: a module is elaborated on an environment that holds exactly what it imports, directly or not, and the
largest environment at hand that holds nothing else is extended by what is missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from orchestrator.errors import MalformedReply, RequestRefused, SessionDied, SessionError
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Position
from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.lean.protocol import (
    Asking,
    Command,
    CommandReply,
    CompareFile,
    ComparisonReply,
    CompiledFacts,
    Describe,
    ExportConstants,
    ExportReply,
    File,
    Forget,
    JudgeConstants,
    JudgedReply,
    KnownNames,
    Limits,
    Message,
    Severity,
    errors_in,
)
from orchestrator.lean.session import ReplyT, Session, ask
from orchestrator.source.header import parse_header
from orchestrator.source.project import Project

T = TypeVar("T")

ELABORATION_SECONDS = 300.0
KILL_FACTOR = 1.2
_MORE = " (ORCH_ELABORATION_TIMEOUT gives the gate more)"
_TOP = Position(1, 0)
# Options of these change nothing but what is printed, and how goals are printed is ours to say. Where a warning is an
# error, no file with a sorry would elaborate.
_PRINTING = frozenset({"pp", "linter", "warn", "trace", "profiler", "format", "warningAsError"})
# "Unknown constant": the library's private or specialised helpers, which the embedded code generator cannot reach.
_CODE_GENERATOR_WORDS = (
    "compiler IR check failed",
    "Unknown constant `",
    "failed to compile definition",
    "code generator",
)


@dataclass(frozen=True, slots=True)
class Elaborated:
    """A module on a session: the environment it was elaborated on, the one with it, and what Lean said.

    Attributes:
        base: environment of exactly its imports.
        env: environment with the module's own declarations.
        noncomputable: the embedded Lean could not compile a definition, so the module was elaborated as
            noncomputable (in memory only).
        blocked_by: imported modules of the project that do not elaborate; the module was then not looked at.
    """

    base: int
    env: int
    reply: CommandReply
    noncomputable: bool = False
    blocked_by: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Message, ...]:
        """Lean's error messages."""
        return self.reply.errors


class Workspace:
    """The environments of one project on one session; not for concurrent use.

    A session that breaks raises `SessionError`, and what it held is replayed by the next call; an external import that
    is missing raises `RequestRefused`.
    """

    def __init__(
        self,
        session: Session,
        project: Project,
        *,
        elaboration_seconds: float = ELABORATION_SECONDS,
    ) -> None:
        self.session = session
        self.examples = False
        """Whether each `example` leaves a definition behind, so that it can be judged."""
        self.project = project
        self._seconds = elaboration_seconds
        self._generation = -1
        self._environments: dict[tuple[str, frozenset[str]], int] = {}
        self._elaborated: dict[str, Elaborated] = {}
        self._compared: dict[str, tuple[str, ComparisonReply]] = {}
        self._broken: set[str] = set()
        self.highest_proof_state = -1
        self.highest_env = -1

    def variant(self, project: Project) -> Workspace:
        """A workspace for a variant of the project on the same session, sharing the environments both have in common.

        Only one of the two may be used at a time; `adopt` what the variant made before this one goes on.
        """
        other = Workspace(self.session, project, elaboration_seconds=self._seconds)
        other.examples = self.examples
        if self._generation != self.session.generation:
            return other
        same = {
            name
            for name, module in project.by_name.items()
            if name in self.project.by_name and self.project.by_name[name].digest == module.digest
        }
        other._generation = self._generation
        other._environments = {key: env for key, env in self._environments.items() if key[1] <= same}
        if self.session.compiled is None:
            kept = {name for name in same if {one.name for one in project.closure(name)} <= same}
            other._elaborated = {name: one for name, one in self._elaborated.items() if name in kept}
            other._broken = self._broken & kept
        other.highest_env, other.highest_proof_state = self.highest_env, self.highest_proof_state
        return other

    def adopt(self, other: Workspace) -> None:
        """Take over the count of what a variant has made, so that it can be forgotten."""
        if other._generation == self._generation:
            self.highest_env = max(self.highest_env, other.highest_env)
            self.highest_proof_state = max(self.highest_proof_state, other.highest_proof_state)

    def holds(self, module: str) -> bool:
        """Whether `module` is elaborated on the session's present process."""
        return self._generation == self.session.generation and module in self._elaborated

    def has_imported(self, module: str) -> bool:
        """Whether the session's present process has imported what `module` imports."""
        return self.holds_process() and (self.header(module), frozenset()) in self._environments

    async def load(self, module: str) -> Elaborated:
        """Elaborate `module` and what it imports, unless that was done already."""
        if self._generation != self.session.generation:
            self._reset()
        if module in self._elaborated:
            return self._elaborated[module]
        env, held, blocked = await self._below(module)
        if blocked:
            elaborated = Elaborated(base=env, env=env, reply=CommandReply(env=env), blocked_by=blocked)
        else:
            elaborated = await self._file(module, env)
            if elaborated.errors:
                self._broken.add(module)
            else:
                self._environments[(self.header(module), held | {module})] = elaborated.env
        self._elaborated[module] = elaborated
        return elaborated

    async def load_imports(self, module: str) -> None:
        """Elaborate what `module` imports, unless that was done already."""
        if self._generation != self.session.generation:
            self._reset()
        await self._below(module)

    async def _below(self, module: str) -> tuple[int, frozenset[str], tuple[str, ...]]:
        """An environment with exactly what a module imports, which modules these are, and those that are broken.

        Own modules are not among them where they were imported.
        """
        held: frozenset[str] = frozenset()
        external = self.header(module)
        env = await self._library(external)
        if self.session.compiled:
            return env, held, ()
        closure = self.project.closure(module)
        for candidate, number in self._environments.items():
            if candidate[0] == external and candidate[1] <= {m.name for m in closure} and len(candidate[1]) > len(held):
                held, env = candidate[1], number
        # An environment with a broken file in it makes nonsense of what follows: nothing is elaborated on it.
        broken = tuple(one.name for one in closure if one.name in self._broken)
        if broken:
            return env, held, broken
        for dependency in closure:
            if dependency.name in held:
                continue
            done = await self._file(dependency.name, env)
            below = {one.name for one in self.project.closure(dependency.name)}
            if held == below and self.header(dependency.name) == external:
                self._elaborated[dependency.name] = done
                self._broken.update([dependency.name] if done.errors else [])
            if done.errors:
                return env, held, (dependency.name,)
            held, env = held | {dependency.name}, done.env
            self._environments[(external, held)] = env
        return env, held, ()

    async def compare(self, module: str, patched: str) -> tuple[Elaborated, ComparisonReply]:
        """Elaborate a module as it is, and parse `patched` beside it, command by command, running nothing of it.

        What was compared last is not compared again.

        Raises RequestRefused: what the module imports cannot be had, or this Lean cannot do it.
        """
        if self._generation != self.session.generation:
            self._reset()
        if module in self._compared and self._compared[module][0] == patched:
            return self._elaborated[module], self._compared[module][1]
        env, held, blocked = await self._below(module)
        request = self._request(module, env)
        for noncomputable in (False, True):
            asked = CompareFile(replace(request, noncomputable=noncomputable), patched.replace("\r\n", "\n"))
            found = await self._ask(asked, KILL_FACTOR)
            self.highest_env = max(self.highest_env, found.env)
            if not _fails_to_compile(found.original):
                break
        said = CommandReply(env=found.env, messages=found.original)
        elaborated = Elaborated(env, found.env, said, noncomputable=noncomputable, blocked_by=blocked)
        self._elaborated[module] = elaborated
        self._compared[module] = (patched, found)
        if not elaborated.errors and not blocked:
            self._environments[(self.header(module), held | {module})] = found.env
        return elaborated, found

    async def export(self, module: str) -> ExportReply:
        """What `module` makes, as data: its constants in the format of lean4export, its attributes and entries."""
        elaborated = await self.load(module)
        request = ExportConstants(elaborated.env, elaborated.base, limits=self._no_heartbeats())
        return await self._ask(request, KILL_FACTOR)

    async def export_whole(self, env: int, base: int) -> tuple[str, ...]:
        """Every constant of `env` that `base` has not, with all that they rest on: what other checkers can read."""
        request = ExportConstants(env, base, whole=True, limits=self._no_heartbeats())
        return (await self._ask(request, KILL_FACTOR)).constants

    def made_again(self, changed: Collection[str]) -> frozenset[str]:
        """Modules that have to be made again where some are changed: these, what lies between them, and on a Lean that
        imports no module of the project, all that they import."""
        if self.session.compiled is None:
            return frozenset(one.name for name in changed for one in self.project.closure(name)) | frozenset(changed)
        below = {name: {one.name for one in self.project.closure(name)} for name in self.project.by_name}
        between = {one for name in changed for one in below[name] if below[one] & set(changed)}
        return frozenset(between | set(changed))

    def imported(self, module: str, *, without: Collection[str]) -> tuple[str, ...]:
        """What a module imports, sorted, where those in `without` give way to what they import in turn.

        On a Lean that imports no module of the project, all of these give way.
        """
        if self.session.compiled is None:
            return self.project.external_imports(module)
        found, todo = set[str](), list(self.project.by_name[module].imports)
        while todo:
            name = todo.pop()
            if name in without:
                todo += self.project.by_name[name].imports
            else:
                found.add(name)
        return tuple(sorted(found))

    async def library(self, names: Sequence[str]) -> int:
        """The environment that imports bring."""
        if self._generation != self.session.generation:
            self._reset()
        return await self._library(_import_lines(names))

    async def judge(self, lines: Sequence[str], env: int) -> JudgedReply:
        """Take an export through the kernel, on environment `env`; nothing of the project is elaborated.

        Raises MalformedReply: a line is not JSON.
        """
        try:
            export = tuple(json.loads(line) for line in lines)
        except ValueError as error:
            raise MalformedReply(f"An export holds a line that is not JSON: {error}") from error
        request = JudgeConstants(export, env, limits=self._no_heartbeats())
        return await self._ask(request, KILL_FACTOR)

    def _no_heartbeats(self) -> Limits:
        return Limits(heartbeats=0, milliseconds=int(self._seconds * 1000))

    def holds_process(self) -> bool:
        """Whether what it holds is on the session's present process."""
        return self._generation == self.session.generation and self._generation > 0

    async def compiled_facts(self, names: Sequence[str]) -> dict[str, Fingerprint]:
        """What is compiled of the project and its libraries under some names, and what has a sorry below it.

        Raises RequestRefused: a module of the project is not compiled, or this Lean imports none.
        """
        env = await self.library(sorted(self.project.by_name))
        asked = tuple(name for name in names if re.fullmatch(IDENTIFIER, name))
        reply = await self._ask(CompiledFacts(asked, env), KILL_FACTOR)
        return {fact.name: fact for fact in (*reply.below, *reply.declarations)}

    async def fingerprints(self, module: str) -> dict[str, Fingerprint]:
        """Fingerprints of the declarations that `module` makes, by exact name."""
        elaborated = await self.load(module)
        request = Describe(elaborated.env, elaborated.base, limits=self._no_heartbeats())
        reply = await self._ask(request, KILL_FACTOR)
        return {fingerprint.name: fingerprint for fingerprint in reply.declarations}

    async def library_has(self, names: Sequence[str]) -> frozenset[str]:
        """Those of `names` that the imported libraries declare. What is no Lean name is not among them.

        Where own modules are imported, theirs are among them: all that the last module imports.
        """
        if self._generation != self.session.generation:
            self._reset()
        last = self.session.compiled and self.project.modules
        env = await self._library(self.header(last[-1].name) if last else _import_lines(self.project.external))
        asked = tuple(name for name in names if re.fullmatch(IDENTIFIER, name))
        return frozenset((await self._ask(KnownNames(asked, env))).known) if asked else frozenset()

    def note(self, reply: CommandReply) -> None:
        """Remember the highest ids in use, so that what is made later can be forgotten again."""
        if reply.env is not None:
            self.highest_env = max(self.highest_env, reply.env)
        for sorry in reply.sorries:
            self.highest_proof_state = max(self.highest_proof_state, sorry.proof_state)

    async def _ask(self, request: Asking[ReplyT], factor: float = 1.0) -> ReplyT:
        """The reply to a request about the present process, within the time for elaboration, times a factor."""
        return await self.same_process(ask(self.session, request, timeout=self._seconds * factor))

    async def same_process(self, reply: Awaitable[T]) -> T:
        """The reply to a request about the present process; `SessionDied` where another one answered unnoticed."""
        try:
            result = await reply
        except RequestRefused as refusal:
            if self._generation == self.session.generation:
                raise
            raise _replaced() from refusal
        if self._generation != self.session.generation:
            raise _replaced()
        return result

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[None]:
        """What is made inside the block is forgotten behind it."""
        env, state = self.highest_env, self.highest_proof_state
        try:
            yield
        finally:
            # When the process is gone, what was to be forgotten is gone with it.
            with suppress(SessionError):
                if self.holds_process():
                    await self.forget_after(env=env, proof_state=state)

    async def forget_after(self, *, env: int, proof_state: int) -> None:
        """Drop every environment above `env` and every proof state above `proof_state`."""
        made = tuple(range(env + 1, self.highest_env + 1))
        await ask(self.session, Forget(envs=made, proof_states_from=proof_state + 1), timeout=max(30.0, self._seconds))

    def _reset(self) -> None:
        self._environments.clear()
        self._elaborated.clear()
        self._compared.clear()
        self._broken.clear()
        self.highest_proof_state = -1
        self.highest_env = -1
        self._generation = self.session.generation

    def header(self, module: str) -> str:
        """What is imported for a module: by its own header, or what it and its imports take from outside."""
        if self.session.compiled is None:
            return _import_lines(self.project.external_imports(module))
        return self.project.by_name[module].header

    async def _library(self, header: str) -> int:
        key = (header, frozenset[str]())
        if key in self._environments:
            return self._environments[key]
        asked = ask(self.session, Command(header), timeout=self._seconds)
        reply = await (asked if self.session.compiled else self.same_process(asked))
        if self._generation != self.session.generation:
            # A process imports one header: this one took another's place.
            self._reset()
        words = ", ".join(parse_header(header).imports) or "its library"
        env = self._made(reply, f"Lean cannot import {words}")
        self._environments[key] = env
        return env

    def _made(self, reply: CommandReply, what: str) -> int:
        self.note(reply)
        if reply.env is None or reply.errors:
            raise RequestRefused(f"{what}: {reply.errors[0].text if reply.errors else 'no environment'}")
        return reply.env

    def _request(self, name: str, base: int) -> File:
        # Lean reads files with line feeds alone; lines and columns are the same.
        text = self.project.by_name[name].text.replace("\r\n", "\n")
        # Lean stops by itself in most cases; a process that does not is killed a little later.
        limits = Limits(milliseconds=int(self._seconds * 1000))
        options = tuple((o, v) for o, v in self.project.by_name[name].options if o.partition(".")[0] not in _PRINTING)
        return File(text, name, base, limits=limits, options=options, examples=self.examples)

    async def _file(self, name: str, base: int) -> Elaborated:
        request = self._request(name, base)
        reply = await self._ask(request, KILL_FACTOR)
        self.note(reply)
        noncomputable = False
        if _fails_to_compile(reply.messages):
            second = await self._ask(replace(request, noncomputable=True), KILL_FACTOR)
            self.note(second)
            if len(second.errors) < len(reply.errors):
                reply, noncomputable = second, True
        if reply.interrupted:
            late = Message(Severity.ERROR, f"not elaborated within {self._seconds:g} s{_MORE}", _TOP)
            reply = replace(reply, messages=(*reply.messages, late))
        if reply.env is None:
            raise RequestRefused("Lean gave no environment for a file", where=name)
        return Elaborated(base=base, env=reply.env, reply=reply, noncomputable=noncomputable)


def _import_lines(names: Iterable[str]) -> str:
    return "".join(f"import {name}\n" for name in sorted(names))


def _fails_to_compile(messages: Sequence[Message]) -> bool:
    return any(word in message.text for message in errors_in(tuple(messages)) for word in _CODE_GENERATOR_WORDS)


def _replaced() -> SessionDied:
    return SessionDied("The Lean process ended unnoticed", hint="The next request starts a new one.")
