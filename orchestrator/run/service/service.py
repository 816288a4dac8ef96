"""What agents and programs may ask of a repository: its goals, Lean's word on tactics, the gate's on proofs, lemmas.

One plain class, which MCP and HTTP call alike. Nothing here writes to a repository: what is handed in goes into the
ledger, and the next run puts what the gate has passed into its patch.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.blueprint.graph import DependencyGraph
from orchestrator.blueprint.loading import load
from orchestrator.blueprint.report import NodeLine, report
from orchestrator.blueprint.status import evaluate
from orchestrator.errors import BlueprintError, MarketplaceError, PatchError, RepositoryError
from orchestrator.gate.report import PatchReport
from orchestrator.gate.selection import verdict_on
from orchestrator.gate.service import GateService
from orchestrator.gate.verdict import Verdict
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus, Result, StrategyType
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.ledger.ticket_records import Ticket, TicketLocation, TicketRequester, TicketStatus
from orchestrator.marketplace.marketplace import LEASE_SECONDS
from orchestrator.marketplace.of_repository import RepositoryMarket
from orchestrator.premises.library import Library
from orchestrator.premises.of_project import SeenBy
from orchestrator.premises.retrieval import Ranked
from orchestrator.premises.store import nearest
from orchestrator.run.blueprint import blueprint_facts
from orchestrator.run.run import Run
from orchestrator.run.service.answers import (
    BlueprintAnswer,
    DeclarationVerdict,
    FoundPremise,
    GoalDetails,
    GoalEntry,
    GoalList,
    NodeEntry,
    RefutationAnswer,
    TacticAnswer,
    TicketEntry,
    VerdictAnswer,
)
from orchestrator.run.service.turns import Turns
from orchestrator.run.verify import patched_texts
from orchestrator.source.helper_lemmas import named_helpers
from orchestrator.source.project import excerpt
from orchestrator.source.splice import splice
from orchestrator.strategies.refute.counterexample import attempts_on, find_counterexample
from orchestrator.strategies.refute.values import declared
from orchestrator.strategies.sketch.strategy import forbidden_in, script_in
from orchestrator.strategies.suggestions import suggestions
from orchestrator.text import one_line

_HOW_TO_CLOSE = """\
Call refute first. Then work with try_tactics, several scripts at a time, until one closes it, and call submit_proof
with that script. If the gate refuses it, do what its answer says. Where a lemma is missing, call request_lemma."""

MOST_TACTICS = 64
LONGEST_TEXT = 500_000
MOST_SECONDS = 120.0
_REFUTING = "no values were found for which it is false, which proves nothing"


class Deposit(Protocol):
    """Where proofs go that were handed in."""

    async def keep(self, goal: Goal, result: Result, verdict: Verdict) -> str:
        """Keep what the gate said of a proof; where it went, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """Where premises are looked up: the library's theorems (None: not collected), and what a goal sees beside."""

    library: Library | None
    seen_by: SeenBy


