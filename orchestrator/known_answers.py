"""Extraction and the gate, without Lean where the very same question was answered before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator.content_cache import ContentCache, content_key
from orchestrator.goal import Goal
from orchestrator.lean.extraction import BROKE, Extraction
from orchestrator.ledger.ticket_records import Ticket
from orchestrator.market.requester import Need
from orchestrator.market.trades import Trade
from orchestrator.selection import GateReport, Proof
from orchestrator.source import Project


def project_parts(project: Project, lean: str) -> list[str]:
    """Everything that elaborating a project depends on; `lean` names the server and its version."""
    modules = [part for m in project.modules for part in (m.name, m.path, m.digest, *m.imports)]
    return [lean, project.toolchain, *modules]


async def known_extraction(
    cache: ContentCache, project: Project, lean: str, work: Callable[[], Awaitable[Extraction]]
) -> Extraction:
    """The extraction of a project, from the cache if its every file was seen before; else by `work`.

    Raises:
        SessionError: as `work` does.
    """
    key = content_key("extraction", project_parts(project, lean))
    known = cache.get(key, Extraction)
    if known is not None:
        return known
    found = await work()
    # That Lean broke says something of this machine and moment, too: it is asked again.
    if not any(BROKE in problem.message for problem in found.problems):
        cache.put(key, found)
    return found


async def known_gate(
    cache: ContentCache,
    project: Project,
    lean: str,
    proofs: Sequence[Proof],
    work: Callable[[], Awaitable[GateReport]],
) -> GateReport:
    """The gate's report on exactly these proofs in exactly this project, from the cache or by `work`.

    What is kept is the report on the proofs that passed together; a refusal is looked into again.

    Raises:
        SessionError: as `work` does.
    """

    def key(placed: Sequence[Proof]) -> str:
        parts = [
            "\x00".join((proof.goal.id, proof.script, *(helper.text for helper in proof.helpers))) for proof in placed
        ]
        return content_key("gate", [*project_parts(project, lean), *sorted(parts)])

    known = cache.get(key(proofs), GateReport)
    if known is not None:
        return known
    report = await work()
    # The next run comes with what passed alone: the ledger does not offer again what was turned down.
    verdicts = {proof.goal.id: report.verdicts[proof.goal.id] for proof in report.accepted}
    cache.put(key(report.accepted), replace(report, verdicts=verdicts))
    return report


async def known_names(
    cache: ContentCache,
    project: Project,
    lean: str,
    names: Sequence[str],
    work: Callable[[], Awaitable[frozenset[str]]],
) -> frozenset[str]:
    """Which of `names` Lean's library declares, from the cache or by `work`.

    Raises:
        SessionError: as `work` does.
    """
    key = content_key("names", [*project_parts(project, lean), *names])
    known = cache.get(key, frozenset[str])
    if known is not None:
        return known
    found = await work()
    cache.put(key, found)
    return found


@dataclass(frozen=True)
class KnownNeeds:
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
        known = self._cache.get(key, KnownNeeds)
        if known is None:
            known = KnownNeeds(await work())
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
