"""A run on the marketplace: stuck goals ask for lemmas, suppliers prove them, and the goals are closed with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from orchestrator.errors import MarketplaceError, PatchError, RequestRefused, SessionError
from orchestrator.goals.events import Notice, StageProgress, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.pool import Pool, VariantPool
from orchestrator.ledger.ticket_records import Ticket, TicketRequester, TicketStatus, WaitStatus
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

    Attributes:
        run_id: tells its suppliers apart from those of other runs.
        seconds: its share, which it gets once more for each goal that it closes.
        most: what it may take for that at most.
        useful: whether only tickets are worked on that a goal of the run waits for and closes with.
    """

    run_id: str
    seconds: float
    most: float
    useful: bool
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
        self._tried: set[str] = set()
        self._closes: dict[tuple[str, str], bool] = {}
        self._wanted = frozenset[str]()
        self._began = 0.0
        self._broken = False

    @property
    def settled(self) -> bool:
        """Whether nothing went wrong, so that another run with as much time would find nothing new."""
        return not (self._broken or self._closer.broken or self._limits.stopping())

    @property
    def cut_short(self) -> bool:
        """Whether its time was over before its work was."""
        return self._over

    async def run(self, stuck: Mapping[str, Result | None]) -> MarketOutcome:
        """Ask for what the stuck goals (by id, with what their strategies said) miss, supply it, and close them."""
        self._began = self._limits.clock()
        self._wanted = frozenset(stuck if self._limits.useful else self._goals)
        for ticket in self._ledger.tickets(status=TicketStatus.COMPLETED, repo=self._market.repo):
            await self._serve(ticket.ticket_id)
        easiest_first = sorted(stuck, key=lambda key: self._goals[key].estimated_difficulty)
        await self._supply([(self._goals[key], stuck[key]) for key in easiest_first])
        trades = trades_of(self._ledger, self._requested | self._closer.settled)
        return MarketOutcome(dict(self._closer.closed), trades)

    @property
    def _over(self) -> bool:
        return self._limits.stopping() or self._left <= 0

    @property
    def _left(self) -> float:
        share = self._limits.seconds * (1 + len(self._closer.closed))
        return self._began + min(share, self._limits.most) - self._limits.clock()

    def _seconds(self, most: float) -> float:
        return min(most, max(1.0, self._left))

    async def _serve(self, ticket_id: str) -> None:
        """Close what waits for a ticket, and say so."""
        before = set(self._closer.closed)
        await self._closer.serve(ticket_id)
        for key in self._closer.closed.keys() - before:
            names = ", ".join(helper.name for helper in self._closer.closed[key].helpers)
            notify(Notice(f"{self._goals[key].declaration} is proved with {names}"))

    async def _ask(self, goal: Goal, result: Result | None) -> None:
        """A goal that is stuck asks for the lemmas it misses, and for the subgoals that its strategies left open."""
        if goal.span is None or goal.command is None or goal.id in self._closer.closed:
            return
        notify(StageProgress(f"asking what {goal.declaration} misses"))
        namespace = location_of(goal, self._pool.project).namespace

        async def look() -> tuple[tuple[Need, ...], bool]:
            seconds, began = self._seconds(REQUEST_SECONDS), self._limits.clock()
            needs = await find_needs(
                goal,
                prover=self._pool,
                namespace=namespace,
                definitions=self._definitions(goal),
                timeout=seconds,
            )
            return needs, self._limits.clock() - began < seconds

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

    async def _supply(self, stuck: Sequence[tuple[Goal, Result | None]]) -> None:
        """The marketplace's own supplier first, which is quick; then every strategy on what is left.

        A goal is asked what it misses when no ticket is left to work on.
        """
        left: list[tuple[Ticket, Goal]] = []
        prover = StubProver()
        to_ask = iter(stuck)

        async def work() -> None:
            while not self._over:
                ticket = await self._next()
                if ticket is None:
                    asking = next(to_ask, None)
                    if asking is None:
                        return
                    await self._ask(*asking)
                    continue
                goal = await self._open(ticket, prover)
                if goal is None:
                    continue
                notify(StageProgress(f"supplying {ticket.name}", len(self._tried)))
                if not await self._own(ticket, goal, prover):
                    left.append((ticket, goal))

        await asyncio.gather(*(work() for _ in range(self._pool.size)))
        wanted = [(ticket, goal) for ticket, goal in left if self._still_open(ticket) and self._unlocks(ticket)]
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

    async def _next(self) -> Ticket | None:
        """The open ticket that unlocks most; every one takes as long, for all that is known of it."""
        tickets = self._ledger.tickets(status=TicketStatus.OPEN, repo=self._market.repo)
        waiting = [one for one in tickets if one.ticket_id not in self._tried and self._unlocks(one)]
        for ticket in sorted(waiting, key=self._unlocks, reverse=True):
            if len(self._tried) >= _MOST_TICKETS or self._over:
                break
            if ticket.ticket_id in self._tried:  # another has taken it while we looked at one before
                continue
            self._tried.add(ticket.ticket_id)
            if not self._limits.useful or await self._is_useful(ticket):
                return ticket
        return None

    def _unlocks(self, ticket: Ticket) -> float:
        """How many goals wait for a ticket; one that needs others, too, counts for less."""
        waits = [wait for wait in self._waits(ticket) if wait.goal_id not in self._closer.closed]
        shares = sum(1 / max(1, len(wait.use.get("tickets", ()))) for wait in waits)
        return shares if self._limits.useful else 1 + shares

    def _waits(self, ticket: Ticket) -> Sequence[TicketRequester]:
        waits = self._ledger.ticket_requesters(ticket.ticket_id, status=WaitStatus.WAITING)
        return [wait for wait in waits if wait.goal_id in self._wanted]

    async def _is_useful(self, ticket: Ticket) -> bool:
        """Whether a goal that waits for a ticket closes with its lemma, taken for granted."""
        for wait in self._waits(ticket):
            if wait.goal_id in self._closer.closed:
                continue
            if wait.use.get("script"):  # what a stuck search asks for it has checked
                return True
            key = (ticket.ticket_id, wait.goal_id)
            if key not in self._closes:
                self._closes[key] = await self._closer.would_close(self._goals[wait.goal_id], ticket)
            if self._closes[key]:
                return True
        return False

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
        await self._serve(ticket.ticket_id)
        return True

    def _note(self, error: Exception) -> None:
        """What a session broke on may go well the next time."""
        self._broken = self._broken or isinstance(error, SessionError)


def _requester(goal: Goal, who: str, use: Mapping[str, object] | None = None) -> TicketRequester:
    return TicketRequester(
        requester=who, goal_id=goal.id, declaration=goal.declaration, file=goal.file, use=dict(use or {})
    )