class ProofService:
    """The tools of one repository at one commit, for several clients at a time.

    What goes wrong raises `OrchestratorError` with what to do next; `client` is who asks, and waits in a line of its
    own for whatever takes Lean.

    Args:
        left: by goal id, why goals are left alone.
    """

    def __init__(
        self,
        run: Run,
        gate: GateService,
        market: RepositoryMarket,
        premises: Premises,
        deposit: Deposit,
        turns: Turns,
        left: Mapping[str, str],
    ) -> None:
        self.run = run
        self._gate = gate
        self._market = market
        self._premises = premises
        self._deposit = deposit
        self._turns = turns
        self._left = left
        self._goals = {goal.id: goal for goal in run.extraction.goals}

    async def list_goals(self, text: str = "", status: str = "", offset: int = 0, limit: int = 50) -> GoalList:
        """Goals, those that are likely to be easy first; `text` is part of a name, a file or a target."""
        allowed = {one.value for one in GoalStatus}
        if status and status not in allowed:
            raise RepositoryError(
                f"no goal can be {status!r}", hint=f"Give one of {', '.join(sorted(allowed))}, or none"
            )
        statuses = await asyncio.to_thread(self._statuses)
        entries = [self._entry(goal, statuses) for goal in self._goals.values()]
        words = text.casefold()
        found = [
            entry
            for entry in entries
            if (not status or entry.status == status)
            and (not words or any(words in field.casefold() for field in (entry.declaration, entry.file, entry.target)))
        ]
        found.sort(key=lambda entry: (entry.difficulty, entry.file, entry.line))
        return GoalList(total=len(found), goals=tuple(found[offset : offset + limit]))

    async def goal(self, goal_id: str) -> GoalDetails:
        """All that is known of a goal."""
        goal = self.goal_of(goal_id)
        source, line = excerpt(self.run.project, goal)

        def look() -> GoalDetails:
            ledger = self.run.ledger
            tickets = ledger.store.tickets(repo=ledger.repo, goal_id=goal.id)
            return GoalDetails(
                entry=self._entry(goal, self._statuses()),
                state=goal.text,
                source=source,
                source_line=line,
                sorry_line=goal.span.start.line if goal.span is not None else 0,
                imports=goal.context.imports,
                premises=self._nearest(goal, goal.text, 16),
                failed=ledger.failures(goal),
                nodes=tuple(node for node in self._nodes() if goal.declaration in node.declarations),
                tickets=tuple(map(_ticket_entry, tickets)),
            )

        return await asyncio.to_thread(look)

    async def task(self, goal_id: str) -> str:
        """What is known of a goal, and what to do, as a task for an agent."""
        found = await self.goal(goal_id)
        parts = [
            f"Prove the goal {found.entry.id} of {found.entry.declaration} ({found.entry.file}).",
            f"```lean\n{found.state}\n```",
            f"Around it, from line {found.source_line} on:\n```lean\n{found.source}\n```",
        ]
        premises = (f"- {one.name} : {one.statement}" for one in found.premises)
        failed = (f"- {line}" for line in found.failed)
        for title, lines in (("Theorems that may help", premises), ("Tried without success", failed)):
            if listed := "\n".join(lines):
                parts.append(f"{title}:\n{listed}")
        return "\n\n".join((*parts, _HOW_TO_CLOSE))

    async def try_tactics(
        self, goal_id: str, scripts: Sequence[str], client: str, seconds: float = 30.0
    ) -> tuple[TacticAnswer, ...]:
        """What each script does on the goal's state, every one from the start; fewer answers when the time is up."""
        goal = self.goal_of(goal_id)
        if not 0 < len(scripts) <= MOST_TACTICS:
            raise RepositoryError(f"{len(scripts)} scripts", hint=f"Give 1 to {MOST_TACTICS} at a time")
        for script in scripts:
            _check_script(script)
        async with self._turns.taken(client), self.run.pool.open(goal) as opened:
            budget = min(seconds, MOST_SECONDS)
            limits = Limits(heartbeats=self.run.pool.limits.heartbeats, milliseconds=int(budget * 1000))
            replies = await opened.tactics(scripts, limits=limits, stop_on_success=False, budget_seconds=budget)
        return tuple(map(_tactic_answer, replies))

    async def search_premises(self, query: str, goal_id: str = "", count: int = 16) -> tuple[FoundPremise, ...]:
        """Theorems that may help with a state, a statement or a name: of the library, and what the goal sees."""
        # Of files in build order, the last one sees most.
        goal = self.goal_of(goal_id) if goal_id else next(reversed(self._goals.values()), None)
        if goal is None:
            raise RepositoryError("the repository has no goal to look premises up for")
        return await asyncio.to_thread(self._nearest, goal, query, min(count, 100))

    async def refute(self, goal_id: str, client: str, seconds: float = 10.0) -> RefutationAnswer:
        """Small values for which a goal is false, checked by Lean's kernel."""
        goal = self.goal_of(goal_id)
        kinds = declared(module.text for module in self.run.project.modules)
        async with self._turns.taken(client), self.run.pool.open(goal) as opened:
            most = min(seconds, MOST_SECONDS)
            values = await find_counterexample(attempts_on(opened), goal.text, kinds, seconds=most)
        return RefutationAnswer(
            refuted=bool(values), values=values, words=f"it is false for {values}" if values else _REFUTING
        )

    async def verify(self, client: str, *, goal_id: str = "", proof: str = "", patch: str = "") -> VerdictAnswer:
        """The gate's word on a proof of one goal, or on a patch; nothing is kept."""
        if patch and not (goal_id or proof):
            if len(patch) > LONGEST_TEXT:
                raise PatchError(f"the patch has more than {LONGEST_TEXT} characters", hint="Hand it in in parts")
            texts = await asyncio.to_thread(patched_texts, self.run.project, patch)
            self._check_elaborated(texts)
            async with self._turns.taken(client):
                return _patch_answer(await self._gate.verify(texts, named=named_helpers(patch)))
        if not goal_id or not proof or patch:
            raise PatchError("there is nothing to judge", hint="Give a goal's id and a proof of it, or a patch alone")
        goal = self.goal_of(goal_id)
        return _proof_answer(goal, await self._judged(goal, _script_of(proof), client))

    async def submit_proof(self, goal_id: str, proof: str, client: str) -> VerdictAnswer:
        """Judge a proof, and keep what the gate says: the next patch has it if it passes."""
        goal = self.goal_of(goal_id)
        if reason := self._left.get(goal.id, ""):
            hint = "list_goals with status not_tried or open names others"
            raise RepositoryError(f"{goal.declaration} is left alone: {reason}", hint=hint)
        script = _script_of(proof)
        verdict = await self._judged(goal, script, client)
        result = Result(
            success=verdict.accepted,
            strategy=StrategyType.AGENT,
            tactics=tuple(script.split("\n")),
            error=verdict.reason,
            metadata={"client": client},
        )
        kept = await self._deposit.keep(goal, result, verdict)
        return _proof_answer(goal, verdict, kept if verdict.accepted else "")

    async def list_tickets(self, status: str = "open", limit: int = 50) -> tuple[TicketEntry, ...]:
        """Lemmas that are asked for, the most urgent first; "" for those that are done, too."""
        store = self.run.ledger.store
        allowed = {one.value for one in TicketStatus}
        if status and status not in allowed:
            raise MarketplaceError(
                f"no ticket can be {status!r}", hint=f"Give one of {', '.join(sorted(allowed))}, or nothing for all"
            )
        wanted = TicketStatus(status) if status else None
        await asyncio.to_thread(store.expire_claims)
        found = await asyncio.to_thread(store.tickets, status=wanted, repo=self.run.ledger.repo, limit=limit)
        return tuple(map(_ticket_entry, found))

    async def claim_ticket(self, ticket_id: str, client: str) -> TicketEntry:
        """Take a ticket, so that nobody else works on it for a quarter of an hour."""
        market = self._market.market
        if not await market.claim_ticket(ticket_id, client):
            now = await market.get_ticket(ticket_id)
            owner = f" by {now.supplier}" if now.supplier else ""
            hint = f"Take another (list_tickets); a claim runs out after {LEASE_SECONDS / 60:.0f} minutes"
            raise MarketplaceError(f"the ticket is {now.status.value}{owner}", where=f"ticket {ticket_id}", hint=hint)
        return _ticket_entry(await market.get_ticket(ticket_id))

    async def complete_ticket(self, ticket_id: str, proof: str, client: str) -> TicketEntry:
        """Hand in a proof of a ticket that this client has claimed; the gate judges it."""
        _check_length(proof)
        async with self._turns.taken(client):
            return _ticket_entry(await self._market.market.complete_ticket(ticket_id, proof, client))

    async def request_lemma(self, statement: str, client: str, goal_id: str = "", name: str = "") -> TicketEntry:
        """Ask for a lemma, in front of the goal that needs it where one is named."""
        asked, location = TicketRequester(requester=client), TicketLocation()
        if goal_id:
            goal = self.goal_of(goal_id)
            asked = TicketRequester(requester=client, goal_id=goal.id, declaration=goal.declaration, file=goal.file)
            location = self._market.located(TicketLocation(declaration=goal.declaration))
        market = self._market.market
        async with self._turns.taken(client):
            ticket = await market.request_lemma(statement, location, name, requester=asked)
        return _ticket_entry(await market.get_ticket(ticket))

    async def blueprint_status(self) -> BlueprintAnswer:
        """What of the blueprint is not done, and what can be begun now."""
        return await asyncio.to_thread(self._blueprint)

    async def source(self, path: str) -> str:
        """The text of a Lean file of the project."""
        module = self.run.project.by_path.get(path)
        if module is None:
            close = difflib.get_close_matches(path, self.run.project.by_path, n=3)
            hint = f"There is {', '.join(close)}" if close else "Name a Lean file of the project, as list_goals does"
            raise RepositoryError("the project has no such file", where=path, hint=hint)
        return module.text

    def goal_of(self, goal_id: str) -> Goal:
        """The goal of an id, or of the name of a declaration with one sorry."""
        if goal_id in self._goals:
            return self._goals[goal_id]
        named = [goal for goal in self._goals.values() if goal.declaration == goal_id]
        if len(named) == 1:
            return named[0]
        if named:
            raise RepositoryError(
                f"`{goal_id}` has {len(named)} sorries", hint=f"Give an id: {', '.join(goal.id for goal in named)}"
            )
        names = [goal.declaration for goal in self._goals.values()]
        close = difflib.get_close_matches(goal_id, names, n=3)
        hint = f"Did you mean {', '.join(close)}?" if close else "list_goals names the ids of all goals"
        raise RepositoryError(f"there is no goal {goal_id!r}", hint=hint)

    async def _judged(self, goal: Goal, script: str, client: str) -> Verdict:
        assert goal.span is not None
        text = splice(self.run.project.by_path[goal.file].text, goal.span, script, goal.kind)
        self._check_elaborated([goal.file])
        async with self._turns.taken(client):
            return verdict_on(goal, await self._gate.verify({goal.file: text}))

    def _check_elaborated(self, paths: Sequence[str] | Mapping[str, str]) -> None:
        for path in paths:
            if self.run.project.by_path[path].name not in self.run.extraction.declarations:
                hint = "Only changes of files that Lean accepts can be compared with the original"
                raise PatchError("the file does not elaborate without it", where=path, hint=hint)

    def _statuses(self) -> Mapping[str, tuple[str, str]]:
        ledger = self.run.ledger
        return {one.goal.id: (one.status.value, one.note) for one in ledger.store.goals(repo=ledger.repo)}

    def _entry(self, goal: Goal, statuses: Mapping[str, tuple[str, str]]) -> GoalEntry:
        status, note = statuses.get(goal.id, (GoalStatus.NOT_TRIED.value, ""))
        if goal.id in self._left:
            status, note = GoalStatus.SKIPPED.value, self._left[goal.id]
        return GoalEntry(
            id=goal.id,
            declaration=goal.declaration,
            file=goal.file,
            line=goal.span.start.line if goal.span is not None else 0,
            target=one_line(goal.target),
            difficulty=round(goal.estimated_difficulty, 3),
            status=status,
            note=note,
        )

    def _nearest(self, goal: Goal, state: str, count: int) -> tuple[FoundPremise, ...]:
        library = self._premises.library
        if library is None:
            return ()
        return tuple(map(_premise, nearest(library, self._premises.seen_by, goal, state, count)))

    def _nodes(self) -> tuple[NodeEntry, ...]:
        try:
            return self._blueprint().not_done
        except BlueprintError:
            return ()

    def _blueprint(self) -> BlueprintAnswer:
        blueprint = load(Path(self.run.project.root), top=self.run.repository.checkout.top)
        if not blueprint.found:
            raise BlueprintError("the repository has no blueprint", hint="list_goals names what is to be proved")
        facts = blueprint_facts(self.run.extraction.declarations)
        truth = evaluate(blueprint, facts, allowed_axioms=self.run.axioms)
        told = report(blueprint, truth, by="lean")
        uses, waiting = DependencyGraph.of(blueprint).uses, dict(told.ready)
        entries = {line.key: _node(line, uses.get(line.key, ()), waiting.get(line.key, 0)) for line in told.lines}
        return BlueprintAnswer(
            words=told.words,
            ready=tuple(entries[key] for key, _ in told.ready if key in entries),
            not_done=tuple(entries[line.key] for line in told.lines if not line.done),
            problems=told.problems,
        )


