"""Stage: the constants of imported libraries, collected once for each Lean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from orchestrator.config import Paths, Profile, Settings, Switch
from orchestrator.errors import OrchestratorError
from orchestrator.goals.events import Notice, StageProgress, StageStarted, notify
from orchestrator.lean.lake import compiled_module
from orchestrator.lean.servers import Servers
from orchestrator.premises.compiled import CompiledConstants
from orchestrator.premises.embeddings import dense_retriever
from orchestrator.premises.library import Library
from orchestrator.premises.store import DEFAULT_IMPORTS, is_known, known_library, library_corpus
from orchestrator.run.run import Run
from orchestrator.run.stop import in_background
from orchestrator.text import counted
from tasks.stage import stage


@stage("premises")
async def collect_premises(paths: Paths, servers: Servers, imports: Sequence[str], force: bool) -> int:
    """How many premises the imports bring, collected again if they are not known or `force` says so.

    Raises:
        SessionError: the server broke.
        RequestRefused: Lean cannot import one of them.
    """
    notify(StageStarted("premises", ", ".join(imports)))
    corpus = await library_corpus(
        paths, servers, imports, force=force, progress=lambda module, _count: notify(StageProgress(module))
    )
    return len(corpus.premises)


def not_collected(imports: Sequence[str]) -> str:
    """That theorems are not looked up, with the command that collects them."""
    packages = [name for name in imports if name not in DEFAULT_IMPORTS]
    flags = "".join(f" --import {name}" for name in imports) if packages else ""
    whose = f"theorems of {', '.join(packages)}" if packages else "the library's theorems"
    return (
        f"{whose} are not looked up, for they were not collected yet:"
        f" `orchestrator premises build{flags}` does it once, in some minutes"
    )


@stage("premises")
async def open_premises(
    settings: Settings,
    servers: Servers,
    goals: Sequence[object],
    *,
    imports: Sequence[str] = DEFAULT_IMPORTS,
    background: bool = False,
) -> Library | None:
    """The library's theorems; None where there is nothing to prove, or where they are not there.

    They are collected first, which takes minutes once for each Lean, as the setting says: by every run, or by those
    that have the time. That this fails stops no run.

    Args:
        imports: whose theorems; those of Lean alone where these are not there.
        background: whether the run has time.
    """
    if not goals or settings.profile is Profile.STUB:
        return None
    paths = settings.paths
    try:
        if not is_known(paths, servers, imports):
            if wanted(settings, background=background):
                notify(StageStarted("premises", "the library's theorems, once for this Lean; some minutes"))
                await library_corpus(
                    paths,
                    servers,
                    imports,
                    progress=lambda module, count: notify(StageProgress(f"{count} so far, in {module}")),
                )
            else:
                notify(Notice(not_collected(imports)))
                if not is_known(paths, servers):
                    return None
                imports = DEFAULT_IMPORTS
        dense = partial(dense_retriever, settings, build=False)
        return await in_background(partial(known_library, paths, servers, imports, dense=dense))
    except OrchestratorError as error:
        notify(Notice(f"the library's theorems are not looked up: {error}"))
        return None


@stage("premises")
async def with_compiled_theorems(run: Run, library: Library | None) -> Run:
    """The run, knowing what its goals' files import of the project's own compiled files; for who looks theorems up.

    Each file is asked for once, as long as it and what it imports stay as they are. That this fails stops no run.
    """
    project, copy = run.project, run.servers.copy
    if library is None or copy is None:
        return run
    goals = {goal.module for goal in run.extraction.goals}
    above = {one for name in goals if name in project.by_name for one in project.closure(name)}
    needed = [one for one in project.modules if one in above and one.name not in run.extraction.declarations]
    constants = CompiledConstants(run.answers, project, run.servers.identity)
    known = constants.known(needed)
    missing = [one for one in needed if one.name not in known and compiled_module(copy.folder, one.name)]
    try:
        if missing:
            notify(StageStarted("premises", f"{counted(len(missing), 'compiled file')} of the project"))
            async with run.pool.workspace() as workspace:
                known |= await constants.ask(workspace.session, missing)
    except OrchestratorError as error:
        notify(Notice(f"theorems of the project's compiled files are not looked up: {error}"))
    return replace(run, extraction=replace(run.extraction, constants=known))


def wanted(settings: Settings, *, background: bool) -> bool:
    """Whether a run collects theorems that are missing."""
    patient = background or settings.profile is Profile.THOROUGH
    return settings.premises is Switch.ON or (settings.premises is Switch.AUTO and patient)
