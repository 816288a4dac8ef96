"""Stage: the Lean that the project is worked on with, installed if it is not there."""

from __future__ import annotations

from orchestrator.config import Paths, Settings
from orchestrator.goals.events import Notice, StageProgress, StageStarted, notify
from orchestrator.lean.embedded.install import INSTALLATION
from orchestrator.lean.servers import Servers, choose_lean, lake_folder, provision
from orchestrator.run.stop import in_background
from orchestrator.source.project import Project
from tasks.stage import stage


@stage("lean")
async def set_up_lean(settings: Settings, paths: Paths, project: Project, repo: str = "") -> Servers:
    """Choose a Lean and make it ready. A native one uses the packages that are built in `repo` where that is a folder.

    Raises:
        LeanError: none can be used.
    """

    def work() -> Servers:
        found = choose_lean(settings, paths, project)
        notify(StageStarted("lean", f"{found.version} ({found.kind})"))
        for warning in found.warnings:
            notify(Notice(warning))
        return provision(
            settings,
            paths,
            found,
            folder=lake_folder(repo, project) if repo else None,
            progress=lambda step, _done: notify(StageProgress(INSTALLATION.get(step, step))),
        )

    return await in_background(work)
