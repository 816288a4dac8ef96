"""Stage: a clean tree of the repository at one commit, and its modules."""

from __future__ import annotations

from pathlib import Path

from orchestrator.lean.toolchain import EMBEDDED_LIBRARIES
from orchestrator.observer import StageStarted, notify
from orchestrator.repo.checkout import Checkout, checkout
from orchestrator.repo.project import load_project
from orchestrator.source import Project
from orchestrator.stages import importable
from orchestrator.stopping import in_background
from tasks.stage import stage


@stage("checkout")
async def check_out(repo: str, ref: str, cache: Path) -> tuple[Checkout, Project]:
    """Check `repo` out at `ref` and read its modules.

    Raises:
        RepositoryError: it cannot be had, or holds no file that could be worked on.
    """
    notify(StageStarted("checkout", f"{repo} at {ref}"))

    def work() -> tuple[Checkout, Project]:
        found = checkout(repo, ref, cache=cache)
        return found, load_project(found.path, commit=found.commit)

    found, project = await in_background(work)
    return found, importable(project, EMBEDDED_LIBRARIES)
