"""Stands in for the gate's program under the user's own Lean (`Gate.lean`): the same requests and the same replies.

Compiled files are what `lake_artifacts` leaves, found on LEAN_PATH. What a real process would import is replayed, so
that the kernel and the comparison are real.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from embedded_server import SECONDS, Json, Server
from lake_artifacts import Artifact, MissingModule, base_environment, find, imports, registered

from orchestrator.source.header import parse_header


def libraries() -> tuple[Path, ...]:
    """Where compiled modules are."""
    return tuple(Path(one) for one in os.environ["LEAN_PATH"].split(os.pathsep))


def started() -> Server:
    """The embedded Lean."""
    return Server.start(Path(os.environ["SHIM_LAUNCH"]))


def header_of(text: str) -> str:
    """The header of a text."""
    return text[: parse_header(text).end]


def compile_file(arguments: list[str]) -> int:
    """`lean -D… --json --root=FOLDER -o OUT FILE`: the exit code; messages as JSON, one a line."""
    options = [word.removeprefix("-D").split("=", 1) for word in arguments if word.startswith("-D")]
    (root,) = (Path(word.removeprefix("--root=")) for word in arguments if word.startswith("--root="))
    out, source = Path(arguments[arguments.index("-o") + 1]), Path(arguments[-1])
    module = ".".join(source.relative_to(root).with_suffix("").parts)
    text = source.read_text(encoding="utf-8")
    server = started()
    try:
        env = base_environment(server, libraries(), header_of(text))
        settings = [f"set_option {name} {value}" for name, value in options]
        request = {"file": registered(text), "module": module, "env": env, "settings": settings}
        messages = server.ask({**request, "timeoutMs": SECONDS * 1000})["messages"]
    except MissingModule as missing:
        messages = [{"severity": "error", "pos": {"line": 1, "column": 0}, "endPos": None, "data": str(missing)}]
    server.stop()
    for message in messages:
        print(json.dumps({"fileName": str(source), "caption": "", "kind": "", **message}))
    if any(message["severity"] == "error" for message in messages):
        return 1
    below = {name: one.digest for name, _, _ in imports(text) if (one := find(libraries(), name)) is not None}
    out.write_text(Artifact(module, text, below).to_json(), encoding="utf-8")
    return 0


def export_file(file: Path, out: Path) -> int:
    """`export FILE OUT`."""
    artifact = Artifact(**json.loads(file.read_text(encoding="utf-8")))
    server = started()
    env = base_environment(server, libraries(), header_of(artifact.text))
    request = {"file": registered(artifact.text), "module": artifact.module, "env": env, "timeoutMs": SECONDS * 1000}
    made = server.ask(request)["env"]
    reply = server.ask({"export": made, "base": env, "timeoutMs": SECONDS * 1000})
    server.stop()
    out.write_text(json.dumps({**reply, "attributes": []}), encoding="utf-8")
    return 0


def compare(server: Server, asked: Json) -> Json:
    """The owner's text is elaborated, the patch's parsed beside it."""
    env = base_environment(server, libraries(), header_of(asked["compare"]))
    texts = {side: registered(asked[side]) for side in ("compare", "patched")}
    return server.ask({**asked, **texts, "env": env})


def described(server: Server, env: int) -> list[Json]:
    """What the modules of the project that stand in an environment declare."""
    nothing = server.ask({"cmd": ""})["env"]
    facts: list[Json] = server.ask({"describe": env, "base": nothing})["declarations"]
    return facts


def judge(server: Server, asked: Json) -> Json:
    """Nothing of the repository is elaborated but what stands for compiled modules."""
    if "cmd" in asked:
        return {"env": base_environment(server, libraries(), asked["cmd"])}
    if "facts" in asked:
        facts = described(server, asked["env"])
        named = [fact for fact in facts if fact["name"] in asked["facts"]]
        return {"declarations": named, "below": [fact for fact in facts if fact["ownSorry"]]}
    reply = server.ask(asked)
    if "judge" in asked and "declarations" in reply:
        reply["below"] = [{**fact, "uses": []} for fact in described(server, asked["env"]) if fact["ownSorry"]]
    return reply


def serve(mode: str) -> int:
    """Answer until the end of the input."""
    server = started()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        identity = asked.pop("id")
        try:
            reply = (compare if mode == "compare" else judge)(server, asked)
        except MissingModule as missing:
            reply = {"message": str(missing)}
        print(f'{{"id":{json.dumps(identity)},"reply":{json.dumps(reply, ensure_ascii=False)}}}', flush=True)
    server.stop()
    return 0


def main(arguments: list[str]) -> int:
    """The exit code of `lean` with these arguments; the program itself is taken as it is."""
    if "--run" in arguments:
        mode, *rest = arguments[arguments.index("--run") + 2 :]
        return export_file(Path(rest[0]), Path(rest[1])) if mode == "export" else serve(mode)
    if any(word.startswith("--root=") for word in arguments):
        return compile_file(arguments)
    Path(arguments[arguments.index("-o") + 1]).write_text("the gate's program", encoding="utf-8")
    return 0
