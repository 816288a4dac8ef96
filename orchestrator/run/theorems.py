"""What the goals of a run import of the project's own compiled files, which nobody elaborated."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.errors import OrchestratorError
from orchestrator.goals.events import Notice, StageStarted, notify
from orchestrator.lean.lake import compiled_module
from orchestrator.premises.compiled import CompiledConstants
from orchestrator.premises.library import Library
from orchestrator.run.run import Run
from orchestrator.text import counted


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
