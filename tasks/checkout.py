"""Stage: a clean tree of the repository at one commit, and its modules."""

from __future__ import annotations

from orchestrator.config import Paths, Settings
from orchestrator.git.checkout import Checkout, checkout
from orchestrator.goals.events import StageStarted, notify
from orchestrator.lean.servers import usable
from orchestrator.run.stop import in_background
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project
from tasks.stage import stage


@stage("checkout")
async def check_out(repo: str, ref: str, settings: Settings, paths: Paths) -> tuple[Checkout, Project]:
    """Check `repo` out at `ref` and read its modules.

    Raises:
        RepositoryError: it cannot be had, or holds no file that could be worked on.
        LeanNotFound: no Lean can be used for it.
    """
    notify(StageStarted("checkout", f"{repo} at {ref}"))

    def work() -> tuple[Checkout, Project]:
        found = checkout(repo, ref, cache=paths.checkouts)
        return found, usable(settings, paths, load_project(found.path, commit=found.commit))

    return await in_background(work)
