"""A run on the marketplace: stuck goals ask for lemmas, suppliers prove them, and the goals are closed with them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.errors import MarketplaceError, PatchError, RequestRefused, SessionError
from orchestrator.goals.events import StageProgress, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import HelperLemma, Result
from orchestrator.lean.extraction import project_parts
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.pool import Pool, VariantPool
from orchestrator.ledger.content_cache import ContentCache, content_key
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import Ticket, TicketRequester, TicketStatus, WaitStatus
from orchestrator.marketplace.conjecture import Need, find_needs
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.marketplace.placement import place_of
from orchestrator.marketplace.supplier import SUPPLIER, run_induction
from orchestrator.marketplace.trade import Trade
from orchestrator.source.helper_lemmas import helper_text, short_name
from orchestrator.source.project import Project

REQUESTER = "stuck search"
REQUEST_SECONDS = 60.0
SUPPLY_SECONDS = 90.0
_MOST_TICKETS = 60

Definitions = Callable[[Goal], Sequence[str]]
KnownNeeds = Callable[[Goal, Callable[[], Awaitable[tuple[Need, ...]]]], Awaitable[tuple[Need, ...]]]
ProveAll = Callable[[Sequence[Goal], "StubProver"], Awaitable[Mapping[str, Result]]]


class Answers(Protocol):
    """Remembers what depends on nothing but files and goals (see `MarketAnswers`)."""

    async def needs(self, goal: Goal, work: Callable[[], Awaitable[tuple[Need, ...]]]) -> tuple[Need, ...]:
        """What a goal needs."""

    def failed(self, ticket: Ticket) -> bool:
        """Whether the marketplace's own supplier has failed on this ticket for good."""

    def note_failed(self, ticket: Ticket) -> None:
        """It has."""


@dataclass(frozen=True, slots=True)
class MarketOutcome:
    """What a run on the marketplace came to: goals closed, by id, and its tickets."""

    results: Mapping[str, Result] = field(default_factory=dict)
    trades: tuple[Trade, ...] = ()


class StubProver:
    """Opens the open places of tickets, each in a project that ends with it."""

    def __init__(self) -> None:
        self.places: dict[str, VariantPool] = {}

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[OpenGoal]:
        """See `orchestrator.strategies.base.Prover.open`."""
        async with self.places[goal.id].open(goal) as opened:
            yield opened


