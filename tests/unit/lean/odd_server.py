"""A server that speaks the protocol, and misbehaves when asked to. Run as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

SLEEP_FOREVER = "import time; time.sleep(600)"


def say(text: str) -> None:
    """Write to the client without a line end of our own."""
    sys.stdout.write(text)
    sys.stdout.flush()


def perform(action: str, identity: str, argument: Any) -> None:
    """Do what a request asks for."""
    reply = json.dumps({"id": identity, "reply": {"echo": argument}}, separators=(",", ":"), ensure_ascii=False) + "\n"
    if action == "echo":
        say(reply)
    elif action == "die":
        os._exit(3)
    elif action == "hang":
        time.sleep(600)
    elif action == "print":
        say(argument + reply)
    elif action == "print only":
        say(argument)
    elif action == "reply":
        say(json.dumps({"id": identity, "reply": argument}) + "\n")
    elif action == "refuse":
        say(json.dumps({"id": identity, "reply": {"message": "Unknown environment."}}) + "\n")
    elif action == "child":
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", SLEEP_FOREVER])
        say(json.dumps({"id": identity, "reply": {"child": child.pid}}) + "\n")
    elif action == "deaf":
        say(reply)
        time.sleep(600)


def serve(start: str) -> None:
    """Start as told, then answer line by line until the input ends."""
    if start == "dies at the start":
        return
    if start == "hangs at the start":
        time.sleep(600)
    say('starting\n[]\n{"ready": true}\n')
    for line in sys.stdin:
        request = json.loads(line)
        perform(request.get("do", request.get("cmd", "echo")), request["id"], request.get("argument"))


if __name__ == "__main__":
    serve(sys.argv[1])
