"""How far publishing goes, and whose API is spoken."""

from __future__ import annotations

from enum import StrEnum


class Publish(StrEnum):
    """What becomes of verified proofs."""

    PATCH = "patch"
    BRANCH = "branch"
    PULL_REQUEST = "pr"


class HostKind(StrEnum):
    """Whose API a source host speaks."""

    GITHUB = "github"
    GITLAB = "gitlab"
