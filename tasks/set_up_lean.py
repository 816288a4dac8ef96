"""Stage: the Lean that the project is worked on with, installed if it is not there."""

from __future__ import annotations

from orchestrator.config import Settings
from orchestrator.observer import Notice, StageProgress, StageStarted, notify
from orchestrator.paths import Paths
from orchestrator.provision import Servers, choose_lean, lake_folder, provision
from orchestrator.source import Project
from orchestrator.stages import INSTALLATION
from orchestrator.stopping import in_background
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
