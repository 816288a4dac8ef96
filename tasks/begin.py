"""Stages: a clean tree of the repository, the Lean for it, and its sorries as goals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

from prefect.logging import get_run_logger

from orchestrator.config import Settings
from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.goals.events import Notice, StageProgress, StageStarted, notify, observed_by
from orchestrator.lean.embedded.install import INSTALLATION
from orchestrator.lean.extraction import Extraction, extract, known_extraction, to_elaborate, together
from orchestrator.lean.pool import Pool
from orchestrator.lean.servers import Servers, choose_lean, provision
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.ledger.store import Ledger
from orchestrator.run.assembly import recorded, run_ledger
from orchestrator.run.request import RunRequest
from orchestrator.run.run import Repository, Run
from orchestrator.run.stop import Stop, in_background
from orchestrator.source.loading import nothing_usable, offers_nothing
from orchestrator.source.project import Project, SourceModule
from orchestrator.text import counted
from tasks.artifacts import run_link, run_log
from tasks.stage import stage


@asynccontextmanager
async def beginning(request: RunRequest, settings: Settings, stop: Stop) -> AsyncIterator[Run]:
    """A run in the ledger, with Lean servers and the project's goals, until the block ends.
    Raises OrchestratorError: there is nothing to work on, or to work with.
    """
    with Ledger.open(settings.ledger) as store, observed_by(run_log()):
        repository = await check_out(request, settings)
        settings = repository.budgeted(settings, request.usual_budget)
        project = repository.project
        servers = await set_up_lean(settings, project, request.repo)
        ledger = run_ledger(store, settings, repository, lean=servers.identity, stop=stop)
        with recorded(ledger, repository.checkout, run_link()):
            async with servers.pool(project) as pool:
                answers = ContentCache(settings.paths.answers)
                extraction = await extract_goals(project, pool, servers.identity, answers)
                if extraction.goals and servers.copy is not None:
                    # With a Lean that the gate does not know, a night of proving would be for nothing.
                    await servers.copy.program()
                yield Run(request, settings, repository, servers, ledger, pool, extraction, answers)


@stage("checkout")
async def check_out(request: RunRequest, settings: Settings) -> Repository:
    """Check the repository out and read its modules.

    Raises:
        RepositoryError: it cannot be had, or holds no file that could be worked on.
        LeanNotFound: no Lean can be used for it.
    """
    notify(StageStarted("checkout", f"{request.repo} at {request.ref}"))
    return await in_background(partial(Repository.at, request, settings))


@stage("lean")
async def set_up_lean(settings: Settings, project: Project, repo: str = "") -> Servers:
    """Choose a Lean and make it ready. A native one uses the packages that are built in `repo` where that is a folder.
    Raises LeanError: none can be used.
    """

    def work() -> Servers:
        found = choose_lean(settings, settings.paths, project)
        notify(StageStarted("lean", f"{found.version} ({found.kind})"))
        for warning in found.warnings:
            notify(Notice(warning))
        return provision(
            settings,
            settings.paths,
            found,
            project if project.modules else None,
            repo=repo,
            progress=lambda step, _done: notify(StageProgress(INSTALLATION.get(step, step))),
        )

    return await in_background(work)


@stage("extract")
async def extract_goals(project: Project, pool: Pool, lean: str, answers: ContentCache) -> Extraction:
    """Elaborate the project's modules and collect their goals; one that is unchanged, or offers nothing, costs no Lean.

    Raises RepositoryError: no file elaborates.
    """
    if offers_nothing(project):
        return Extraction()
    notify(StageStarted("extract", counted(len(project.modules), "file"), len(project.modules)))
    begun = count()

    async def elaborate(modules: Sequence[SourceModule]) -> Extraction:
        # Every server will need the files, so that each of them may as well take some of the goals from here.
        async with pool.workspace() as workspace:
            modules = await to_elaborate(workspace.session, modules)
        waiting, broken = iter(modules), set[str]()

        async def some() -> Extraction:
            async with pool.workspace() as workspace:
                return await extract(
                    workspace,
                    waiting,
                    difficulty=estimated_difficulty,
                    progress=lambda module: notify(StageProgress(module.path, next(begun))),
                    broken=broken,
                )

        parts = await asyncio.gather(*(some() for _ in range(min(pool.size, len(modules)))))
        return together(parts, project.modules)

    found = await known_extraction(answers, project, lean, elaborate, pool.compiled)
    for problem in (*project.problems, *found.problems):
        get_run_logger().warning("left out %s: %s", problem.path, problem.message)
    if not found.declarations and found.problems:
        raise nothing_usable(project, (*project.problems, *found.problems))
    return found
