"""The community REPL's protocol, answered by the embedded Lean: JSON and a blank line in, JSON and a blank line out.

Run as `repl_shim.py LAUNCH`, where LAUNCH is a JSON file with the command, environment and folder of the embedded
server. What the REPL does not say (the kind of a sorry, axioms, heartbeats) is left out of the replies here, too.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SECONDS = 600
_AXIOMS = re.compile(r"(depends on axioms: )\[([^\]]*)\]")
_KNOWN = {"propext", "Classical.choice", "Quot.sound", "sorryAx", "Lean.ofReduceBool", "Lean.trustCompiler"}
_REPL_SEES = {"tactic", "term"}
_TACTICS = {"tactic": "sorry", "admit": "admit", "stop": "stop"}


class Server:
    """The embedded server behind this process; it ends when this process's end of the pipe is closed."""

    def __init__(self, launch: Path) -> None:
        how = json.loads(launch.read_text(encoding="utf-8"))
        self.sent = ""
        self._process = subprocess.Popen(
            how["command"],
            env=how["environment"],
            cwd=how["folder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        while "ready" not in self._line():
            pass

    def ask(self, request: Json) -> Json:
        """One request, one reply."""
        self.sent += str(request.get("cmd", ""))
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": "shim", **request}, ensure_ascii=False) + "\n")
        self._process.stdin.flush()
        while True:
            line = self._line()
            if "reply" in line:
                reply: Json = line["reply"]
                return reply

    def _line(self) -> Json:
        assert self._process.stdout is not None
        while True:
            line = self._process.stdout.readline()
            if not line:
                sys.exit(1)
            if line.startswith("{"):
                value: Json = json.loads(line)
                return value


def real_axioms(server: Server, text: str) -> str:
    """What `#print axioms` says, without imported theorems, which only the embedded Lean takes for axioms."""
    match = _AXIOMS.search(text)
    if match is None:
        return text
    named = [" ".join(name.split()) for name in match[2].split(",")]
    kept = [name for name in named if name in _KNOWN or f"axiom {name.rpartition('.')[2]}" in server.sent]
    if kept:
        return _AXIOMS.sub(rf"\1[{', '.join(kept)}]", text)
    return text[: match.start(1)] + "does not depend on any axioms"


def command(server: Server, request: Json) -> Json:
    """A `cmd` request, or a `path` one."""
    text = request["cmd"] if "cmd" in request else Path(request["path"]).read_text(encoding="utf-8")
    asked = {"cmd": text, "timeoutMs": SECONDS * 1000}
    if request.get("env") is not None:
        asked["env"] = request["env"]
    reply = server.ask(asked)
    if set(reply) == {"message"} or reply.get("env") is None:
        errors = [message["data"] for message in reply.get("messages", [])]
        return {"message": reply.get("message") or "\n".join(errors) or "no environment"}
    places = reply.get("sorries", [])
    answer: Json = {"env": reply["env"]}
    if reply.get("messages"):
        answer["messages"] = [
            {**message, "data": real_axioms(server, message["data"])} for message in reply["messages"]
        ]
    sorries = [
        {name: place[name] for name in ("pos", "endPos", "goal", "proofState")}
        for place in places
        if place["syntax"] in _REPL_SEES
    ]
    if sorries:
        answer["sorries"] = sorries
    if request.get("allTactics"):
        answer["tactics"] = [
            {
                **{name: place[name] for name in ("pos", "endPos", "proofState")},
                "goals": place["goal"],
                "tactic": _TACTICS[place["syntax"]],
                "usedConstants": [],
            }
            for place in places
            if place["syntax"] in _TACTICS
        ]
    return answer


def step(server: Server, request: Json) -> Json:
    """A `tactic` request."""
    asked = {"tactics": [request["tactic"]], "proofState": request["proofState"], "timeoutMs": SECONDS * 1000}
    reply = server.ask(asked)
    if set(reply) == {"message"}:
        return reply
    (result,) = reply["results"]
    if result.get("message"):
        return {"message": "Lean error:\n" + result["message"]}
    answer = {name: result[name] for name in ("proofState", "goals", "proofStatus")}
    if result.get("messages"):
        answer["messages"] = result["messages"]
    return answer


def answer(server: Server, request: Json) -> Json:
    """What the REPL would answer."""
    if "tactic" in request and "proofState" in request:
        return step(server, request)
    if "cmd" in request or "path" in request:
        return command(server, request)
    return {"message": "Could not parse as a valid JSON command"}


def main(launch: str) -> None:
    """Answer until the end of the input."""
    server = Server(Path(launch))
    lines: list[str] = []
    for line in sys.stdin:
        if line.strip():
            lines.append(line)
            continue
        if lines:
            reply = answer(server, json.loads("".join(lines)))
            sys.stdout.write(json.dumps(reply, ensure_ascii=False) + "\n\n")
            sys.stdout.flush()
        lines = []


if __name__ == "__main__":
    main(sys.argv[1])
