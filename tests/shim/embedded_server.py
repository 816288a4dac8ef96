"""The embedded Lean's server behind a shim, spoken to line by line; it ends when its pipe is closed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SECONDS = 600


@dataclass
class Server:
    """A running server, and all the commands that it was sent."""

    process: subprocess.Popen[str]
    sent: str = ""
    bases: dict[object, int] = field(default_factory=dict)
    """Environments that may be asked for again, by what made them."""

    @classmethod
    def start(cls, launch: Path) -> Server:
        """Start it from a JSON file with its command, environment and folder."""
        how = json.loads(launch.read_text(encoding="utf-8"))
        server = cls(
            subprocess.Popen(
                how["command"],
                env=how["environment"],
                cwd=how["folder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
        )
        while "ready" not in server._line():
            pass
        return server

    def ask(self, request: Json) -> Json:
        """One request, one reply."""
        self.sent += str(request.get("cmd") or request.get("file") or "")
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": "shim", **request}, ensure_ascii=False) + "\n")
        self.process.stdin.flush()
        while True:
            line = self._line()
            if "reply" in line:
                reply: Json = line["reply"]
                return reply

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()

    def _line(self) -> Json:
        assert self.process.stdout is not None
        while True:
            line = self.process.stdout.readline()
            if not line:
                sys.exit(1)
            if line.startswith("{"):
                value: Json = json.loads(line)
                return value
