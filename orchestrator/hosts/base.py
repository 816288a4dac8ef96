"""What a source host can do for us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """A pull or merge request: its number, and the page people see."""

    number: int
    url: str


class Host(Protocol):
    """One repository on a source host.

    Every method raises PublishError when the host refuses or does not answer.
    """

    def default_branch(self) -> str:
        """The branch that is never pushed to."""

    def find(self, branch: str) -> Request | None:
        """The open request from `branch`."""

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        """Open a request to merge `branch` into `base`."""

    def update(self, request: Request, title: str, body: str) -> None:
        """Give a request another title and body."""

    def comment(self, number: int, marker: str, body: str) -> None:
        """Comment on a request; a comment of ours, known by `marker` in it, is changed instead of repeated."""


@dataclass
class MemoryHost:
    """A host in memory: what was opened, by branch, and comments by number."""

    base: str = "main"
    requests: dict[str, tuple[Request, str, str]] = field(default_factory=dict)
    comments: dict[int, dict[str, str]] = field(default_factory=dict)

    def default_branch(self) -> str:
        """The base it was made with."""
        return self.base

    def find(self, branch: str) -> Request | None:
        """The request opened from `branch`."""
        return self.requests[branch][0] if branch in self.requests else None

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        """Keep a request."""
        request = Request(len(self.requests) + 1, f"memory:{branch}")
        self.requests[branch] = (request, title, body)
        return request

    def update(self, request: Request, title: str, body: str) -> None:
        """Change a request."""
        branch = next(branch for branch, kept in self.requests.items() if kept[0] == request)
        self.requests[branch] = (request, title, body)

    def comment(self, number: int, marker: str, body: str) -> None:
        """Keep a comment, one a marker."""
        self.comments.setdefault(number, {})[marker] = body
