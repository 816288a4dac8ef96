"""Requests on a local server that speaks GitHub's and GitLab's API: opened once, then updated."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from orchestrator.errors import PublishError
from orchestrator.git.checkout import Checkout
from orchestrator.git.hosts import GitHub, GitLab, Host
from orchestrator.git.push import CommitDraft
from orchestrator.run.publish.publish import host_of, publish
from orchestrator.run.request import HostAccess, HostKind, Publish
from tests.doubles.memory_host import MemoryHost

TOKEN = "the-token"


class Api(BaseHTTPRequestHandler):
    """One repository `owner/name`, in the words of both hosts."""

    requests: list[dict[str, Any]]
    comments: list[dict[str, Any]]
    calls: list[str]

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def answer(self) -> None:
        address = urlsplit(self.path)
        path, query = unquote(address.path), parse_qs(address.query)
        length = int(self.headers.get("Content-Length") or 0)
        content = json.loads(self.rfile.read(length)) if length else {}
        given = self.headers.get("Authorization", "").removeprefix("Bearer ") or self.headers.get("PRIVATE-TOKEN")
        self.calls.append(f"{self.command} {path}")
        status, value = (401, {"message": "Bad credentials"}) if given != TOKEN else self.work(path, query, content)
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 (the names are http.server's)

    def work(self, path: str, query: dict[str, list[str]], content: dict[str, Any]) -> tuple[int, Any]:
        lab = path.startswith("/projects/owner/name")
        path = path.removeprefix("/projects/owner/name" if lab else "/repos/owner/name")
        if path == "":
            return 200, {"default_branch": "main"}
        if path in ("/pulls", "/merge_requests"):
            if self.command == "GET":
                branch = query["source_branch" if lab else "head"][0].removeprefix("owner:")
                return 200, [each for each in self.requests if each["source_branch"] == branch]
            branch = content["source_branch" if lab else "head"]
            number = len(self.requests) + 7
            made = {"number": number, "iid": number, "html_url": f"h/{number}", "web_url": f"h/{number}"}
            made |= {"source_branch": branch, "head": {"ref": branch}, **content} | {"head": {"ref": branch}}
            self.requests.append(made)
            return 201, made
        if re.fullmatch(r"/(pulls|merge_requests)/\d+", path) and self.command == ("PUT" if lab else "PATCH"):
            request = next(each for each in self.requests if path.endswith(f"/{each['number']}"))
            request.update(content)
            return 200, request
        if path.endswith(("/comments", "/notes")):
            if self.command == "GET":
                return 200, self.comments
            self.comments.append({"id": len(self.comments) + 1, **content})
            return 201, self.comments[-1]
        self.comments[int(path.rpartition("/")[2]) - 1].update(content)
        return 200, {}


@pytest.fixture
def api() -> Iterator[tuple[str, type[Api]]]:
    handler = type("Handler", (Api,), {"requests": [], "comments": [], "calls": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def use(host: Host) -> None:
    """Open a request and update it; comment twice."""
    assert host.default_branch() == "main"
    assert host.find("ours") is None
    opened = host.open("ours", "main", "Prove 1 sorry", "first")
    found = host.find("ours")
    assert found == opened
    host.update(opened, "Prove 2 sorries", "second")
    host.comment(opened.number, "<!-- m -->", "<!-- m --> one")
    host.comment(opened.number, "<!-- m -->", "<!-- m --> two")


@pytest.mark.parametrize("kind", [GitHub, GitLab])
def test_a_request_is_opened_once_and_then_updated(
    api: tuple[str, type[Api]], kind: type[GitHub] | type[GitLab]
) -> None:
    url, server = api
    use(kind("owner/name", TOKEN, url=url))
    (request,) = server.requests
    assert request["title"] == "Prove 2 sorries"
    assert request["description" if kind is GitLab else "body"] == "second"
    assert [comment["body"] for comment in server.comments] == ["<!-- m --> two"]


def test_a_pull_request_for_a_pushed_branch_is_opened_and_later_updated(
    api: tuple[str, type[Api]], tmp_path: Path
) -> None:
    url, server = api
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    (tmp_path / "A.lean").write_text("sorry")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    reply = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    found = Checkout(str(tmp_path), "HEAD", reply.stdout.strip(), tmp_path)
    access = HostAccess(kind=HostKind.GITHUB, repository="owner/name", token=TOKEN, api_url=url)
    goal = {"declaration": "a", "file": "A.lean", "line": 1, "tactics": ["rfl"], "strategy": "micro", "note": ""}
    words = []
    for proved in (1, 2):
        goals = [{**goal, "status": "solved", "verdict": None}] * proved
        summary = {"goals": goals, "commit": found.commit, "run_id": "r", "lean": "4.28", "blueprint": []}
        commits = [CommitDraft(f"Prove {n}\n", {"A.lean": f"rfl {n}"}) for n in range(proved)]
        words += publish(Publish.PR, found, commits, summary, branch="ours", host=host_of(access), access=access)
    assert [word.partition(" ")[0] for word in words] == ["pushed", "opened", "pushed", "updated"]
    (request,) = server.requests
    assert (request["title"], request["base"]) == ("Prove 2 sorries", "main")
    assert request["body"].count("`rfl` (micro)") == 2
    assert sum(call == "POST /repos/owner/name/pulls" for call in server.calls) == 1


def test_the_host_in_memory_does_the_same() -> None:
    host = MemoryHost()
    use(host)
    ((_, title, body),) = host.requests.values()
    assert (title, body) == ("Prove 2 sorries", "second")
    assert host.comments == {1: {"<!-- m -->": "<!-- m --> two"}}


def test_a_token_that_is_not_accepted(api: tuple[str, type[Api]]) -> None:
    with pytest.raises(PublishError, match=r"401.*The token is not accepted") as caught:
        GitHub("owner/name", "wrong-token", url=api[0]).find("ours")
    assert "wrong-token" not in str(caught.value)


def test_a_host_that_does_not_answer() -> None:
    with pytest.raises(PublishError, match="does not answer"):
        GitLab("owner/name", TOKEN, url="http://127.0.0.1:9").default_branch()