@dataclass(kw_only=True)
class MarketSession:
    """A run's part in the marketplace.

    Attributes:
        market, ledger: the marketplace and its tickets.
        pool, checker: Lean on the project.
        goals: every goal of the project by id.
        definitions: the project's definitions that a goal sees.
        difficulty: of a goal's text.
        prove: tries every strategy on the open places of tickets, under the run's limits.
        answers: remembers across runs.
        repo: whose tickets.
        run_id: told apart from other runs by it, as a supplier.
        stopping: whether the run was asked to stop.
        seconds: how long all may take.
        clock: seconds, monotonic.
    """

    market: Marketplace
    ledger: Ledger
    pool: Pool
    checker: LeanChecker
    goals: Mapping[str, Goal]
    definitions: Definitions
    difficulty: Callable[[str], float]
    prove: ProveAll
    answers: Answers
    repo: str
    run_id: str
    stopping: Callable[[], bool]
    seconds: float
    clock: Callable[[], float] = time.monotonic
    _closed: dict[str, Result] = field(default_factory=dict)
    _touched: dict[str, None] = field(default_factory=dict)
    _deadline: float = 0.0
    _broken: bool = False

    @property
    def settled(self) -> bool:
        """Whether it came to its end, so that another time on what is left of it would come to nothing new."""
        return not (self._broken or self._over)

    async def run(self, stuck: Mapping[str, Result | None]) -> MarketOutcome:
        """Ask for what the stuck goals (by id, with what their strategies said) miss, supply it, and close them.

        Raises:
            LedgerError: the ledger cannot be used.
        """
        self._deadline = self.clock() + self.seconds
        notify(StageProgress("asking for lemmas", 0))
        await asyncio.gather(*(self._ask(self.goals[goal], result) for goal, result in stuck.items()))
        for ticket in self.ledger.tickets(status=TicketStatus.COMPLETED, repo=self.repo):
            await self._serve(ticket.ticket_id)
        await self._supply()
        return MarketOutcome(dict(self._closed), self._trades())

    @property
    def _over(self) -> bool:
        return self.stopping() or self.clock() > self._deadline

    async def _ask(self, goal: Goal, result: Result | None) -> None:
        """A goal that is stuck asks for the lemmas it misses, and for the subgoals that its strategies left open."""
        if self._over or goal.span is None or goal.command is None:
            return
        place = place_of(goal, self.pool.project)

        async def look() -> tuple[Need, ...]:
            return await find_needs(
                goal,
                prover=self.pool,
                namespace=place.namespace,
                definitions=self.definitions(goal),
                timeout=min(REQUEST_SECONDS, max(1.0, self._deadline - self.clock())),
            )

        try:
            needs = await self.answers.needs(goal, look)
        except (SessionError, RequestRefused) as error:
            self._note(error)
            needs = ()
        for number, need in enumerate(needs):
            priority = min(1.0, 0.5 + 0.05 * need.seen) - 0.1 * number
            script, tickets = need.script, []
            for lemma in need.lemmas:
                ticket = await self._request(lemma.signature, goal, lemma.name, priority)
                if ticket is None:
                    break
                mine, theirs = (short_name(name, place.namespace) for name in (lemma.name, ticket.name))
                script = _renamed(script, mine, theirs)
                tickets.append(ticket)
            else:
                use = {"script": script, "tickets": [ticket.ticket_id for ticket in tickets]}
                for ticket in tickets:
                    self._wait(ticket, goal, REQUESTER, use)
        for statement in result.subgoals if result is not None else ():
            who = result.strategy.value if result is not None and result.strategy else REQUESTER
            ticket = await self._request(statement, goal, f"{goal.declaration}_subgoal", 0.5, who=who)
            if ticket is not None:
                self._wait(ticket, goal, who, {"tickets": [ticket.ticket_id]})

    async def _request(
        self, statement: str, goal: Goal, name: str, priority: float, who: str = REQUESTER
    ) -> Ticket | None:
        asked = TicketRequester(requester=who, goal_id=goal.id, declaration=goal.declaration, file=goal.file)
        place = place_of(goal, self.pool.project)
        try:
            ticket_id = await self.market.request_lemma(statement, place, name, (), priority, requester=asked)
        except (MarketplaceError, SessionError, RequestRefused) as error:
            self._note(error)
            return None
        self._touched[ticket_id] = None
        ticket = await self.market.get_ticket(ticket_id)
        closed = ticket.status in (TicketStatus.CANCELLED, TicketStatus.REJECTED)
        return None if closed else ticket

    def _wait(self, ticket: Ticket, goal: Goal, who: str, use: Mapping[str, object]) -> None:
        self.ledger.open_ticket(
            ticket,
            TicketRequester(requester=who, goal_id=goal.id, declaration=goal.declaration, file=goal.file, use=use),
        )

    async def _supply(self) -> None:
        """The marketplace's own supplier first, which is quick; then every strategy on what is left."""
        tried: set[str] = set()
        left: list[tuple[Ticket, Goal]] = []
        prover = StubProver()

        async def work() -> None:
            while not self._over and (ticket := self._next(tried)) is not None:
                goal = await self._open(ticket, prover)
                if goal is None:
                    continue
                notify(StageProgress(f"supplying {ticket.name}", len(tried)))
                if not await self._own(ticket, goal, prover):
                    left.append((ticket, goal))

        await asyncio.gather(*(work() for _ in range(self.pool.size)))
        wanted = [(ticket, goal) for ticket, goal in left if self._still_open(ticket)]
        if not wanted or self._over:
            return
        results = await self.prove([goal for _, goal in wanted], prover)
        self._broken = self._broken or any(result.broken for result in results.values())
        for ticket, goal in wanted:
            result = results.get(goal.id)
            if result is not None and result.success and self._still_open(ticket):
                supplier = self._as(result.strategy.value if result.strategy else "cache")
                if await self.market.claim_ticket(ticket.ticket_id, supplier):
                    await self._complete(ticket, "\n".join(result.tactics), supplier)

    def _as(self, supplier: str) -> str:
        """A supplier's name in this run: two runs must not take one another's claims for their own."""
        return f"{supplier}/{self.run_id[:6]}"

    def _next(self, tried: set[str]) -> Ticket | None:
        if len(tried) >= _MOST_TICKETS:
            return None
        for ticket in self.ledger.tickets(status=TicketStatus.OPEN, repo=self.repo):
            if ticket.ticket_id not in tried:
                tried.add(ticket.ticket_id)
                return ticket
        return None

    def _still_open(self, ticket: Ticket) -> bool:
        now = self.ledger.ticket(ticket.ticket_id)
        return now is not None and now.status is TicketStatus.OPEN

    async def _open(self, ticket: Ticket, prover: StubProver) -> Goal | None:
        try:
            stub = self.checker.stub(ticket)
            goal = await self.checker.stub_goal(ticket, stub, self.difficulty)
        except (MarketplaceError, PatchError) as error:
            self.ledger.close_ticket(ticket.ticket_id, TicketStatus.CANCELLED, reason=error.what, who="lean")
            return None
        except (SessionError, RequestRefused) as error:
            self._note(error)
            return None
        prover.places[goal.id] = self.pool.variant(stub.project)
        return goal

    async def _own(self, ticket: Ticket, goal: Goal, prover: StubProver) -> bool:
        if self.answers.failed(ticket) or not await self.market.claim_ticket(ticket.ticket_id, self._as(SUPPLIER)):
            return False
        seconds = min(SUPPLY_SECONDS, max(1.0, self._deadline - self.clock()))
        try:
            script, why = await run_induction(goal, seconds, prover=prover, definitions=self.definitions(goal))
        except (SessionError, RequestRefused) as error:
            self._note(error)
            script, why = "", error.what
        if script:
            return await self._complete(ticket, script, self._as(SUPPLIER))
        if why == "not proved":
            self.answers.note_failed(ticket)
        await self.market.release_ticket(ticket.ticket_id, self._as(SUPPLIER), why)
        return False

    async def _complete(self, ticket: Ticket, script: str, supplier: str) -> bool:
        try:
            await self.market.complete_ticket(ticket.ticket_id, script, supplier)
        except MarketplaceError:
            return False
        await self._serve(ticket.ticket_id)
        return True

    async def _serve(self, ticket_id: str) -> None:
        """Try again the goals that wait for a ticket."""
        for wait in self.ledger.ticket_requesters(ticket_id):
            goal = self.goals.get(wait.goal_id)
            if goal is None or goal.id in self._closed or wait.status is WaitStatus.WITHDRAWN:
                continue
            needed = [self.ledger.ticket(str(other)) for other in wait.use.get("tickets", [ticket_id])]
            tickets = [ticket for ticket in needed if ticket is not None and ticket.status is TicketStatus.COMPLETED]
            if len(tickets) != len(needed):
                continue
            result = await self._close(goal, tickets, str(wait.use.get("script", "")))
            if result is not None:
                self._closed[goal.id] = result
                self._settle(goal, {ticket.ticket_id for ticket in tickets})

    def _settle(self, goal: Goal, used: set[str]) -> None:
        for wait in self.ledger.ticket_requesters(goal_id=goal.id, status=WaitStatus.WAITING):
            status = WaitStatus.USED if wait.ticket_id in used else WaitStatus.WITHDRAWN
            self._touched[wait.ticket_id] = None
            self.ledger.settle_wait(wait.ticket_id, goal.id, status)

    async def _close(self, goal: Goal, tickets: Sequence[Ticket], script: str) -> Result | None:
        """The goal's proof with these lemmas in front of it."""
        started = self.clock()
        try:
            helpers = [self._helper(ticket, goal) for ticket in tickets]
        except MarketplaceError:
            return None
        place = place_of(goal, self.pool.project)
        names = [short_name(helper.name, place.namespace) for helper in helpers]
        for ticket, name in zip(tickets, names, strict=True):
            script = _renamed(script, short_name(ticket.name, place.namespace), name)
        scripts = [script] if script else [t for name in names for t in (f"exact {name} ..", f"simp_all [{name}]")]
        here = "".join(helper_text(helper) for helper in helpers if helper.file == goal.file)
        if any(helper.file != goal.file for helper in helpers):
            return self._result(goal, scripts[0], helpers, tickets, started)
        try:
            async with self.pool.open(goal) as context:
                for candidate in scripts:
                    if (await context.check(candidate, prelude=here)).accepted:
                        return self._result(goal, candidate, helpers, tickets, started)
        except (SessionError, RequestRefused) as error:
            self._note(error)
            return None
        return None

    def _note(self, error: Exception) -> None:
        """What a session broke on may go well the next time."""
        self._broken = self._broken or isinstance(error, SessionError)

    def _helper(self, ticket: Ticket, goal: Goal) -> HelperLemma:
        """A ticket's lemma where both who asked first and `goal` see it.

        Raises:
            MarketplaceError: there is no such place.
        """
        helper = self.checker.helper(ticket)
        if helper.file == goal.file:
            assert goal.command is not None
            if helper.before <= goal.command.start:
                return helper
            return self.checker.helper_at(ticket, goal)
        module = self.pool.project.by_path[helper.file].name
        if any(m.name == module for m in self.pool.project.closure(goal.module)):
            return helper
        return self.checker.helper_at(ticket, goal, copy=True)

    def _result(
        self, goal: Goal, script: str, helpers: Sequence[HelperLemma], tickets: Sequence[Ticket], started: float
    ) -> Result:
        return Result(
            success=True,
            tactics=tuple(script.split("\n")),
            time_seconds=max(0.0, self.clock() - started),
            metadata={
                "tickets": [ticket.ticket_id for ticket in tickets],
                "suppliers": sorted({ticket.supplier.partition("/")[0] for ticket in tickets}),
            },
            helpers=tuple(helpers),
        )

    def _trades(self) -> tuple[Trade, ...]:
        found = []
        for ticket_id in self._touched:
            ticket = self.ledger.ticket(ticket_id)
            if ticket is None:
                continue
            waits = self.ledger.ticket_requesters(ticket_id)
            found.append(
                Trade(
                    ticket=ticket_id,
                    lemma=ticket.name,
                    statement=ticket.signature,
                    status=ticket.status,
                    asked_by=tuple(dict.fromkeys(w.declaration or w.requester for w in waits)),
                    supplier=ticket.supplier.partition("/")[0] if ticket.status is TicketStatus.COMPLETED else "",
                    used_by=tuple(dict.fromkeys(w.declaration for w in waits if w.status is WaitStatus.USED)),
                    reason=ticket.reason,
                )
            )
        order = list(TicketStatus)
        first = {TicketStatus.COMPLETED: -1}
        return tuple(sorted(found, key=lambda t: (not t.used_by, first.get(t.status, order.index(t.status)))))


