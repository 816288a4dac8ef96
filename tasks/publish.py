"""Stage: the patch."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.patch import unified_diff
from orchestrator.source import Project
from tasks.stage import stage


@stage("publish")
def make_patch(project: Project, texts: Mapping[str, str]) -> str:
    """One diff over all changed files, for `git apply` at the root of the repository."""
    return unified_diff({path: (project.by_path[path].text, text) for path, text in texts.items()})
