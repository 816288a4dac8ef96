"""Stage: the theorems that proofs may use, ready before the first goal's time begins."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from orchestrator.config import PremisesChoice, Profile, Settings
from orchestrator.errors import OrchestratorError
from orchestrator.model_strategies import known_dense
from orchestrator.observer import Notice, StageProgress, StageStarted, notify
from orchestrator.paths import Paths
from orchestrator.premise_library import DEFAULT_IMPORTS, is_known, known_library, library_corpus
from orchestrator.premises.library import Library
from orchestrator.provision import Servers
from orchestrator.stopping import in_background
from tasks.stage import stage

NOT_COLLECTED = (
    "the library's theorems are not looked up, for they were not collected yet:"
    " `orchestrator premises build` does it once, in some minutes"
)


@stage("premises")
async def open_premises(
    settings: Settings, paths: Paths, servers: Servers, goals: Sequence[object], *, background: bool = False
) -> Library | None:
    """The library's theorems; None where there is nothing to prove, or where they are not there.

    They are collected first, which takes minutes once for each Lean, as the setting says: by every run, or by those
    that have the time. That this fails stops no run.

    Args:
        settings: whether they are collected, and the encoder of premises.
        paths, servers: where they are kept, and what they are collected with.
        goals: what is to be proved.
        background: whether the run has time.
    """
    if not goals or settings.profile is Profile.STUB:
        return None
    try:
        if not is_known(paths, servers):
            if not wanted(settings, background=background):
                notify(Notice(NOT_COLLECTED))
                return None
            notify(StageStarted("premises", "the library's theorems, once for this Lean; some minutes"))
            await library_corpus(
                paths,
                servers,
                DEFAULT_IMPORTS,
                progress=lambda module, count: notify(StageProgress(f"{count} so far, in {module}")),
            )
        return await in_background(partial(known_library, paths, servers, dense=partial(known_dense, settings)))
    except OrchestratorError as error:
        notify(Notice(f"the library's theorems are not looked up: {error}"))
        return None


def wanted(settings: Settings, *, background: bool) -> bool:
    """Whether a run collects theorems that are missing."""
    patient = background or settings.profile is Profile.THOROUGH
    return settings.premises is PremisesChoice.ON or (settings.premises is PremisesChoice.AUTO and patient)
