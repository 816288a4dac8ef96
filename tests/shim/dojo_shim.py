"""What LeanDojo's server tactic says, with the embedded Lean behind it: `REPL> ` and JSON, a line each way.

Run as `dojo_shim.py LAUNCH FILE`, with a FILE as LeanDojo writes it: `lean_dojo_repl` stands in front of a `sorry`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from embedded_server import SECONDS, Json, Server


def say(**value: object) -> None:
    """One line for LeanDojo."""
    sys.stdout.write("REPL> " + json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def first_state(server: Server, file: Path) -> Json:
    """The sorry behind the server tactic."""
    text = file.read_text(encoding="utf-8").replace("import Lean4Repl\n", "")
    line = text[: text.index("lean_dojo_repl")].count("\n") + 1
    reply = server.ask({"cmd": text.replace("lean_dojo_repl", "skip"), "timeoutMs": SECONDS * 1000})
    if any(message["severity"] == "error" for message in reply.get("messages", [])):
        sys.exit(1)  # Lean does not get to the tactic
    (place,) = [place for place in reply["sorries"] if place["pos"]["line"] > line][:1]
    return dict(place)


def main(launch: str, file: str) -> int:
    """Answer until the end of the input, or until told to crash."""
    server = Server.start(Path(launch))
    place = first_state(server, Path(file))
    states = [place["proofState"]]
    say(sid=0, tacticState=place["goal"], error=None)
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["cmd"] == "crash":
            return 137
        request = {"tactics": [asked["cmd"]], "proofState": states[asked["sid"]], "timeoutMs": SECONDS * 1000}
        (result,) = server.ask(request)["results"]
        if result.get("message"):
            say(sid=None, tacticState=None, error=result["message"])
        elif result["proofStatus"] == "Incomplete: contains sorry":
            say(sid=None, tacticState=None, error="proof contains `sorry`")
        else:
            states.append(result["proofState"])
            goals = "\n\n".join(result["goals"]) or "no goals"
            say(sid=len(states) - 1, tacticState=goals, error=None)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2]))
