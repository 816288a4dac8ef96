"""A run on the marketplace: stuck goals ask for lemmas, suppliers prove them, and the goals are closed with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from orchestrator.errors import MarketplaceError, PatchError, RequestRefused, SessionError
from orchestrator.goals.events import StageProgress, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.pool import Pool, VariantPool
from orchestrator.ledger.ticket_records import Ticket, TicketRequester, TicketStatus
from orchestrator.marketplace.answers import MarketAnswers
from orchestrator.marketplace.closing import GoalCloser, renamed
from orchestrator.marketplace.conjecture import Need, find_needs
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.marketplace.placement import location_of
from orchestrator.marketplace.supplier import SUPPLIER, run_induction
from orchestrator.marketplace.trade import MarketOutcome, trades_of
from orchestrator.source.helper_lemmas import short_name

REQUESTER = "stuck search"
REQUEST_SECONDS = 60.0
SUPPLY_SECONDS = 90.0
_MOST_TICKETS = 60

ProveAll = Callable[[Sequence[Goal], "StubProver"], Awaitable[Mapping[str, Result]]]


class StubProver:
    """Opens the sorries of tickets, each in a project that ends with it."""

    def __init__(self) -> None:
        self.variants: dict[str, VariantPool] = {}

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[OpenGoal]:
        """A session that stands in front of a ticket's goal."""
        async with self.variants[goal.id].open(goal) as opened:
            yield opened


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLimits:
    """What a run may spend on the marketplace, and as whom.

    `run_id`: tells its suppliers apart from those of other runs.
    """

    run_id: str
    seconds: float
    stopping: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic


class MarketSession:
    """A run's part in the marketplace.

    `prove`: tries every strategy on the sorries of tickets, under the run's limits.
    """

    def __init__(
        self,
        market: Marketplace,
        pool: Pool,
        checker: LeanChecker,
        goals: Mapping[str, Goal],
        *,
        definitions: Callable[[Goal], Sequence[str]],
        prove: ProveAll,
        answers: MarketAnswers,
        limits: MarketLimits,
    ) -> None:
        self._market = market
        self._ledger = market.ledger
        self._pool = pool
        self._checker = checker
        self._goals = goals
        self._definitions = definitions
        self._prove = prove
        self._answers = answers
        self._limits = limits
        self._closer = GoalCloser(market.ledger, pool, checker, goals, limits.clock)
        self._requested: dict[str, None] = {}
        self._deadline = 0.0
        self._broken = False

    @property
    def settled(self) -> bool:
        """Whether it came to its end, so that another run on what is left of it would find nothing new."""
        return not (self._broken or self._closer.broken or self._over)

    async def run(self, stuck: Mapping[str, Result | None]) -> MarketOutcome:
        """Ask for what the stuck goals (by id, with what their strategies said) miss, supply it, and close them."""
        self._deadline = self._limits.clock() + self._limits.seconds
        notify(StageProgress("asking for lemmas", 0))
        await asyncio.gather(*(self._ask(self._goals[goal], result) for goal, result in stuck.items()))
        for ticket in self._ledger.tickets(status=TicketStatus.COMPLETED, repo=self._market.repo):
            await self._closer.serve(ticket.ticket_id)
        await self._supply()
        trades = trades_of(self._ledger, self._requested | self._closer.settled)
        return MarketOutcome(dict(self._closer.closed), trades)

    @property
    def _over(self) -> bool:
        return self._limits.stopping() or self._limits.clock() > self._deadline

    def _seconds(self, most: float) -> float:
        return min(most, max(1.0, self._deadline - self._limits.clock()))

    async def _ask(self, goal: Goal, result: Result | None) -> None:
        """A goal that is stuck asks for the lemmas it misses, and for the subgoals that its strategies left open."""
        if self._over or goal.span is None or goal.command is None:
            return
        namespace = location_of(goal, self._pool.project).namespace

        async def look() -> tuple[Need, ...]:
            return await find_needs(
                goal,
                prover=self._pool,
                namespace=namespace,
                definitions=self._definitions(goal),
                timeout=self._seconds(REQUEST_SECONDS),
            )

        try:
            needs = await self._answers.needs(goal, look)
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
                mine, theirs = (short_name(name, namespace) for name in (lemma.name, ticket.name))
                script = renamed(script, mine, theirs)
                tickets.append(ticket)
            else:
                use = {"script": script, "tickets": [ticket.ticket_id for ticket in tickets]}
                for ticket in tickets:
                    self._ledger.open_ticket(ticket, _requester(goal, REQUESTER, use))
        for statement in result.subgoals if result is not None else ():
            who = result.strategy.value if result is not None and result.strategy else REQUESTER
            ticket = await self._request(statement, goal, f"{goal.declaration}_subgoal", 0.5, who=who)
            if ticket is not None:
                self._ledger.open_ticket(ticket, _requester(goal, who, {"tickets": [ticket.ticket_id]}))

    async def _request(
        self, statement: str, goal: Goal, name: str, priority: float, who: str = REQUESTER
    ) -> Ticket | None:
        location = location_of(goal, self._pool.project)
        asked = _requester(goal, who)
        try:
            ticket_id = await self._market.request_lemma(statement, location, name, (), priority, requester=asked)
        except (MarketplaceError, SessionError, RequestRefused) as error:
            self._note(error)
            return None
        self._requested[ticket_id] = None
        ticket = await self._market.get_ticket(ticket_id)
        closed = ticket.status in (TicketStatus.CANCELLED, TicketStatus.REJECTED)
        return None if closed else ticket

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

        await asyncio.gather(*(work() for _ in range(self._pool.size)))
        wanted = [(ticket, goal) for ticket, goal in left if self._still_open(ticket)]
        if not wanted or self._over:
            return
        results = await self._prove([goal for _, goal in wanted], prover)
        self._broken = self._broken or any(result.broken for result in results.values())
        for ticket, goal in wanted:
            result = results.get(goal.id)
            if result is not None and result.success and self._still_open(ticket):
                supplier = self._as(result.strategy.value if result.strategy else "cache")
                if await self._market.claim_ticket(ticket.ticket_id, supplier):
                    await self._complete(ticket, "\n".join(result.tactics), supplier)

    def _as(self, supplier: str) -> str:
        """A supplier's name in this run: two runs must not take one another's claims for their own."""
        return f"{supplier}/{self._limits.run_id[:6]}"

    def _next(self, tried: set[str]) -> Ticket | None:
        tickets = self._ledger.tickets(status=TicketStatus.OPEN, repo=self._market.repo)
        ticket = next((ticket for ticket in tickets if ticket.ticket_id not in tried), None)
        if ticket is None or len(tried) >= _MOST_TICKETS:
            return None
        tried.add(ticket.ticket_id)
        return ticket

    def _still_open(self, ticket: Ticket) -> bool:
        now = self._ledger.ticket(ticket.ticket_id)
        return now is not None and now.status is TicketStatus.OPEN

    async def _open(self, ticket: Ticket, prover: StubProver) -> Goal | None:
        try:
            stub = self._checker.stub(ticket)
            goal = await self._checker.stub_goal(ticket, stub)
        except (MarketplaceError, PatchError) as error:
            self._ledger.close_ticket(ticket.ticket_id, TicketStatus.CANCELLED, reason=error.what, who="lean")
            return None
        except (SessionError, RequestRefused) as error:
            self._note(error)
            return None
        prover.variants[goal.id] = self._pool.variant(stub.project)
        return goal

    async def _own(self, ticket: Ticket, goal: Goal, prover: StubProver) -> bool:
        supplier = self._as(SUPPLIER)
        if self._answers.failed(ticket) or not await self._market.claim_ticket(ticket.ticket_id, supplier):
            return False
        definitions, seconds = self._definitions(goal), self._seconds(SUPPLY_SECONDS)
        try:
            result = await run_induction(goal, seconds, prover=prover, definitions=definitions)
        except (SessionError, RequestRefused) as error:
            self._note(error)
            result = Result(success=False, error=error.what)
        if result.success:
            return await self._complete(ticket, "\n".join(result.tactics), supplier)
        if result.outcome is Outcome.NOT_PROVED:
            self._answers.note_failed(ticket)
        await self._market.release_ticket(ticket.ticket_id, supplier, result.error)
        return False

    async def _complete(self, ticket: Ticket, script: str, supplier: str) -> bool:
        try:
            await self._market.complete_ticket(ticket.ticket_id, script, supplier)
        except MarketplaceError:
            return False
        await self._closer.serve(ticket.ticket_id)
        return True

    def _note(self, error: Exception) -> None:
        """What a session broke on may go well the next time."""
        self._broken = self._broken or isinstance(error, SessionError)


def _requester(goal: Goal, who: str, use: Mapping[str, object] | None = None) -> TicketRequester:
    return TicketRequester(
        requester=who, goal_id=goal.id, declaration=goal.declaration, file=goal.file, use=dict(use or {})
    )
