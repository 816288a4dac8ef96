"""Publishes a run: a branch of ours, and a pull request that is updated rather than repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.errors import PublishError
from orchestrator.git.checkout import Checkout
from orchestrator.git.hosts import GITHUB_API, GITLAB_API, GitHub, GitLab, Host
from orchestrator.git.push import CommitDraft, push_branch
from orchestrator.run.report.render import templates
from orchestrator.run.request import HostAccess, HostKind, Publish
from orchestrator.text import counted

MARKER = "<!-- lean-orchestrator -->"
"""By this a comment of ours is found again."""


def host_of(access: HostAccess) -> Host:
    """The host, over HTTP."""
    if access.kind is HostKind.GITLAB:
        return GitLab(access.repository, access.token, url=access.api_url or GITLAB_API)
    return GitHub(access.repository, access.token, url=access.api_url or GITHUB_API)


def publish(
    how: Publish,
    found: Checkout,
    commits: Sequence[CommitDraft],
    summary: Mapping[str, Any],
    *,
    branch: str,
    host: Host | None = None,
    access: HostAccess | None = None,
) -> tuple[str, ...]:
    """Do what `how` asks for, and say what was done, a line each.

    Args:
        how: patch does nothing here.
        commits: what to publish; without any, nothing is pushed or opened.
        host: where requests are opened.
        access: where to push and the token for it; the repository itself unless given.

    Raises:
        PublishError: git or the host refused, or `pr` has no host; it names the branch that is pushed all the same.
    """
    if how is Publish.PATCH or not commits:
        return ()
    pushed = push_branch(
        found.source,
        found.commit,
        branch,
        commits,
        prefix=found.prefix,
        push_url=access.push_url if access else "",
        token=access.token if access else "",
    )
    done = [
        f"pushed {counted(len(commits), 'commit')} to {pushed.branch}, now at {pushed.commit[:12]}"
        if pushed.moved
        else f"the branch {pushed.branch} is up to date at {pushed.commit[:12]}"
    ]
    return (*done, _requested(host, branch, summary)) if how is Publish.PR else tuple(done)


def _requested(host: Host | None, branch: str, summary: Mapping[str, Any]) -> str:
    pushed = f"The branch {branch} is pushed, but no pull request could be opened"
    if host is None:
        hint = "Name a Lean project block (--project) whose source host has a token, or open the pull request by hand"
        raise PublishError(f"{pushed}: no source host with a token is set up", hint=hint)
    try:
        request = host.find(branch)
        if request is None:
            return f"opened {host.open(branch, host.default_branch(), title(summary), body(summary)).url}"
        host.update(request, title(summary), body(summary))
        return f"updated {request.url}"
    except PublishError as error:
        hint = error.hint or "Open it by hand, or run again"
        raise PublishError(f"{pushed}: {error.what}", where=error.where, hint=hint) from error


def comment_on_push(host: Host, number: int, summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Say on a request what is proved, what is conditional or looks false, and which marks are not true; one comment,
    kept up to date. Raises PublishError: the host refused.
    """
    lies = any(mark["change"] == "removed" for mark in summary["blueprint"])
    if not lies and not _number(summary, "solved", "conditional", "looks_false"):
        return ()
    host.comment(number, MARKER, templates().get_template("push_comment.md").render(run=summary, marker=MARKER))
    return (f"commented on request {number}",)


def request_of_job(variables: Mapping[str, str]) -> tuple[HostAccess, int] | None:
    """The pull request that a CI job is for, by the variables that GitHub and GitLab give it; None for none.
    Raises PublishError: there is one, and no token to comment on it with.
    """
    number = re.fullmatch(r"refs/pull/(\d+)/merge", variables.get("GITHUB_REF", ""))
    if number is not None:
        kind, repository, api = HostKind.GITHUB, "GITHUB_REPOSITORY", "GITHUB_API_URL"
        token, which = "GITHUB_TOKEN", int(number[1])
    elif variables.get("CI_MERGE_REQUEST_IID"):
        kind, repository, api = HostKind.GITLAB, "CI_PROJECT_PATH", "CI_API_V4_URL"
        token, which = "GITLAB_TOKEN", int(variables["CI_MERGE_REQUEST_IID"])
    else:
        return None
    if not variables.get(token):
        raise PublishError(f"There is no token to comment with on request {which}", where=token, hint=f"Set {token}")
    return HostAccess(
        kind=kind, repository=variables[repository], token=variables[token], api_url=variables[api]
    ), which


def title(summary: Mapping[str, Any]) -> str:
    """Such as "Prove 12 sorries"; without a proof, only the blueprint's commit is there."""
    solved = _number(summary, "solved")
    return f"Prove {counted(solved, 'sorry', 'sorries')}" if solved else "Correct the marks of the blueprint"


def body(summary: Mapping[str, Any]) -> str:
    """What was proved, what is conditional, what looks false, and how it was checked."""
    return templates().get_template("pull_request.md").render(run=summary, marker=MARKER)


def _number(summary: Mapping[str, Any], *statuses: str) -> int:
    return sum(goal["status"] in statuses for goal in summary["goals"])
