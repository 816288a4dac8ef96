"""A session over the user's own Lean: the community REPL, with our own record of what was made.

A process imports one header, as the file has it, and never a second one: Lean keeps what it has imported. The REPL
knows commands and tactics; files, batches, the kind of a sorry, limits and fingerprints are put together here from
those two. A tactic ends by heartbeats. What they miss runs out of a generous time and costs the process; states are
then made again on the next one (`Journal`), and the tactic is a failed tactic.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

from orchestrator.errors import RequestRefused, SessionClosed, SessionDied, SessionError, SessionTimeout
from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.native.focus import SingleGoals
from orchestrator.lean.native.journal import Journal
from orchestrator.lean.native.queries import Questions, axioms_in
from orchestrator.lean.native.repl import Repl
from orchestrator.lean.native.replies import OpenSorry, messages_of, scope_of, sorries_in, tactic_reply, uses_sorry
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    Declaration,
    Describe,
    DescribeReply,
    File,
    Forget,
    ForgetReply,
    KnownNames,
    KnownNamesReply,
    LibraryConstants,
    Mentions,
    MentionsReply,
    Message,
    Reply,
    Request,
    Severity,
    Sorry,
    TacticReply,
    Tactics,
    TacticsReply,
    errors_in,
)
from orchestrator.lean.session import CompiledProject
from orchestrator.source.commands import Piece, command_words, cut, declared_names, scope_ends
from orchestrator.source.header import parse_header
from orchestrator.source.lexer import LineIndex
from orchestrator.source.scan import SorryCandidate, scan

_DEFAULT_HEARTBEATS = 200_000
"""The REPL gives every tactic this many, whatever options say: `set_option` inside a proof changes nothing."""
_HEARTBEATS_A_MILLISECOND = 40
_LEAST_SECONDS = 30.0
"""The least wall time that a tactic gets; heartbeats should end it earlier."""
_WITHIN = (
    "run_tac do match Lean.Parser.runParserCategory (← Lean.getEnv) `tactic {text} with "
    "| .ok s => withTheReader Lean.Core.Context (fun c => {{ c with maxHeartbeats := {heartbeats}000 }}) "
    "(Lean.Elab.Tactic.evalTactic s) | .error e => throwError e"
)
"""A tactic with a limit of its own, where the header brings Lean's tactic framework."""
_PROPOSITION = "refine Classical.byContradiction ?_"
_TOO_MANY_ENDS = "unexpected `end`: no section or namespace is open here"


class BuiltElsewhere:
    """A Lake project that somebody else builds: neither what Lake said of its sorries is known nor what it compiled."""

    async def sorries(self) -> frozenset[str]:
        return frozenset()

    async def digest(self, module: str) -> str:
        return ""


