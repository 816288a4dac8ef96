"""Stage: a clean tree of the repository at one commit, and its modules."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from orchestrator.observer import StageStarted, notify
from orchestrator.repo.checkout import Checkout, checkout
from orchestrator.repo.project import load_project
from orchestrator.source import Project


@task(name="checkout", cache_policy=NO_CACHE, persist_result=False)
def check_out(repo: str, ref: str, cache: Path) -> tuple[Checkout, Project]:
    """Check `repo` out at `ref` and read its modules."""
    notify(StageStarted("checkout", f"{repo} at {ref}"))
    found = checkout(repo, ref, cache=cache)
    return found, load_project(found.path, commit=found.commit)
