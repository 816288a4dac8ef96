"""Title and body of a pull request, and of the comment on a push. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.run.report.render import templates
from orchestrator.text import counted

MARKER = "<!-- lean-orchestrator -->"
"""By this a comment of ours is found again."""


def title(summary: Mapping[str, Any]) -> str:
    """Such as "Prove 12 sorries"."""
    return f"Prove {counted(_number(summary, 'solved', 'conditional'), 'sorry', 'sorries')}"


def body(summary: Mapping[str, Any]) -> str:
    """What was proved, what is conditional, what looks false, and how it was checked."""
    return templates().get_template("pull_request.md").render(run=summary, marker=MARKER)


def push_comment(summary: Mapping[str, Any]) -> str:
    """What a push made provable; "" when there is nothing to say."""
    if not _number(summary, "solved", "conditional", "looks_false"):
        return ""
    return templates().get_template("push_comment.md").render(run=summary, marker=MARKER)


def _number(summary: Mapping[str, Any], *statuses: str) -> int:
    return sum(goal["status"] in statuses for goal in summary["goals"])