class NativeSession:
    """A `Session` over one REPL at a time, which `start` starts, and a spare one where processes break and `has_room`.

    A process whose private memory has grown beyond `limit_megabytes` is replaced between pieces of work.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[Repl]],
        *,
        compiled: CompiledProject | None = None,
        limit_megabytes: float = 8000.0,
        meter: LeanMeter | None = None,
        has_room: Callable[[], bool] = lambda: False,
    ) -> None:
        self.compiled = compiled or BuiltElsewhere()
        self._meter = meter or LeanMeter()
        self._journal = Journal(self._counted(start), has_room)
        self._second = Journal(self._counted(start))
        self._questions = Questions(self._journal, self._second)
        self._goals = SingleGoals(self._journal)
        self._limit_megabytes = limit_megabytes
        self._generation = 1
        self._header: tuple[str, int] | None = None
        self._sets_heartbeats: bool | None = None
        self._closed = False

    @property
    def generation(self) -> int:
        """A process that was replaced with all its states does not count."""
        return self._generation

    @property
    def pid(self) -> int | None:
        """Process id of the REPL, None when none runs."""
        return self._journal.pid

    @property
    def private_megabytes(self) -> float:
        """Memory that the REPL shares with no other process, MB; 0 when none runs."""
        return self._journal.private_megabytes

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        if self._closed:
            raise SessionClosed("The Lean session is closed")
        deadline = asyncio.get_running_loop().time() + timeout
        try:
            with self._meter.running():
                return await self._answer(request, deadline)
        except (SessionError, asyncio.CancelledError):
            await self.kill()
            raise

    async def recycle_if_grown(self) -> bool:
        """End the process if it has grown beyond its limit; true when it was. What it held is made again on demand."""
        await self._second.drop_process()
        if self._journal.private_megabytes > self._limit_megabytes:
            await self._journal.drop_process()
            return True
        return False

    async def kill(self) -> None:
        """End the process at once, and forget what it held."""
        self._generation += 1
        self._header = self._sets_heartbeats = None
        self._questions.clear()
        self._goals.clear()
        for journal in (self._journal, self._second):
            journal.clear()
            await journal.end()

    async def close(self) -> None:
        """End the process."""
        self._closed = True
        await self._second.end()
        await self._journal.end()

    def _counted(self, start: Callable[[], Awaitable[Repl]]) -> Callable[[], Awaitable[Repl]]:
        async def started() -> Repl:
            self._meter.count_start()
            return await start()

        return started

    async def _answer(self, request: Request, deadline: float) -> Reply:
        match request:
            case Command():
                return await self._command(request, deadline)
            case File():
                return await self._file(request, deadline)
            case Tactics():
                return await self._tactics(request, deadline)
            case Describe():
                return await self._describe(request, deadline)
            case Forget():
                self._journal.forget(request.envs, request.proof_states_from)
                self._goals.forget(request.proof_states_from)
                return ForgetReply(ok=True)
            case Mentions():
                return MentionsReply(await self._questions.mentions(request.proof_state, deadline=deadline))
            case LibraryConstants():
                return await self._questions.premises(request, deadline=deadline)
            case KnownNames():
                return KnownNamesReply(await self._questions.known(request.names, request.env, deadline=deadline))
            case _:
                raise RequestRefused("The REPL neither compares nor exports nor judges", where=type(request).__name__)

    async def _command(self, request: Command, deadline: float) -> CommandReply:
        if request.env is not None:
            reply = await self._limited(request.cmd, 0, request.env, request.limits.milliseconds, deadline)
            return await self._with_declarations(request.cmd, reply, deadline)
        end = parse_header(request.cmd).end
        header = request.cmd[:end]
        if self._header is None or self._header[0] != header:
            if self._header is not None:
                await self.kill()
            base, answer = await self._journal.command(header, None, deadline=deadline, keep=True)
            if errors := errors_in(messages_of(answer, lambda position: position)):
                self._header = None
                raise RequestRefused(f"Lean refused a request: {errors[0].text}", where="Command")
            self._header = header, base
        base = self._header[1]
        if not request.cmd[end:].strip():
            return CommandReply(env=base)
        return await self._limited(request.cmd, end, base, request.limits.milliseconds, deadline)

    async def _file(self, request: File, deadline: float) -> CommandReply:
        opening = "noncomputable section" if request.noncomputable else "section"
        opening = "\n".join((opening, *request.settings))
        opened, _ = await self._journal.command(opening, request.env, deadline=deadline)
        end = parse_header(request.text).end
        reply = await self._limited(request.text, end, opened, request.limits.milliseconds, deadline)
        if reply.interrupted or reply.env is None:
            return reply
        closing = f"{scope_ends(request.text[end:])}\nend"
        closed, answer = await self._journal.command(closing, reply.env, deadline=deadline)
        commands = command_words(request.text, end)
        if errors_in(messages_of(answer, lambda position: position)) and not reply.errors:
            last = LineIndex(request.text).position(len(request.text))
            reply = replace(reply, messages=(*reply.messages, Message(Severity.ERROR, _TOO_MANY_ENDS, last)))
        return replace(reply, env=closed, commands=commands)

    async def _limited(self, text: str, start: int, env: int, milliseconds: int, deadline: float) -> CommandReply:
        """Elaborate within a limit: beyond it the reply is `interrupted`, and nothing was made."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        latest = min(deadline, began + milliseconds / 1000) if milliseconds else deadline
        try:
            reply = await self._elaborate(text, start, env, latest)
        except SessionTimeout:
            if latest == deadline:
                raise
            await self._journal.drop_process()
            reply = CommandReply(env=env, interrupted=True)
        return replace(reply, milliseconds=int((loop.time() - began) * 1000))

    async def _elaborate(self, text: str, start: int, env: int, deadline: float) -> CommandReply:
        words = tuple(word for word in scan(text) if word.offset >= start)
        pieces = cut(text, (word.offset for word in words), start)
        reply = await self._pieces(text, pieces, words, env, deadline)
        if reply.errors and len(pieces) > 1:
            # The text may have been cut where no command ends; Lean decides.
            return await self._pieces(text, (Piece(start, len(text)),), words, env, deadline)
        return reply

    async def _pieces(
        self, text: str, pieces: tuple[Piece, ...], words: tuple[SorryCandidate, ...], env: int, deadline: float
    ) -> CommandReply:
        lines = LineIndex(text)
        messages: list[Message] = []
        sorries: list[Sorry] = []
        for piece in pieces:
            if not text[piece.start : piece.end].strip():
                continue
            here = tuple(word for word in words if piece.start <= word.offset < piece.end)
            shifted = _shift(lines.position(piece.start))
            after, reply = await self._journal.command(
                text[piece.start : piece.end], env, deadline=deadline, tactics=bool(here)
            )
            found = messages_of(reply, shifted)
            messages.extend(found)
            if here:
                command = lines.span(piece.start, piece.start + len(text[piece.start : piece.end].rstrip()))
                declared = {lines.position(word.offset): word.declaration for word in here}
                left = sorries_in(reply, shifted, {lines.position(w.offset): w.word for w in here})
                sorries += [await self._sorry(one, command, env, declared, deadline) for one in left]
            env = after
            if len(pieces) > 1 and errors_in(found):
                break
        return CommandReply(env=env, messages=tuple(messages), sorries=tuple(sorries))

    async def _sorry(
        self, sorry: OpenSorry, command: SourceSpan, before: int, declared: dict[Position, str], deadline: float
    ) -> Sorry:
        probe = await self._journal.step(sorry.state, _PROPOSITION, deadline=deadline)
        goals = 1
        if sorry.syntax == "stop":
            goals = len((await self._journal.step(sorry.state, "skip", deadline=deadline)).get("goals", [""]))
        _, where = await self._journal.command("#where", before, deadline=deadline)
        namespace, opens = scope_of(where)
        # A sorry inside a longer one, such as `sorryAx …`, has no word of its own.
        declaration = sorry.declaration or declared.get(sorry.span.start, "")
        return Sorry(
            goal=sorry.goal,
            span=sorry.span,
            proof_state=sorry.state,
            command=command,
            before=before,
            syntax=sorry.syntax,
            is_prop="message" not in probe,
            declaration=declaration,
            namespace=namespace,
            opens=opens,
            goals=goals,
        )

    async def _with_declarations(self, text: str, reply: CommandReply, deadline: float) -> CommandReply:
        names = declared_names(text)
        if reply.interrupted or reply.errors or reply.env is None or not names:
            return reply
        asked = "\n".join(f"#print axioms {name}" for name in names)
        _, answer = await self._journal.command(asked, reply.env, deadline=deadline)
        own = any(uses_sorry(message) for message in reply.messages)
        made = tuple(
            Declaration(name, "", axioms, "sorryAx" in axioms, own and "sorryAx" in axioms)
            for name, axioms in axioms_in(answer, names).items()
        )
        return replace(reply, declarations=made, commands=command_words(text))

    async def _tactics(self, request: Tactics, deadline: float) -> TacticsReply:
        loop = asyncio.get_running_loop()
        latest = loop.time() + request.budget_milliseconds / 1000 if request.budget_milliseconds else float("inf")
        results: list[TacticReply] = []
        for tactic in request.tactics:
            if loop.time() >= latest:
                break
            results.append(await self._tactic(tactic, request, deadline))
            if request.stop_on_success and results[-1].completed:
                break
        return TacticsReply(tuple(results))

    async def _tactic(self, tactic: str, request: Tactics, deadline: float) -> TacticReply:
        loop = asyncio.get_running_loop()
        limits = request.limits
        # Making the state again after a restart is not the tactic's time.
        await self._journal.ready(request.proof_state, deadline=deadline)
        text, behind = await self._goals.chosen(tactic, request.proof_state, request.goal, deadline=deadline)
        text = await self._within(text, request, deadline)
        began = loop.time()
        seconds = max(_LEAST_SECONDS, 4 * limits.milliseconds / 1000)
        latest = min(deadline, began + seconds) if limits.milliseconds else deadline
        try:
            reply = await self._journal.step(request.proof_state, text, deadline=latest)
        except (SessionDied, SessionTimeout) as error:
            if isinstance(error, SessionTimeout) and latest == deadline:
                raise
            await self._journal.drop_process()
            reply = {"message": f"Lean broke on it: {error.what}"}
        reply = self._goals.shown(reply, behind, admits=bool(scan(tactic)))
        return tactic_reply(tactic, reply, int((loop.time() - began) * 1000))

    async def _within(self, text: str, request: Tactics, deadline: float) -> str:
        """A tactic that ends by heartbeats within the limits, as far as this Lean can be told to."""
        limits = request.limits
        asked = [n for n in (limits.heartbeats, limits.milliseconds * _HEARTBEATS_A_MILLISECOND) if n]
        heartbeats = min(asked, default=_DEFAULT_HEARTBEATS)
        if heartbeats == _DEFAULT_HEARTBEATS:
            return text
        if self._sets_heartbeats is None:
            probe = _WITHIN.format(text='"skip"', heartbeats=heartbeats)
            reply = tactic_reply("", await self._journal.step(request.proof_state, probe, deadline=deadline), 0)
            self._sets_heartbeats = not reply.failed
        if not self._sets_heartbeats:
            return text
        return _WITHIN.format(text=json.dumps(text, ensure_ascii=False), heartbeats=heartbeats)

    async def _describe(self, request: Describe, deadline: float) -> DescribeReply:
        milliseconds = request.limits.milliseconds
        latest = asyncio.get_running_loop().time() + milliseconds / 1000 if milliseconds else deadline
        if request.base not in self._journal.chain(request.env):
            raise RequestRefused("Lean refused a request: one environment does not grow from the other")
        return await self._questions.describe(request, deadline=min(deadline, latest))


def _shift(start: Position) -> Callable[[Position], Position]:
    """From positions in a piece to positions in the text; the piece starts at `start`."""

    def shifted(position: Position) -> Position:
        column = position.column + (start.column if position.line == 1 else 0)
        return Position(position.line + start.line - 1, column)

    return shifted
