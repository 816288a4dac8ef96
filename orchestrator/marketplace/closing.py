"""Goals are closed with the lemmas of completed tickets in front of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence

from orchestrator.errors import MarketplaceError, RequestRefused, SessionError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import HelperLemma, Result
from orchestrator.lean.pool import Pool
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import Ticket, TicketStatus, WaitStatus
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.marketplace.placement import location_of
from orchestrator.source.helper_lemmas import helper_text, short_name, stub_text


class GoalCloser:
    """Closes goals that wait for lemmas.

    `broken`: a session broke, so that another time something may be closed that was not.
    """

    def __init__(
        self,
        ledger: Ledger,
        pool: Pool,
        checker: LeanChecker,
        goals: Mapping[str, Goal],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._pool = pool
        self._checker = checker
        self._goals = goals
        self._clock = clock
        self.closed: dict[str, Result] = {}
        self.settled: dict[str, None] = {}
        self.broken = False

    async def serve(self, ticket_id: str) -> None:
        """Try again the goals that wait for a ticket."""
        for wait in self._ledger.ticket_requesters(ticket_id):
            goal = self._goals.get(wait.goal_id)
            if goal is None or goal.id in self.closed or wait.status is WaitStatus.WITHDRAWN:
                continue
            needed = [self._ledger.ticket(str(other)) for other in wait.use.get("tickets", [ticket_id])]
            tickets = [ticket for ticket in needed if ticket is not None and ticket.status is TicketStatus.COMPLETED]
            if len(tickets) != len(needed):
                continue
            result = await self._close(goal, tickets, str(wait.use.get("script", "")))
            if result is not None:
                self.closed[goal.id] = result
                self._settle(goal, {ticket.ticket_id for ticket in tickets})

    async def would_close(self, goal: Goal, ticket: Ticket) -> bool:
        """Whether the goal closes with the ticket's lemma in front of it, its proof left open."""
        name = short_name(ticket.name, location_of(goal, self._pool.project).namespace)
        lemma = f"{stub_text(name, ticket.signature)}\n\n"
        return bool(await self._accepted(goal, _ways(name), lemma))

    def _settle(self, goal: Goal, used: set[str]) -> None:
        for wait in self._ledger.ticket_requesters(goal_id=goal.id, status=WaitStatus.WAITING):
            self.settled[wait.ticket_id] = None
            status = WaitStatus.USED if wait.ticket_id in used else WaitStatus.WITHDRAWN
            self._ledger.settle_wait(wait.ticket_id, goal.id, status)

    async def _close(self, goal: Goal, tickets: Sequence[Ticket], script: str) -> Result | None:
        """The goal's proof with these lemmas in front of it."""
        started = self._clock()
        try:
            helpers = [self._helper(ticket, goal) for ticket in tickets]
        except MarketplaceError:
            return None
        namespace = location_of(goal, self._pool.project).namespace
        names = [short_name(helper.name, namespace) for helper in helpers]
        for ticket, name in zip(tickets, names, strict=True):
            script = renamed(script, short_name(ticket.name, namespace), name)
        scripts = [script] if script else [way for name in names for way in _ways(name)]
        if any(helper.file != goal.file for helper in helpers):
            found = scripts[0]  # Only the gate has both files at once.
        else:
            found = await self._accepted(goal, scripts, "".join(map(helper_text, helpers)))
        if not found:
            return None
        return Result(
            success=True,
            tactics=tuple(found.split("\n")),
            time_seconds=max(0.0, self._clock() - started),
            metadata={
                "tickets": [ticket.ticket_id for ticket in tickets],
                "suppliers": sorted({ticket.supplier.partition("/")[0] for ticket in tickets}),
            },
            helpers=tuple(helpers),
        )

    async def _accepted(self, goal: Goal, scripts: Sequence[str], lemmas: str) -> str:
        """The first script that Lean accepts with these lemmas in front; "" when there is none."""
        try:
            async with self._pool.open(goal) as context:
                for script in scripts:
                    if (await context.check(script, prelude=lemmas)).accepted:
                        return script
        except RequestRefused:
            pass
        except SessionError:
            self.broken = True
        return ""

    def _helper(self, ticket: Ticket, goal: Goal) -> HelperLemma:
        """A ticket's lemma where both who asked first and `goal` see it.

        Raises MarketplaceError: the sorry that asked for it is gone.
        """
        helper = self._checker.helper(ticket)
        if helper.file == goal.file:
            assert goal.command is not None
            return helper if helper.before <= goal.command.start else self._checker.helper_at(ticket, goal)
        module = self._pool.project.by_path[helper.file].name
        if any(m.name == module for m in self._pool.project.closure(goal.module)):
            return helper
        return self._checker.helper_at(ticket, goal, copy=True)


def _ways(name: str) -> tuple[str, ...]:
    """Scripts that use a lemma."""
    return f"exact {name} ..", f"simp_all [{name}]", f"apply {name} <;> assumption"


def renamed(script: str, old: str, new: str) -> str:
    """The script with one lemma's name for another's."""
    return re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w'])", new, script)
