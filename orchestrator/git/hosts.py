"""What a source host can do for us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from orchestrator.errors import PublishError


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


GITHUB_API = "https://api.github.com"
GITLAB_API = "https://gitlab.com/api/v4"
_PAGE = 100


class Transport(Protocol):
    """Carries one request to the API."""

    def send(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """The JSON that came back.

        Raises:
            PublishError: the host refused, or did not answer.
        """


@dataclass(frozen=True, slots=True)
class HttpTransport:
    """Over HTTP. The headers hold the token, which no message repeats."""

    url: str
    headers: dict[str, str]
    seconds: float = 30.0

    def send(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """The JSON that came back."""
        address = self.url.rstrip("/") + path
        try:
            reply = httpx.request(method, address, json=content, headers=self.headers, timeout=self.seconds)
        except httpx.HTTPError as error:
            raise PublishError(
                f"the source host does not answer: {error}", where=address, hint="Check the address and the network"
            ) from error
        if reply.is_error:
            hint = {
                401: "The token is not accepted: give one that is valid",
                403: "The token may not do this: it needs the right to push and to open requests",
                404: "Check the repository's name, and that the token may see it",
            }.get(reply.status_code, "")
            words = " ".join(reply.text.split())[:300]
            raise PublishError(f"the source host refused with {reply.status_code}: {words}", where=address, hint=hint)
        try:
            return reply.json() if reply.content else None
        except ValueError as error:
            raise PublishError("the source host answered something that is not JSON", where=address) from error


@dataclass(frozen=True, slots=True)
class GitHub:
    """A repository on GitHub, or on a host that speaks its API."""

    repository: str
    transport: Transport

    @classmethod
    def at(cls, repository: str, token: str, *, url: str = GITHUB_API) -> GitHub:
        """With a token, over HTTP."""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return cls(repository, HttpTransport(url, {**headers, "Authorization": f"Bearer {token}"}))

    def default_branch(self) -> str:
        """The branch that is never pushed to."""
        return str(self.transport.send("GET", f"/repos/{self.repository}")["default_branch"])

    def find(self, branch: str) -> Request | None:
        """The open request from `branch`."""
        head = quote(f"{self.repository.partition('/')[0]}:{branch}", safe="")
        found = self.transport.send("GET", f"/repos/{self.repository}/pulls?state=open&head={head}")
        # A host that knows no filter gives all of them.
        mine = [pull for pull in found if pull["head"]["ref"] == branch]
        return Request(mine[0]["number"], mine[0]["html_url"]) if mine else None

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        """Open a pull request."""
        content = {"title": title, "head": branch, "base": base, "body": body}
        made = self.transport.send("POST", f"/repos/{self.repository}/pulls", content)
        return Request(made["number"], made["html_url"])

    def update(self, request: Request, title: str, body: str) -> None:
        """Change a pull request."""
        path = f"/repos/{self.repository}/pulls/{request.number}"
        self.transport.send("PATCH", path, {"title": title, "body": body})

    def comment(self, number: int, marker: str, body: str) -> None:
        """Comment, or change our comment."""
        path = f"/repos/{self.repository}/issues/{number}/comments"
        for page in range(1, 51):
            known = self.transport.send("GET", f"{path}?per_page={_PAGE}&page={page}")
            for each in known:
                if marker in (each.get("body") or ""):
                    mine = f"/repos/{self.repository}/issues/comments/{each['id']}"
                    self.transport.send("PATCH", mine, {"body": body})
                    return
            if len(known) < _PAGE:
                break
        self.transport.send("POST", path, {"body": body})


@dataclass(frozen=True, slots=True)
class GitLab:
    """A project on GitLab, or on a host that speaks its API."""

    repository: str
    transport: Transport

    @classmethod
    def at(cls, repository: str, token: str, *, url: str = GITLAB_API) -> GitLab:
        """With a token, over HTTP."""
        return cls(repository, HttpTransport(url, {"PRIVATE-TOKEN": token}))

    @property
    def _project(self) -> str:
        return f"/projects/{quote(self.repository, safe='')}"

    def default_branch(self) -> str:
        """The branch that is never pushed to."""
        return str(self.transport.send("GET", self._project)["default_branch"])

    def find(self, branch: str) -> Request | None:
        """The open request from `branch`."""
        query = f"state=opened&source_branch={quote(branch, safe='')}"
        found = self.transport.send("GET", f"{self._project}/merge_requests?{query}")
        mine = [each for each in found if each["source_branch"] == branch]
        return Request(mine[0]["iid"], mine[0]["web_url"]) if mine else None

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        """Open a merge request."""
        content = {"source_branch": branch, "target_branch": base, "title": title, "description": body}
        made = self.transport.send("POST", f"{self._project}/merge_requests", content)
        return Request(made["iid"], made["web_url"])

    def update(self, request: Request, title: str, body: str) -> None:
        """Change a merge request."""
        path = f"{self._project}/merge_requests/{request.number}"
        self.transport.send("PUT", path, {"title": title, "description": body})

    def comment(self, number: int, marker: str, body: str) -> None:
        """Comment, or change our comment."""
        path = f"{self._project}/merge_requests/{number}/notes"
        for page in range(1, 51):
            known = self.transport.send("GET", f"{path}?per_page={_PAGE}&page={page}")
            for each in known:
                if marker in (each.get("body") or ""):
                    self.transport.send("PUT", f"{path}/{each['id']}", {"body": body})
                    return
            if len(known) < _PAGE:
                break
        self.transport.send("POST", path, {"body": body})
