"""GitHub's and GitLab's API on a local server, for one repository."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "the-token"


class HostApi(BaseHTTPRequestHandler):
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


@contextmanager
def host_api() -> Iterator[tuple[str, type[HostApi]]]:
    """Inside the block, the address of the API, and what it was asked for; it takes `TOKEN` alone."""
    handler = type("Handler", (HostApi,), {"requests": [], "comments": [], "calls": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
