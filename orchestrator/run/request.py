"""What a run is asked to do, as one value. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

from orchestrator.config import Profile
from orchestrator.errors import ConfigError
from orchestrator.scheduler.plan import USUAL_SECONDS


class Publish(StrEnum):
    """What becomes of verified proofs."""

    PATCH = "patch"
    BRANCH = "branch"
    PR = "pr"
    PULL_REQUEST = PR  # so that the command line takes the whole word, too


class HostKind(StrEnum):
    """Whose API a source host speaks."""

    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAccess:
    """A repository on a source host, and the right to change it. The token is not printed."""

    kind: HostKind
    repository: str
    token: str = field(default="", repr=False)
    api_url: str = ""
    push_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a run is asked to do.

    Attributes:
        repo: local path or URL.
        out: folder for the results; "" for none.
        publish: how far publishing goes.
        host: where to publish; None pushes to the repository itself and opens nothing.
        since: only what changed since this commit, and what depends on it; "" for everything.
        only: the goal at this location, `FILE:LINE` or `FILE:LINE:COLUMN`, alone; "" for every goal.
        comment_on: number of the request on the host to comment on, 0 for none.
        background: hold back while the machine is busy, and try one strategy on a goal at a time.
        more_time: give what ran out of time before twice as much.
        usual_budget: seconds that strategies may work where neither a setting nor the project's owner says it.
        settings: what is set over the environment.
    """

    repo: str
    ref: str = "HEAD"
    out: str = ""
    publish: Publish = Publish.PATCH
    host: HostAccess | None = None
    since: str = ""
    only: str = ""
    comment_on: int = 0
    background: bool = False
    more_time: bool = False
    usual_budget: float = USUAL_SECONDS
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Asked(TypedDict, total=False):
    """What a person asks of a run, as a command or a flow takes it; what is left out, "" or None is not asked for."""

    repo: str
    ref: str
    profile: int | None
    budget_seconds: float | None
    out: str
    publish: str
    since: str
    only: str
    comment_on: int
    background: bool
    more_time: bool
    usual_budget: float
    runner: str


def request_of(
    asked: Asked, *, host: HostAccess | None = None, settings: Mapping[str, Any] | None = None
) -> RunRequest:
    """The request, with `settings` for what is not asked for.
    Raises ConfigError: no repository is named, or a word is none of those allowed.
    """
    if not asked.get("repo"):
        hint = "Give the parameter repo, or project with the name of a Lean project block (orchestrator setup --repo …)"
        raise ConfigError("no repository is named", where="repo", hint=hint)
    word = asked.get("publish") or Publish.PATCH
    if word not in set(Publish):
        raise ConfigError(f"publish cannot be {word!r}", where="publish", hint=f"Allowed: {', '.join(Publish)}")
    chosen, profile, budget = dict(settings or {}), asked.get("profile"), asked.get("budget_seconds")
    if profile is not None:
        chosen["profile"] = Profile(profile)
    if budget is not None:
        chosen["timeout"] = budget
    if asked.get("runner"):
        chosen["runner"] = asked["runner"]
    if asked.get("background"):
        chosen["speculation"] = 1
    return RunRequest(
        repo=asked["repo"],
        ref=asked.get("ref") or "HEAD",
        out=asked.get("out", ""),
        publish=Publish(word),
        host=host,
        since=asked.get("since", ""),
        only=asked.get("only", ""),
        comment_on=asked.get("comment_on", 0),
        background=asked.get("background", False),
        more_time=asked.get("more_time", False),
        usual_budget=asked.get("usual_budget", USUAL_SECONDS),
        settings=chosen,
    )
