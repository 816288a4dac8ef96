"""A source host in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.git.hosts import Host, Request


@dataclass
class MemoryHost(Host):
    """What was opened, by branch, and comments by number."""

    requests: dict[str, tuple[Request, str, str]] = field(default_factory=dict)
    comments: dict[int, dict[str, str]] = field(default_factory=dict)

    def default_branch(self) -> str:
        return "main"

    def find(self, branch: str) -> Request | None:
        return self.requests[branch][0] if branch in self.requests else None

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        request = Request(len(self.requests) + 1, f"memory:{branch}")
        self.requests[branch] = (request, title, body)
        return request

    def update(self, request: Request, title: str, body: str) -> None:
        branch = next(branch for branch, kept in self.requests.items() if kept[0] == request)
        self.requests[branch] = (request, title, body)

    def comment(self, number: int, marker: str, body: str) -> None:
        self.comments.setdefault(number, {})[marker] = body
