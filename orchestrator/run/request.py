"""What a run is asked to do, as one value. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Publish(StrEnum):
    """What becomes of verified proofs."""

    PATCH = "patch"
    BRANCH = "branch"
    PR = "pr"
    PULL_REQUEST = PR


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
        ref: branch, tag or commit.
        out: folder for the results; "" for none.
        publish: how far publishing goes.
        host: where to publish; None pushes to the repository itself and opens nothing.
        since: only what changed since this commit, and what depends on it; "" for everything.
        only: the goal at this place, `FILE:LINE` or `FILE:LINE:COLUMN`, alone; "" for every goal.
        comment_on: number of the request on the host to comment on, 0 for none.
        background: hold back while the machine is busy, and try one strategy on a goal at a time.
        more_time: give what ran out of time before twice as much.
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
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