def _renamed(script: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w'])", new, script)


@dataclass(frozen=True)
class StoredNeeds:
    """What a goal needs, as it is kept."""

    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Failed:
    """Something was tried in vain."""

    done: bool = True


@dataclass(frozen=True)
class Settled:
    """A market on which nothing is left to do, and its tickets."""

    trades: tuple[Trade, ...] = ()


class MarketAnswers:
    """What the marketplace has found out about goals and tickets whose files have not changed since.

    Args:
        cache: where it is kept.
        project: the project.
        lean: the server and its version.
    """

    def __init__(self, cache: ContentCache, project: Project, lean: str) -> None:
        self._cache = cache
        self._project = project
        self._lean = lean

    async def needs(self, goal: Goal, work: Callable[[], Awaitable[tuple[Need, ...]]]) -> tuple[Need, ...]:
        """The lemmas that a goal needs, from the cache or by `work`.

        Raises:
            SessionError: as `work` does.
        """
        key = content_key("needs", [self._lean, self._project.environment_digest(goal.module), goal.id, goal.text])
        known = self._cache.get(key, StoredNeeds)
        if known is None:
            known = StoredNeeds(await work())
            self._cache.put(key, known)
        return known.needs

    def settled(self, stuck: Iterable[str], tickets: Iterable[Ticket], limits: Iterable[str]) -> Settled | None:
        """What came of it when just these goals were stuck and the tickets stood like this, if nothing is left to do.

        `limits` are what the suppliers may spend, in words.
        """
        return self._cache.get(self._state(stuck, tickets, limits), Settled)

    def note_settled(
        self, stuck: Iterable[str], tickets: Iterable[Ticket], limits: Iterable[str], trades: tuple[Trade, ...]
    ) -> None:
        """All was tried, and this is how goals and tickets were left."""
        self._cache.put(self._state(stuck, tickets, limits), Settled(trades))

    def _state(self, stuck: Iterable[str], tickets: Iterable[Ticket], limits: Iterable[str]) -> str:
        stands = sorted(f"{ticket.ticket_id} {ticket.status}" for ticket in tickets)
        parts = [*project_parts(self._project, self._lean), "stuck", *sorted(stuck), "tickets", *stands, *limits]
        return content_key("market", parts)

    def failed(self, ticket: Ticket) -> bool:
        """Whether the marketplace's own supplier has failed on this ticket for good."""
        return self._cache.get(self._key(ticket), Failed) is not None

    def note_failed(self, ticket: Ticket) -> None:
        """It has."""
        self._cache.put(self._key(ticket), Failed())

    def _key(self, ticket: Ticket) -> str:
        return content_key("supply", [self._lean, ticket.environment, ticket.digest])
