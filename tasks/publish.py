"""Stage: the patch; and, where asked for, a branch and a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.gate.selection import GateReport
from orchestrator.git.checkout import Checkout
from orchestrator.git.push import CommitDraft
from orchestrator.run.publish.publish import comment_on_push, host_of, publish
from orchestrator.run.request import RunRequest
from orchestrator.run.stop import in_background
from orchestrator.source.diff import unified_diff
from orchestrator.source.helper_lemmas import naming
from orchestrator.source.project import Project
from tasks.stage import stage


@stage("publish")
def make_patch(project: Project, gate: GateReport) -> str:
    """One diff over all changed files, for `git apply` at the root of the repository; it names the lemmas it adds."""
    changes = {path: (project.by_path[path].text, text) for path, text in gate.texts.items()}
    return naming(helper for proof in gate.accepted for helper in proof.helpers) + unified_diff(changes)


@stage("push")
async def publish_run(
    order: RunRequest, found: Checkout, commits: Sequence[CommitDraft], summary: Mapping[str, Any], branch: str
) -> tuple[str, ...]:
    """Push the branch, open or update the request, comment on the push; what was done, a line each.

    Raises:
        PublishError: git or the host refused.
    """

    def work() -> tuple[str, ...]:
        host = host_of(order.host) if order.host is not None and order.host.token else None
        done = publish(order.publish, found, commits, summary, branch=branch, host=host, access=order.host)
        if host is not None and order.comment_on:
            done += comment_on_push(host, order.comment_on, summary)
        return done

    return await in_background(work)