OpenService = Callable[[], Awaitable[ProofService]]
"""The service, as soon as it is there. Raises OrchestratorError: it cannot be opened."""


def _script_of(proof: str) -> str:
    _check_length(proof)
    script = script_in(proof)
    if not script:
        hint = "Hand in the tactics alone, `by …`, or the whole theorem with its `:= by …`"
        raise PatchError("there is no tactic script in the proof", hint=hint)
    return script


def _check_length(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise PatchError(f"the proof has more than {LONGEST_TEXT} characters", hint="Find a shorter one")


def _check_script(script: str) -> None:
    _check_length(script)
    if word := forbidden_in(script):
        hint = "No proof needs it, and the gate refuses it: take another tactic"
        raise PatchError(f"`{word}` runs code, or changes what others see", hint=hint)


def _tactic_answer(reply: TacticReply) -> TacticAnswer:
    errors = "; ".join(message.text for message in reply.messages if message.severity == "error")
    return TacticAnswer(
        script=reply.tactic,
        closes=reply.completed,
        goals=reply.goals,
        error=reply.error or errors,
        suggestions=suggestions(reply.messages),
        milliseconds=reply.milliseconds,
    )


def _premise(ranked: Ranked) -> FoundPremise:
    premise = ranked.premise
    return FoundPremise(name=premise.name, statement=premise.statement, origin=premise.module or "this project")


def _node(line: NodeLine, uses: Sequence[str], waiting: int) -> NodeEntry:
    return NodeEntry(
        key=line.key,
        where=line.where,
        declarations=line.declarations,
        statement=line.statement,
        proof=line.proof,
        uses=tuple(uses),
        waiting=waiting,
    )


def _ticket_entry(ticket: Ticket) -> TicketEntry:
    place = ticket.location
    return TicketEntry(
        id=ticket.ticket_id,
        name=ticket.name,
        statement=ticket.signature.removeprefix(": "),
        status=ticket.status.value,
        waiting=ticket.waiting,
        location=f"before {place.declaration} in {place.file}" if place.declaration else place.file,
        supplier=ticket.supplier,
        reason=ticket.reason,
        proof=ticket.completed_proof,
    )


def _verdict_entry(verdict: Verdict) -> DeclarationVerdict:
    return DeclarationVerdict(
        declaration=verdict.declaration,
        file=verdict.file,
        status=verdict.status.value,
        conclusion=verdict.conclusion,
        next_step=verdict.advice,
        axioms=verdict.axioms_seen,
        warnings=verdict.warnings,
    )


def _proof_answer(goal: Goal, verdict: Verdict, kept: str = "") -> VerdictAnswer:
    said = f"{goal.declaration}: {verdict.status.value}"
    return VerdictAnswer(
        accepted=verdict.accepted,
        words=f"{said}, {verdict.conclusion}" if verdict.conclusion else said,
        next_step=verdict.advice,
        declarations=(_verdict_entry(verdict),),
        kept=kept,
    )


def _patch_answer(found: PatchReport) -> VerdictAnswer:
    errors = [f"{path}:{one.start.line}: {one.text}" for path, said in found.errors.items() for one in said[:3]]
    unlike = [f"{path}: {words}" for path, said in found.differences.items() for words in said]
    refused = [f"{verdict.declaration}: {verdict.reason}" for verdict in found.verdicts if verdict.reason]
    words = "; ".join((*refused, *unlike, *errors)[:5]) or ("passed" if found.verdicts else "the patch closes no sorry")
    return VerdictAnswer(
        accepted=found.accepted,
        words=words,
        next_step=next((verdict.advice for verdict in found.verdicts if verdict.advice), ""),
        declarations=tuple(map(_verdict_entry, found.verdicts)),
    )
