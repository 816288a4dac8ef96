"""Stage: the constants of imported libraries, collected once for each Lean."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.observer import StageProgress, StageStarted, notify
from orchestrator.paths import Paths
from orchestrator.premise_library import library_corpus
from orchestrator.provision import Servers
from tasks.stage import stage


@stage("premises")
async def collect_premises(paths: Paths, servers: Servers, imports: Sequence[str], force: bool) -> int:
    """How many premises the imports bring, collected anew if they are not known or `force` says so.

    Raises:
        SessionError: the server broke.
        RequestRefused: Lean cannot import one of them.
    """
    notify(StageStarted("premises", ", ".join(imports)))
    corpus = await library_corpus(
        paths, servers, imports, force=force, progress=lambda module, _count: notify(StageProgress(module))
    )
    return len(corpus.premises)
