"""Statements and proofs of tickets, looked at by a real Lean in the project they are for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

from orchestrator.errors import MarketplaceError, PatchError, RequestRefused, SessionError
from orchestrator.goal import Goal, Position
from orchestrator.helpers import HelperLemma, short_name, stub_text, universes, with_helpers
from orchestrator.lean.extraction import extract, goals_of
from orchestrator.lean.protocol import Command, CommandReply, Describe, Limits
from orchestrator.lean.session import ask
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.ticket_records import Ticket, TicketPlace
from orchestrator.market.checker import Judged, Statement
from orchestrator.market.statements import (
    accessible,
    closed,
    colon,
    instances,
    proposition,
    signature_of,
    written_proof,
)
from orchestrator.normalize import goal_hash
from orchestrator.patch import splice
from orchestrator.source import Project, SourceModule
from orchestrator.verify import Gate, OpenWorkspace, suffixes

PROBE = "market_probe"
_SCRATCH = "Market"
# The text of a statement that depends on nothing but the statement.
_CANONICAL = "".join(
    f"set_option {option} in "
    for option in ("pp.fullNames true", "pp.explicit true", "pp.notation false", "pp.maxSteps 100000", "pp.proofs true")
)
_STRICT = "set_option autoImplicit false in "
_SECONDS = 30.0


class Workspaces(Protocol):
    """Hands out workspaces, one holder each, such as `orchestrator.lean.pool.Pool`."""

    project: Project

    def workspace(self, module: str = "") -> AbstractAsyncContextManager[Workspace]:
        """Hold one."""


@dataclass(frozen=True, slots=True)
class Stub:
    """A project that ends with a ticket's lemma, its proof left open.

    Attributes:
        project: the files that the lemma's file imports, and that file down to the lemma.
        module: that file.
        text: its text without the open lemma.
    """

    project: Project
    module: SourceModule
    goal_name: str
    text: str


class LeanChecker:
    """A `LemmaChecker` on a real Lean.

    Args:
        pool: workspaces over the project.
        open_workspace: gives the gate a workspace on a process of its own.
        goals: the open places of the project.
        lean: which Lean it is, as a part of environments.
    """

    def __init__(
        self, pool: Workspaces, open_workspace: OpenWorkspace, goals: Sequence[Goal] = (), *, lean: str = ""
    ) -> None:
        self._pool = pool
        self._project = pool.project
        self._open = open_workspace
        self._goals = {goal.declaration: goal for goal in goals}
        self._lean = lean

    async def elaborate(self, goal: str, place: TicketPlace) -> Statement:
        """See `LemmaChecker.elaborate`."""
        if not goal.strip():
            raise MarketplaceError("the statement is empty")
        signature = " ".join(signature_of(goal).split())
        _checked(signature)
        async with self._at(place) as (workspace, env):
            return await self._probe(workspace, env, signature, place)

    async def judge(self, ticket: Ticket, proof: str, premises: Sequence[Ticket] = ()) -> Judged:
        """See `LemmaChecker.judge`."""
        try:
            written = written_proof(proof)
        except MarketplaceError as error:
            return Judged(refusal=error.what)
        if written.signature:
            try:
                claimed = await self.elaborate(written.signature, ticket.place)
            except MarketplaceError as error:
                return Judged(refusal=f"its statement does not elaborate: {error.what}")
            if claimed.digest != ticket.digest:
                return Judged(refusal=f"it proves another statement: {proposition(claimed.signature)}")
        script = written.script
        short = short_name(ticket.name, ticket.place.namespace)
        helper = HelperLemma(ticket.name, short, ticket.signature, script, ticket.place.file, Position(1, 0))
        problem = helper.problem()
        if problem:
            return Judged(refusal=problem)
        stub = self.stub(ticket, premises)
        try:
            async with self._open(stub.project, "") as workspace:
                original = await extract(workspace, stub.project.modules)
        except (SessionError, RequestRefused) as error:
            return Judged(refusal=str(error))
        places = [goal for goal in original.goals if goal.module == stub.module.name][-1:]
        if not places or places[0].span is None:
            problems = "; ".join(problem.message for problem in original.problems)
            return Judged(refusal=f"its statement does not stand in its place any more: {problems}")
        patched = splice(stub.module.text, places[0].span, script, places[0].kind)
        report = await Gate(stub.project, original, self._open).verify({stub.module.path: patched})
        if report.accepted and all(not v.rests_on for v in report.verdicts):
            return Judged(script=script)
        errors = [message.text for messages in report.errors.values() for message in messages]
        reasons = [verdict.reason for verdict in report.verdicts if verdict.reason]
        rests = [f"it rests on {', '.join(v.rests_on)}, which has a sorry" for v in report.verdicts if v.rests_on]
        unlike = [words for found in report.differences.values() for words in found]
        words = [*errors, *reasons, *rests, *unlike, "it leaves its sorry in place"]
        return Judged(refusal=words[0][:500])

    async def closes(self, goal: Statement, found: Ticket, place: TicketPlace) -> str:
        """See `LemmaChecker.closes`."""
        probe = _probe_name(place)
        name = f"{_probe_name(found.place)}_found"
        lemma = f"{_STRICT}theorem {name}{universes(found.signature)} {found.signature} := by sorry\n"
        async with self._at(place) as (workspace, env):
            made = await self._ask(workspace, lemma, env)
            if made.errors or made.env is None:
                return ""
            head = f"{_STRICT}theorem {probe}{universes(goal.signature)} {goal.signature} := by"
            for by, tactic in (
                ("exact", f"exact {name} .."),
                ("apply", f"apply {name} <;> assumption"),
                ("apply", f"exact ({name} ..).symm"),
            ):
                reply = await self._ask(workspace, f"{head}\n  intros\n  {tactic}", made.env)
                if not reply.errors and not reply.sorries:
                    return by
        return ""

    def environment(self, place: TicketPlace) -> str:
        """See `LemmaChecker.environment`."""
        digest = self._project.environment_digest(place.module) if place.module in self._project.by_name else ""
        return hashlib.sha256(f"{self._lean}\x00{digest}\x00{place.imports}".encode()).hexdigest()

    def helper(self, ticket: Ticket) -> HelperLemma:
        """A completed ticket's lemma in its place.

        Raises:
            MarketplaceError: the place is not in the project any more.
        """
        goal = self._goals.get(ticket.place.declaration)
        if goal is None or goal.command is None:
            raise MarketplaceError(f"`{ticket.place.declaration}` has no open place any more")
        return HelperLemma(
            name=ticket.name,
            short=short_name(ticket.name, ticket.place.namespace),
            signature=ticket.signature,
            script=ticket.script,
            file=goal.file,
            before=goal.command.start,
            ticket=ticket.ticket_id,
        )

    def helper_at(self, ticket: Ticket, goal: Goal, *, copy: bool = False) -> HelperLemma:
        """A completed ticket's lemma in front of `goal`'s declaration; a copy gets a name of its own."""
        assert goal.command is not None
        name = f"{goal.declaration}_{ticket.name.rpartition('.')[2]}" if copy else ticket.name
        return HelperLemma(
            name=name,
            short=short_name(name, place_of(goal, self._project).namespace),
            signature=ticket.signature,
            script=ticket.script,
            file=goal.file,
            before=goal.command.start,
            ticket=ticket.ticket_id,
        )

    def stub(self, ticket: Ticket, premises: Sequence[Ticket] = ()) -> Stub:
        """The project with a ticket's lemma at its end, its proof left open.

        Raises:
            MarketplaceError: the place is not in the project any more.
        """
        place = ticket.place
        short = short_name(ticket.name, place.namespace)
        if place.module not in self._project.by_name:
            project, module = _scratch(self._project, place)
            head = module.text
        else:
            module = self._project.by_name[place.module]
            modules = (*self._project.closure(place.module), module)
            project = replace(self._project, modules=modules, problems=())
            head = module.text.rstrip() + "\n\n"
            if place.declaration:
                goal = self._goals.get(place.declaration)
                if goal is None or goal.command is None:
                    raise MarketplaceError(f"`{place.declaration}` has no open place any more", where=place.file)
                lines = module.text.split("\n")[: goal.command.start.line - 1]
                last = module.text.split("\n")[goal.command.start.line - 1][: goal.command.start.column]
                head = "\n".join([*lines, last])
            else:
                short = f"_root_.{ticket.name}"
                head += "".join(f"open {name}\n" for name in place.opens)
        text = head + "".join(self._premise(premise, place) for premise in premises)
        stubbed = replace(module, text=text + stub_text(short, ticket.signature) + "\n")
        return Stub(_with(project, stubbed), stubbed, ticket.name, text)

    async def stub_goal(self, ticket: Ticket, stub: Stub, difficulty: Callable[[str], float]) -> Goal:
        """The open place of a stub, as a goal named after its ticket.

        Raises:
            MarketplaceError: the statement does not stand in its place any more.
            SessionError: the session broke.
        """
        async with _variant(self._pool, stub.project, stub.module.name) as workspace:
            elaborated = await workspace.load(stub.module.name)
        last = stub.module.text.count("\n")
        places = [sorry for sorry in elaborated.reply.sorries if sorry.span.start.line == last]
        if elaborated.errors or elaborated.blocked_by or not places:
            words = elaborated.errors[0].text if elaborated.errors else "it is not found"
            raise MarketplaceError(f"the statement does not stand in its place any more: {words}")
        (goal,) = goals_of(stub.module, places, difficulty)
        return replace(goal, id=ticket.ticket_id)

    @staticmethod
    def _premise(ticket: Ticket, place: TicketPlace) -> str:
        short = short_name(ticket.name, place.namespace)
        return HelperLemma(ticket.name, short, ticket.signature, ticket.script, place.file, Position(1, 0)).text

    @asynccontextmanager
    async def _at(self, place: TicketPlace) -> AsyncIterator[tuple[Workspace, int]]:
        """A workspace, and the environment of a place on it.

        Raises:
            MarketplaceError: there is no such place, or its file does not elaborate.
        """
        known = place.module in self._project.by_name
        if place.module and not known:
            raise MarketplaceError(f"the project has no module {place.module}")
        try:
            if not known:
                project, module = _scratch(self._project, place)
                async with _variant(self._pool, project, module.name) as workspace:
                    elaborated = await workspace.load(module.name)
                    if elaborated.errors:
                        raise MarketplaceError(elaborated.errors[0].text, where="the imports and opens of the request")
                    yield workspace, await self._opened(workspace, elaborated.env, place)
                return
            async with self._pool.workspace(place.module) as workspace:
                elaborated = await workspace.load(place.module)
                if elaborated.errors or elaborated.blocked_by:
                    raise MarketplaceError(f"{place.module} does not elaborate", where=place.file)
                marks = workspace.highest_env, workspace.highest_proof_state
                env = elaborated.env
                if place.declaration:
                    found = [s.before for s in elaborated.reply.sorries if s.declaration == place.declaration]
                    if not found or found[0] is None:
                        raise MarketplaceError(f"`{place.declaration}` has no open place", where=place.file)
                    env = found[0]
                else:
                    env = await self._opened(workspace, env, place)
                try:
                    yield workspace, env
                finally:
                    with suppress(SessionError):
                        if workspace.holds_process():
                            await workspace.forget_after(env=marks[0], proof_state=marks[1])
        except RequestRefused as error:
            raise MarketplaceError(error.what) from error

    async def _opened(self, workspace: Workspace, env: int, place: TicketPlace) -> int:
        """The environment with the namespaces of a place open.

        Raises:
            MarketplaceError: there is no such namespace.
        """
        if not place.opens:
            return env
        reply = await self._ask(workspace, f"open {' '.join(place.opens)}", env)
        if reply.errors or reply.env is None:
            raise MarketplaceError(_first_error(reply), where=f"open {' '.join(place.opens)}")
        return reply.env

    async def _probe(self, workspace: Workspace, env: int, signature: str, place: TicketPlace) -> Statement:
        """Elaborate a signature and read its texts.

        Raises:
            MarketplaceError: Lean does not take it.
        """
        said = f"{universes(signature)} {signature} := by\n  intros\n  sorry\n"
        name = _probe_name(place)
        source = f"{_STRICT}theorem {name}{said}{_STRICT}{_CANONICAL}theorem {name}_text{said}"
        reply = await self._ask(workspace, source, env)
        if reply.errors or reply.env is None:
            raise MarketplaceError(f"Lean does not take the statement: {_first_error(reply)}", where=signature)
        if len(reply.commands) not in (2, 3) or len(reply.sorries) != 2:
            raise MarketplaceError("the statement is more than a statement, or holds a sorry", where=signature)
        described = await workspace.same_process(
            ask(workspace.session, Describe(env=reply.env, base=env), timeout=2 * _SECONDS)
        )
        (facts,) = (f for f in described.declarations.values() if f.user_name.rpartition(".")[2] == PROBE)
        negations = [f"¬ ({proposition(signature)})"]
        if proposition(signature).startswith("¬"):
            negations.append(proposition(signature)[1:].strip())
        hashes = [await self._hash_of(workspace, env, f": {other}", name) for other in negations]
        shown = closed(accessible(reply.sorries[0].goal), all_facts=True)
        refuted = await self._refuted(workspace, env, signature, name, instances(shown))
        return Statement(
            signature=signature,
            text=reply.sorries[0].goal,
            hash=goal_hash(reply.sorries[1].goal),
            digest=hashlib.sha256(facts.type.encode()).hexdigest(),
            negation=tuple(found for found in hashes if found),
            refuted=refuted,
        )

    async def _hash_of(self, workspace: Workspace, env: int, signature: str, name: str) -> str:
        source = f"{_STRICT}{_CANONICAL}theorem {name}{universes(signature)} {signature} := by\n  intros\n  sorry\n"
        reply = await self._ask(workspace, source, env)
        return "" if reply.errors or len(reply.sorries) != 1 else goal_hash(reply.sorries[0].goal)

    async def _refuted(self, workspace: Workspace, env: int, signature: str, name: str, values: Sequence[str]) -> str:
        head = f"{_STRICT}theorem {name}{universes(signature)} : ¬ ({proposition(signature)}) := by\n  "
        tactics = ["decide", "intro h; simp at h"]
        tactics += [f"intro h; exact absurd (h {chosen}) (by decide)" for chosen in values]
        for tactic in tactics:
            reply = await self._ask(workspace, head + tactic, env, seconds=5.0)
            if not reply.errors and not reply.sorries and not reply.interrupted:
                return tactic
        return ""

    async def _ask(self, workspace: Workspace, source: str, env: int, *, seconds: float = _SECONDS) -> CommandReply:
        request = Command(source, env=env, limits=Limits(milliseconds=int(seconds * 1000)))
        reply = await workspace.same_process(ask(workspace.session, request, timeout=2 * seconds + 10))
        workspace.note(reply)
        return reply


@asynccontextmanager
async def _variant(pool: Workspaces, project: Project, module: str) -> AsyncIterator[Workspace]:
    async with pool.workspace(module) as held:
        marks = held.highest_env, held.highest_proof_state
        variant = held.variant(project)
        try:
            yield variant
        finally:
            held.adopt(variant)
            with suppress(SessionError):
                if held.holds_process():
                    await held.forget_after(env=marks[0], proof_state=marks[1])


def place_of(goal: Goal, project: Project) -> TicketPlace:
    """In front of the declaration that a goal stands in."""
    assert goal.command is not None
    lines = project.by_name[goal.module].text.split("\n")[goal.command.start.line - 1 : goal.command.end.line]
    written = next((s for s in suffixes(goal.declaration) if _mentions(lines, s)), "")
    outer = goal.declaration.removesuffix(written).rstrip(".") if written else goal.context.namespace
    return TicketPlace(
        module=goal.module,
        file=goal.file,
        declaration=goal.declaration,
        namespace=outer,
        prefix=written.rpartition(".")[0],
        opens=goal.context.opens,
        imports=goal.context.imports,
    )


def _mentions(lines: Sequence[str], name: str) -> bool:
    spelled = re.compile(rf"(?<![\w.'»]){re.escape(name)}(?![\w.'«])")
    return any(spelled.search(line) for line in lines)


def _probe_name(place: TicketPlace) -> str:
    return f"{place.prefix}.{PROBE}" if place.prefix else PROBE


def _scratch(project: Project, place: TicketPlace) -> tuple[Project, SourceModule]:
    """A file of its own for a statement that belongs to no file of the project."""
    header = "".join(f"import {name}\n" for name in place.imports)
    opens = "".join(f"open {name}\n" for name in place.opens)
    module = SourceModule(_SCRATCH, f"{_SCRATCH}.lean", header + opens, place.imports)
    kept = {m.name for name in place.imports if name in project.by_name for m in project.closure(name)}
    modules = tuple(m for m in project.modules if m.name in kept or m.name in place.imports)
    return replace(project, modules=(*modules, module), problems=()), module


def _with(project: Project, module: SourceModule) -> Project:
    return replace(project, modules=tuple(module if m.name == module.name else m for m in project.modules))


def _checked(signature: str) -> None:
    """Refuse what is more than a statement before Lean sees it.

    Raises:
        MarketplaceError: it is.
    """
    if colon(signature) < 0:
        raise MarketplaceError("the statement is empty, or has no conclusion", where=signature)
    helper = HelperLemma(PROBE, PROBE, signature, "trivial", "", Position(1, 0))
    problem = helper.problem()
    if problem:
        raise MarketplaceError(problem.replace(f"`{PROBE}`: ", ""), where=signature)
    try:
        with_helpers("\n", [helper])
    except PatchError as error:
        raise MarketplaceError(str(error), where=signature) from error


def _first_error(reply: CommandReply) -> str:
    return reply.errors[0].text if reply.errors else "it gave no environment"
