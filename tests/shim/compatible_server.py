"""An OpenAI-compatible chat server that plays a script: what it answers, refuses, delays or garbles."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        text: what the model says.
        status: HTTP status; with anything but 200, `text` is the error's message.
        delay: seconds before it comes.
        raw: the body as it is, instead of an answer in form.
        finish: the reason why the model stopped.
    """

    text: str = ""
    status: int = 200
    delay: float = 0.0
    raw: str | None = None
    finish: str = "stop"

    def body(self) -> str:
        """What is sent."""
        if self.raw is not None:
            return self.raw
        if self.status != 200:
            return json.dumps({"error": {"message": self.text, "type": "error"}})
        message = {"role": "assistant", "content": self.text}
        return json.dumps(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": "scripted",
                "choices": [{"index": 0, "message": message, "finish_reason": self.finish}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
            }
        )


@dataclass
class Served:
    """The running server: its base URL, and every request with its key."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def serving(answers: Sequence[Answer]) -> Iterator[Served]:
    """A server on a loopback port that gives the answers in order, the last one again and again."""
    served = Served()
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            served.requests.append(json.loads(self.rfile.read(length)))
            served.keys.append(self.headers["Authorization"])
            answer = answers[min(len(served.requests), len(answers)) - 1]
            closing.wait(answer.delay)
            body = answer.body().encode()
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Retry-After-Ms", "10")
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # the client did not wait
                pass

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield served
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
