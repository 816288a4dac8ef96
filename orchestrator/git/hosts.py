"""What a source host does for us: pull or merge requests, and comments on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from orchestrator.errors import PublishError

GITHUB_API = "https://api.github.com"
GITLAB_API = "https://gitlab.com/api/v4"
_PAGE = 100
_MOST_PAGES = 50
_SECONDS = 30.0
_HINTS = {
    401: "The token is not accepted: give one that is valid",
    403: "The token may not do this: it needs the right to push and to open requests",
    404: "Check the repository's name, and that the token may see it",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A pull or merge request: its number, and the page people see."""

    number: int
    url: str


class Host(ABC):
    """One repository on a source host, at `path` of an API over HTTP; the headers hold the token, which no message
    repeats. Every method raises PublishError when the host refuses or does not answer.
    """

    def __init__(self, url: str, path: str, headers: dict[str, str]) -> None:
        self._address = url.rstrip("/") + path
        self._headers = headers

    def _send(self, method: str, path: str = "", content: dict[str, Any] | None = None) -> Any:
        """The JSON that came back."""
        address = self._address + path
        try:
            reply = httpx.request(method, address, json=content, headers=self._headers, timeout=_SECONDS)
        except httpx.HTTPError as error:
            raise PublishError(
                f"the source host does not answer: {error}", where=address, hint="Check the address and the network"
            ) from error
        if reply.is_error:
            words = " ".join(reply.text.split())[:300]
            raise PublishError(
                f"the source host refused with {reply.status_code}: {words}",
                where=address,
                hint=_HINTS.get(reply.status_code, ""),
            )
        try:
            return reply.json() if reply.content else None
        except ValueError as error:
            raise PublishError("the source host answered something that is not JSON", where=address) from error

    @abstractmethod
    def find(self, branch: str) -> Request | None:
        """The open request from `branch`."""

    @abstractmethod
    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        """Open a request to merge `branch` into `base`."""

    @abstractmethod
    def update(self, request: Request, title: str, body: str) -> None:
        """Give a request another title and body."""

    @abstractmethod
    def comment(self, number: int, marker: str, body: str) -> None:
        """Comment on a request; a comment of ours, known by `marker` in it, is changed instead of repeated."""

    def default_branch(self) -> str:
        """The branch that is never pushed to."""
        return str(self._send("GET")["default_branch"])

    def _comment_once(self, path: str, marker: str, body: str) -> int | None:
        """Comment at `path`; or the id of the comment of ours that is there, which is to be changed."""
        for page in range(1, _MOST_PAGES + 1):
            known = self._send("GET", f"{path}?per_page={_PAGE}&page={page}")
            for each in known:
                if marker in (each.get("body") or ""):
                    return int(each["id"])
            if len(known) < _PAGE:
                break
        self._send("POST", path, {"body": body})
        return None


class GitHub(Host):
    """A repository on GitHub, or on a host that speaks its API."""

    def __init__(self, repository: str, token: str, *, url: str = GITHUB_API) -> None:
        self._owner = repository.partition("/")[0]
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        super().__init__(url, f"/repos/{repository}", {**headers, "Authorization": f"Bearer {token}"})

    def find(self, branch: str) -> Request | None:
        head = quote(f"{self._owner}:{branch}", safe="")
        found = self._send("GET", f"/pulls?state=open&head={head}")
        # A host that knows no filter gives all of them.
        mine = [pull for pull in found if pull["head"]["ref"] == branch]
        return Request(mine[0]["number"], mine[0]["html_url"]) if mine else None

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        made = self._send("POST", "/pulls", {"title": title, "head": branch, "base": base, "body": body})
        return Request(made["number"], made["html_url"])

    def update(self, request: Request, title: str, body: str) -> None:
        self._send("PATCH", f"/pulls/{request.number}", {"title": title, "body": body})

    def comment(self, number: int, marker: str, body: str) -> None:
        if (known := self._comment_once(f"/issues/{number}/comments", marker, body)) is not None:
            self._send("PATCH", f"/issues/comments/{known}", {"body": body})


class GitLab(Host):
    """A project on GitLab, or on a host that speaks its API."""

    def __init__(self, repository: str, token: str, *, url: str = GITLAB_API) -> None:
        super().__init__(url, f"/projects/{quote(repository, safe='')}", {"PRIVATE-TOKEN": token})

    def find(self, branch: str) -> Request | None:
        found = self._send("GET", f"/merge_requests?state=opened&source_branch={quote(branch, safe='')}")
        mine = [each for each in found if each["source_branch"] == branch]
        return Request(mine[0]["iid"], mine[0]["web_url"]) if mine else None

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        content = {"source_branch": branch, "target_branch": base, "title": title, "description": body}
        made = self._send("POST", "/merge_requests", content)
        return Request(made["iid"], made["web_url"])

    def update(self, request: Request, title: str, body: str) -> None:
        self._send("PUT", f"/merge_requests/{request.number}", {"title": title, "description": body})

    def comment(self, number: int, marker: str, body: str) -> None:
        path = f"/merge_requests/{number}/notes"
        if (known := self._comment_once(path, marker, body)) is not None:
            self._send("PUT", f"{path}/{known}", {"body": body})
