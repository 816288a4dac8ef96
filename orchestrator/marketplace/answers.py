"""What the marketplace has found out about goals and tickets whose files have not changed since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import project_parts
from orchestrator.ledger.content_cache import ContentCache, content_key
from orchestrator.ledger.ticket_records import Ticket
from orchestrator.marketplace.conjecture import Need
from orchestrator.marketplace.trade import Trade
from orchestrator.source.project import Project


@dataclass(frozen=True)
class MarketAnswer:
    """An answer as it is kept: what a goal needs, or tickets as a run left them; neither where a bare yes will do."""

    needs: tuple[Need, ...] = ()
    trades: tuple[Trade, ...] = ()


class MarketAnswers:
    """Remembers across runs what depends on nothing but files, goals and tickets.

    `lean`: the server and its version.
    """

    def __init__(self, cache: ContentCache, project: Project, lean: str) -> None:
        self._cache = cache
        self._project = project
        self._lean = lean

    async def needs(self, goal: Goal, work: Callable[[], Awaitable[tuple[tuple[Need, ...], bool]]]) -> tuple[Need, ...]:
        """The lemmas that a goal needs, from the cache or by `work`, which also says whether it came to its end."""
        key = content_key("needs", [self._lean, self._project.environment_digest(goal.module), goal.id, goal.text])
        known = self._cache.get(key, MarketAnswer)
        if known is None:
            needs, whole = await work()
            known = MarketAnswer(needs=needs)
            if whole:
                self._cache.put(key, known)
        return known.needs

    def settled(
        self, stuck: Iterable[str], tickets: Iterable[Ticket], limits: Iterable[str]
    ) -> tuple[Trade, ...] | None:
        """How a run left its tickets when just these goals were stuck and nothing was left to do; None if none did.

        `limits` are what the suppliers may spend, in words.
        """
        known = self._cache.get(self._state(stuck, tickets, limits), MarketAnswer)
        return None if known is None else known.trades

    def note_settled(
        self, stuck: Iterable[str], tickets: Iterable[Ticket], limits: Iterable[str], trades: tuple[Trade, ...]
    ) -> None:
        """All was tried, and this is how goals and tickets were left."""
        self._cache.put(self._state(stuck, tickets, limits), MarketAnswer(trades=trades))

    def _state(self, stuck: Iterable[str], tickets: Iterable[Ticket], limits: Iterable[str]) -> str:
        stands = sorted(f"{ticket.ticket_id} {ticket.status}" for ticket in tickets)
        parts = [*project_parts(self._project, self._lean), "stuck", *sorted(stuck), "tickets", *stands, *limits]
        return content_key("market", parts)

    def failed(self, ticket: Ticket) -> bool:
        """Whether the marketplace's own supplier has failed on this ticket for good."""
        return self._cache.get(self._supply(ticket), MarketAnswer) is not None

    def note_failed(self, ticket: Ticket) -> None:
        """It has."""
        self._cache.put(self._supply(ticket), MarketAnswer())

    def _supply(self, ticket: Ticket) -> str:
        return content_key("supply", [self._lean, ticket.environment, ticket.digest])
