"""The marketplace of one repository with a real Lean behind it, for as long as somebody needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from orchestrator.config import Paths, Settings
from orchestrator.errors import MarketplaceError
from orchestrator.git.checkout import checkout
from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.lean.extraction import Extraction, extract, known_extraction, to_elaborate
from orchestrator.lean.pool import Pool
from orchestrator.lean.servers import Servers, choose_lean, provision, usable
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import TicketLocation
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.marketplace.placement import location_of
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project, SourceModule


@dataclass(frozen=True, slots=True)
class RepositoryMarket:
    """The marketplace of a repository, and where its sorries are, by declaration."""

    market: Marketplace
    locations: Mapping[str, TicketLocation]

    def located(self, location: TicketLocation) -> TicketLocation:
        """The location that somebody named, with what a run would know of it.

        Raises MarketplaceError: no such declaration.
        """
        if not location.declaration:
            return replace(location, file=f"{location.module.replace('.', '/')}.lean") if location.module else location
        if location.declaration not in self.locations:
            hint = "`orchestrator extract` lists the declarations that have one"
            raise MarketplaceError(f"`{location.declaration}` has no sorry", hint=hint)
        return self.locations[location.declaration]


@asynccontextmanager
async def open_market(repo: str, ledger: Ledger, settings: Settings, paths: Paths) -> AsyncIterator[RepositoryMarket]:
    """Start a Lean for `repo` ("" for none: what imports bring), and end it afterwards.

    Raises:
        CheckoutError: `repo` names no repository.
        LeanError: no Lean can be used.
    """
    # Git and the installation of Lean wait for other processes; whoever serves pages goes on meanwhile.
    project, source, servers = await asyncio.to_thread(_prepare, repo, settings, paths)
    async with Pool([servers.session()], project) as pool:

        async def elaborate(modules: Sequence[SourceModule]) -> Extraction:
            async with pool.workspace() as workspace:
                modules = await to_elaborate(workspace.session, modules)
                return await extract(workspace, modules, difficulty=estimated_difficulty)

        answers = ContentCache(paths.answers)
        extraction = await known_extraction(answers, project, servers.identity, elaborate, pool.compiled)
        checker = LeanChecker(pool, servers.fresh, extraction.goals, lean=servers.identity, open_gate=servers.for_gate)
        locations = {goal.declaration: location_of(goal, project) for goal in extraction.goals}
        yield RepositoryMarket(Marketplace(ledger, checker, repo=source), locations)


def _prepare(repo: str, settings: Settings, paths: Paths) -> tuple[Project, str, Servers]:
    project, source = Project("none", "/"), ""
    if repo:
        found = checkout(repo, "HEAD", cache=paths.checkouts)
        project = usable(settings, paths, load_project(found.path, commit=found.commit))
        source = found.source
    lean = choose_lean(settings, paths, project)
    return project, source, provision(settings, paths, lean, project if repo else None, repo=repo)
