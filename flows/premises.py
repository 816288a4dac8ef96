"""Collect the theorems of the libraries that a repository imports, so that strategies can look them up."""

from __future__ import annotations

from typing import cast

from prefect import flow
from prefect.states import Completed

from orchestrator.config import load_settings
from orchestrator.goals.events import observed_by
from orchestrator.premises.store import DEFAULT_IMPORTS
from orchestrator.source.project import Project
from orchestrator.text import counted
from tasks.artifacts import run_log, run_name
from tasks.begin import set_up_lean
from tasks.premises import collect_premises


@flow(name="premises", flow_run_name=run_name, persist_result=False, validate_parameters=False)
async def premises(imports: tuple[str, ...] = DEFAULT_IMPORTS, force: bool = False) -> int:
    """Collect what `imports` bring, unless that was done for this Lean before; minutes when it was not.

    Args:
        imports: modules to import.
        force: even if it was done before.

    Returns:
        How many premises there are.

    Raises:
        OrchestratorError: Lean cannot be set up, or cannot import a module.
    """
    settings = load_settings()
    paths = settings.paths
    with observed_by(run_log()):
        servers = await set_up_lean(settings, Project("premises", ""))
        found = await collect_premises(paths, servers, imports, force)
    return cast(int, Completed(message=counted(found, "theorem"), data=found))
