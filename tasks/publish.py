"""Stage: the patch."""

from __future__ import annotations

from orchestrator.helpers import naming
from orchestrator.patch import unified_diff
from orchestrator.selection import GateReport
from orchestrator.source import Project
from tasks.stage import stage


@stage("publish")
def make_patch(project: Project, gate: GateReport) -> str:
    """One diff over all changed files, for `git apply` at the root of the repository; it names the lemmas it adds."""
    changes = {path: (project.by_path[path].text, text) for path, text in gate.texts.items()}
    return naming(helper for proof in gate.accepted for helper in proof.helpers) + unified_diff(changes)
