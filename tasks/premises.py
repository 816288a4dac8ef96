"""Stage: the constants of imported libraries, collected once for each Lean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from orchestrator.config import Paths, Profile, Settings, Switch
from orchestrator.errors import OrchestratorError
from orchestrator.goals.events import Notice, StageProgress, StageStarted, notify
from orchestrator.lean.servers import Servers
from orchestrator.premises.embeddings import dense_retriever
from orchestrator.premises.library import Library
from orchestrator.premises.store import DEFAULT_IMPORTS, is_known, known_library, library_corpus
from orchestrator.run.stop import in_background
from orchestrator.run.theorems import with_compiled_theorems
from tasks.stage import stage

add_compiled_theorems = stage("premises")(with_compiled_theorems)


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


def wanted(settings: Settings, *, background: bool) -> bool:
    """Whether a run collects theorems that are missing."""
    patient = background or settings.profile is Profile.THOROUGH
    return settings.premises is Switch.ON or (settings.premises is Switch.AUTO and patient)
