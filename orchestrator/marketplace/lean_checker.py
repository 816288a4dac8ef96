"""Statements and proofs of tickets, looked at by a real Lean in the project they are for."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from orchestrator.errors import MarketplaceError, PatchError, RequestRefused, SessionError
from orchestrator.gate.gate import Gate
from orchestrator.gate.processes import OpenWorkspace
from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.goals.goal import Goal, Position
from orchestrator.goals.result import HelperLemma
from orchestrator.lean.extraction import extract, goals_of
from orchestrator.lean.pool import Pool
from orchestrator.lean.workspace import Elaborated, Workspace
from orchestrator.ledger.ticket_records import Ticket, TicketLocation
from orchestrator.marketplace.placement import location_of, scratch_file, with_module
from orchestrator.marketplace.probe import PROBE, STRICT, Judged, Statement, first_error, probe, probe_name, run
from orchestrator.marketplace.statements import proposition, signature_of, written_proof
from orchestrator.source.helper_lemmas import (
    colon,
    helper_problem,
    helper_text,
    short_name,
    stub_text,
    universes,
    with_helpers,
)
from orchestrator.source.lexer import LineIndex
from orchestrator.source.project import Project, SourceModule
from orchestrator.source.splice import splice

_WRITE = "Write a proposition, such as `∀ n : Nat, n + 0 = n`"


@dataclass(frozen=True, slots=True)
class Stub:
    """A project that ends with a ticket's lemma, its proof left open.

    `project`: the files that the lemma's file imports, and that file down to the lemma.
    """

    project: Project
    module: SourceModule


class LeanChecker:
    """Looks at statements and proofs with a Lean of the project.

    Args:
        open_workspace: gives a workspace on a process of its own.
        lean: which Lean it is, as a part of environments.
        open_gate: gives the gate its workspaces; None: as `open_workspace` does.
    """

    def __init__(
        self,
        pool: Pool,
        open_workspace: OpenWorkspace,
        goals: Sequence[Goal] = (),
        *,
        lean: str = "",
        open_gate: OpenWorkspace | None = None,
    ) -> None:
        self._pool = pool
        self._project = pool.project
        self._open = open_workspace
        self._open_gate = open_gate or open_workspace
        self._goals = {goal.declaration: goal for goal in goals}
        self._lean = lean
        self._judging = asyncio.Lock()

    async def elaborate(self, goal: str, location: TicketLocation) -> Statement:
        """Elaborate a statement where it is to stand.

        Raises MarketplaceError: Lean does not take it; the message is Lean's own.
        """
        if not goal.strip():
            raise MarketplaceError("the statement is empty", hint=_WRITE)
        signature = " ".join(signature_of(goal).split())
        _checked(signature)
        async with self._at(location) as (workspace, env):
            return await probe(workspace, env, signature, location)

    async def judge(self, ticket: Ticket, proof: str, premises: Sequence[Ticket] = ()) -> Judged:
        """Run the gate on a proof of a ticket's statement, with the lemmas of `premises` in front; one at a time.

        Raises MarketplaceError: the gate could not look at it, so that it is neither accepted nor refused.
        """
        try:
            written = written_proof(proof)
        except MarketplaceError as error:
            return Judged(refusal=error.what)
        if written.signature:
            try:
                claimed = await self.elaborate(written.signature, ticket.location)
            except MarketplaceError as error:
                return Judged(refusal=f"its statement does not elaborate: {error.what}")
            if claimed.digest != ticket.digest:
                return Judged(refusal=f"it proves another statement: {proposition(claimed.signature)}")
        script = written.script
        problem = helper_problem(_lemma(ticket, ticket.location, script))
        if problem:
            return Judged(refusal=problem)
        async with self._judging:
            try:
                return await self._judged(self.stub(ticket, premises), script)
            except SessionError as error:
                raise MarketplaceError(
                    f"the proof could not be judged: {error}",
                    where=f"ticket {ticket.ticket_id}",
                    hint="It is neither accepted nor refused: hand it in again",
                ) from error

    async def _judged(self, stub: Stub, script: str) -> Judged:
        try:
            async with self._open(stub.project) as workspace:
                original = await extract(workspace, stub.project.modules)
        except RequestRefused as error:
            return Judged(refusal=str(error))
        sorries = [goal for goal in original.goals if goal.module == stub.module.name][-1:]
        if not sorries or sorries[0].span is None:
            problems = "; ".join(problem.message for problem in original.problems)
            return Judged(refusal=f"its statement no longer elaborates where it was asked for: {problems}")
        patched = splice(stub.module.text, sorries[0].span, script, sorries[0].kind)
        report = await Gate(stub.project, original, self._open_gate).verify({stub.module.path: patched})
        if report.accepted and all(not v.rests_on for v in report.verdicts):
            return Judged(script=script)
        errors = [message.text for messages in report.errors.values() for message in messages]
        reasons = [verdict.reason for verdict in report.verdicts if verdict.reason]
        rests = [f"it rests on {', '.join(v.rests_on)}, which has a sorry" for v in report.verdicts if v.rests_on]
        unlike = [words for found in report.differences.values() for words in found]
        words = [*errors, *reasons, *rests, *unlike, "it leaves its sorry in place"]
        return Judged(refusal=words[0][:500])

    async def closes(self, goal: Statement, found: Ticket, location: TicketLocation) -> str:
        """How a ticket's lemma closes a goal: "exact", "apply", or "" when it does not."""
        probe = probe_name(location)
        name = f"{probe_name(found.location)}_found"
        lemma = f"{STRICT}theorem {name}{universes(found.signature)} {found.signature} := by sorry\n"
        async with self._at(location) as (workspace, env):
            made = await run(workspace, lemma, env)
            if made.errors or made.env is None:
                return ""
            head = f"{STRICT}theorem {probe}{universes(goal.signature)} {goal.signature} := by"
            for by, tactic in (
                ("exact", f"exact {name} .."),
                ("apply", f"apply {name} <;> assumption"),
                ("apply", f"exact ({name} ..).symm"),
            ):
                reply = await run(workspace, f"{head}\n  intros\n  {tactic}", made.env)
                if not reply.errors and not reply.sorries:
                    return by
        return ""

    def environment(self, location: TicketLocation) -> str:
        """Digest of what a statement at this location depends on."""
        digest = self._project.environment_digest(location.module) if location.module in self._project.by_name else ""
        return hashlib.sha256(f"{self._lean}\x00{digest}\x00{location.imports}".encode()).hexdigest()

    def helper(self, ticket: Ticket) -> HelperLemma:
        """A completed ticket's lemma at the location that asked for it.

        Raises MarketplaceError: the location is no longer in the project.
        """
        goal = self._goals.get(ticket.location.declaration)
        if goal is None or goal.command is None:
            raise MarketplaceError(f"`{ticket.location.declaration}` no longer has a sorry")
        return self.helper_at(ticket, goal)

    def helper_at(self, ticket: Ticket, goal: Goal, *, copy: bool = False) -> HelperLemma:
        """A completed ticket's lemma in front of `goal`'s declaration; a copy gets a name of its own."""
        assert goal.command is not None
        name = f"{goal.declaration}_{ticket.name.rpartition('.')[2]}" if copy else ticket.name
        return HelperLemma(
            name=name,
            short=short_name(name, location_of(goal, self._project).namespace),
            signature=ticket.signature,
            script=ticket.script,
            file=goal.file,
            before=goal.command.start,
            ticket=ticket.ticket_id,
        )

    def stub(self, ticket: Ticket, premises: Sequence[Ticket] = ()) -> Stub:
        """The project with a ticket's lemma at its end, its proof left open.

        Raises MarketplaceError: the location is no longer in the project.
        """
        location = ticket.location
        short = short_name(ticket.name, location.namespace)
        if location.module not in self._project.by_name:
            project, module = scratch_file(self._project, location)
            head = module.text
        else:
            module = self._project.by_name[location.module]
            modules = (*self._project.closure(location.module), module)
            project = replace(self._project, modules=modules, problems=())
            head = module.text.rstrip() + "\n\n"
            if location.declaration:
                goal = self._goals.get(location.declaration)
                if goal is None or goal.command is None:
                    raise MarketplaceError(f"`{location.declaration}` no longer has a sorry", where=location.file)
                head = module.text[: LineIndex(module.text).offset(goal.command.start)]
            else:
                short = f"_root_.{ticket.name}"
                head += "".join(f"open {name}\n" for name in location.opens)
        text = head + "".join(helper_text(_lemma(premise, location, premise.script)) for premise in premises)
        stubbed = replace(module, text=text + stub_text(short, ticket.signature) + "\n")
        return Stub(with_module(project, stubbed), stubbed)

    async def stub_goal(self, ticket: Ticket, stub: Stub) -> Goal:
        """The sorry of a stub, as a goal named after its ticket.

        Raises MarketplaceError: the statement no longer elaborates there.
        """
        async with self._pool.variant(stub.project).workspace(stub.module.name) as workspace:
            elaborated = await workspace.load(stub.module.name)
        last = stub.module.text.count("\n")
        sorries = [sorry for sorry in elaborated.reply.sorries if sorry.span.start.line == last]
        if elaborated.errors or elaborated.blocked_by or not sorries:
            words = elaborated.errors[0].text if elaborated.errors else "it is not found"
            raise MarketplaceError(f"the statement no longer elaborates where it was asked for: {words}")
        (goal,) = goals_of(stub.module, sorries, estimated_difficulty)
        return replace(goal, id=ticket.ticket_id)

    @asynccontextmanager
    async def _at(self, location: TicketLocation) -> AsyncIterator[tuple[Workspace, int]]:
        """A workspace, and the environment of a location on it.

        Raises MarketplaceError: there is no such location, or its file does not elaborate.
        """
        known = location.module in self._project.by_name
        if location.module and not known:
            hint = "Write it as an import would, such as Project.Basic"
            raise MarketplaceError(f"the project has no module {location.module}", hint=hint)
        if known:
            name, holding = location.module, self._pool.workspace(location.module)
        else:
            project, module = scratch_file(self._project, location)
            name, holding = module.name, self._pool.variant(project).workspace(module.name)
        try:
            async with holding as workspace:
                elaborated = await workspace.load(name)
                if elaborated.errors and not known:
                    raise MarketplaceError(elaborated.errors[0].text, where="the imports and opens of the request")
                if elaborated.errors or elaborated.blocked_by:
                    hint = "`orchestrator extract` says why"
                    raise MarketplaceError(f"{location.module} does not elaborate", where=location.file, hint=hint)
                async with workspace.scratch():
                    yield workspace, await self._environment(workspace, elaborated, location)
        except RequestRefused as error:
            raise MarketplaceError(error.what) from error

    async def _environment(self, workspace: Workspace, elaborated: Elaborated, location: TicketLocation) -> int:
        """The environment in front of the location's declaration, else that of the file with its namespaces open.

        Raises MarketplaceError: there is no such declaration or namespace.
        """
        if location.declaration:
            found = [s.before for s in elaborated.reply.sorries if s.declaration == location.declaration]
            if not found or found[0] is None:
                raise MarketplaceError(f"`{location.declaration}` has no sorry", where=location.file)
            return found[0]
        if not location.opens:
            return elaborated.env
        reply = await run(workspace, f"open {' '.join(location.opens)}", elaborated.env)
        if reply.errors or reply.env is None:
            raise MarketplaceError(first_error(reply), where=f"open {' '.join(location.opens)}")
        return reply.env


def _lemma(ticket: Ticket, location: TicketLocation, script: str) -> HelperLemma:
    short = short_name(ticket.name, location.namespace)
    return HelperLemma(ticket.name, short, ticket.signature, script, location.file, Position(1, 0))


def _checked(signature: str) -> None:
    """Refuse what is more than a statement before Lean sees it."""
    if colon(signature) < 0:
        raise MarketplaceError("the statement is empty, or has no conclusion", where=signature, hint=_WRITE)
    helper = HelperLemma(PROBE, PROBE, signature, "trivial", "", Position(1, 0))
    problem = helper_problem(helper)
    if problem:
        raise MarketplaceError(problem.replace(f"`{PROBE}`: ", ""), where=signature)
    try:
        with_helpers("\n", [helper])
    except PatchError as error:
        raise MarketplaceError(str(error), where=signature) from error
