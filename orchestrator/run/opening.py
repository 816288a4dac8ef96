"""A repository opened for work beside a run, or for one: checked out, elaborated, with Lean servers of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from orchestrator.config import Settings
from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.lean.extraction import Extraction, extract, known_extraction, to_elaborate
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.ledger.store import Ledger
from orchestrator.run.assembly import run_ledger
from orchestrator.run.request import RunRequest
from orchestrator.run.run import Repository, Run
from orchestrator.run.stop import Stop
from orchestrator.source.loading import nothing_usable
from orchestrator.source.project import SourceModule


@asynccontextmanager
async def open_run(request: RunRequest, settings: Settings, store: Ledger) -> AsyncIterator[Run]:
    """What the request is about, with Lean servers, until the block ends; the ledger is told of no run.

    Raises:
        RepositoryError: it cannot be had, or holds no file that could be worked on.
        LeanError: no Lean can be used.
    """
    # Git and the installation of Lean wait for other processes; whoever asks for something else goes on meanwhile.
    repository = await asyncio.to_thread(Repository.at, request, settings)
    project = repository.project
    found = await asyncio.to_thread(choose_lean, settings, settings.paths, project)
    servers = await asyncio.to_thread(provision, settings, settings.paths, found, project, repo=request.repo)
    ledger = run_ledger(store, settings, repository, lean=servers.identity, stop=Stop(lambda: None))
    async with servers.pool(project) as pool:

        async def elaborate(modules: Sequence[SourceModule]) -> Extraction:
            async with pool.workspace() as workspace:
                modules = await to_elaborate(workspace.session, modules)
                return await extract(workspace, modules, difficulty=estimated_difficulty)

        answers = ContentCache(settings.paths.answers)
        extraction = await known_extraction(answers, project, servers.identity, elaborate, pool.compiled)
        if not extraction.declarations and extraction.problems:
            raise nothing_usable(project, (*project.problems, *extraction.problems))
        yield Run(request, settings, repository, servers, ledger, pool, extraction, answers)
