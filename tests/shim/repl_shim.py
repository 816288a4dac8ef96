"""The community REPL's protocol, answered by the embedded Lean: JSON and a blank line in, JSON and a blank line out.

Run as `repl_shim.py LAUNCH` in a Lake project, where LAUNCH is a JSON file with the command, environment and folder of
the embedded server. As strict as the real REPL: numbers count from 0; tactics recover from errors, so that behind a
failed step there is a state with a message; a tactic's reply holds its sorries and traces; own modules are imported
from what `lake build` left, `module`s as their interface alone; what the REPL does not say (the kind of a sorry,
axioms, heartbeats) is left out.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from embedded_server import SECONDS, Server
from lake_artifacts import MissingModule, base_environment

from orchestrator.goals.goal import Position
from orchestrator.source.header import parse_header
from orchestrator.source.lexer import LineIndex

Json = dict[str, Any]

_AXIOMS = re.compile(r"(depends on axioms: )\[([^\]]*)\]")
_KNOWN = {"propext", "Classical.choice", "Quot.sound", "sorryAx", "Lean.ofReduceBool", "Lean.trustCompiler"}
_REPL_SEES = {"tactic", "term"}
_TACTICS = {"tactic": "sorry", "admit": "admit", "stop": "stop"}
_REACHED = "the end of the step was reached"


@dataclass(frozen=True)
class State:
    """A proof state: where the server has it (None when it is closed), and how to come to it in its command."""

    there: int | None
    before: int | None
    text: str
    start: int
    end: int
    is_term: bool
    script: tuple[str, ...] = ()


@dataclass
class StandIn:
    """One REPL process: its environments and its proof states, by number."""

    server: Server
    folder: Path = field(default_factory=Path.cwd)
    environments: list[int] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def answer(self, request: Json) -> Json:
        """What the REPL would answer."""
        if "tactic" in request and "proofState" in request:
            return self._step(request)
        if "cmd" in request or "path" in request:
            return self._command(request)
        return {"message": "Could not parse as a valid JSON command"}

    def _command(self, request: Json) -> Json:
        text = request["cmd"] if "cmd" in request else (self.folder / request["path"]).read_text(encoding="utf-8")
        number = request.get("env")
        if number is not None and number >= len(self.environments):
            return {"message": "Unknown environment."}
        if number is not None:
            base = self.environments[number]
        else:
            header = parse_header(text)
            try:
                base = base_environment(self.server, self.folder, text[: header.end])
            except MissingModule as missing:
                message = {"severity": "error", "pos": {"line": 1, "column": 0}, "data": str(missing)}
                self.environments.append(self.server.ask({"cmd": ""})["env"])
                return {"env": len(self.environments) - 1, "messages": [message]}
            if not text[header.end :].strip():
                self.environments.append(base)
                return {"env": len(self.environments) - 1}
            # Positions stay those of the text.
            text = re.sub(r"[^\n]", " ", text[: header.end]) + text[header.end :]
        reply = self.server.ask({"cmd": text, "env": base, "timeoutMs": SECONDS * 1000})
        if set(reply) == {"message"}:
            return reply
        self.environments.append(reply["env"])
        answer: Json = {"env": len(self.environments) - 1}
        if reply.get("messages"):
            answer["messages"] = [{**one, "data": self._axioms(one["data"])} for one in reply["messages"]]
        sorries, tactics = [], []
        for place in reply.get("sorries", ()):
            if place["syntax"] in _REPL_SEES:
                sorries.append(self._sorry(place, text))
            if request.get("allTactics") and place["syntax"] in _TACTICS:
                tactics.append({**self._tactic(place, text), "goals": place["goal"]})
        if sorries:
            answer["sorries"] = sorries
        if request.get("allTactics"):
            answer["tactics"] = tactics
        return answer

    def _sorry(self, place: Json, text: str) -> Json:
        shown = {name: place[name] for name in ("pos", "endPos", "goal")}
        return {**shown, "proofState": self._state_of(place, text)}

    def _tactic(self, place: Json, text: str) -> Json:
        shown = {name: place[name] for name in ("pos", "endPos")}
        state = self._state_of(place, text)
        return {**shown, "proofState": state, "tactic": _TACTICS[place["syntax"]], "usedConstants": []}

    def _state_of(self, place: Json, text: str) -> int:
        lines = LineIndex(text)
        command = offset(lines, place["commandPos"]), offset(lines, place["commandEndPos"])
        start, end = offset(lines, place["pos"]), offset(lines, place["endPos"])
        return self._add(
            State(
                place["proofState"],
                place["before"],
                text[command[0] : command[1]],
                start - command[0],
                end - command[0],
                place["syntax"] == "term",
            )
        )

    def _add(self, state: State) -> int:
        self.states.append(state)
        return len(self.states) - 1

    def _axioms(self, text: str) -> str:
        """What `#print axioms` says, without imported theorems, which only the embedded Lean takes for axioms."""
        match = _AXIOMS.search(text)
        if match is None:
            return text
        named = [" ".join(name.split()) for name in match[2].split(",")]
        own = [name for name in named if f"axiom {name.rpartition('.')[2]}" in self.server.sent]
        kept = [name for name in named if name in _KNOWN or name in own]
        if kept:
            return _AXIOMS.sub(rf"\1[{', '.join(kept)}]", text)
        return text[: match.start(1)] + "does not depend on any axioms"

    def _step(self, request: Json) -> Json:
        number, tactic = request["proofState"], request["tactic"]
        if number >= len(self.states):
            return {"message": "Unknown proof state."}
        state = self.states[number]
        if state.there is None:
            return {"message": "Lean error:\nno goals to be proved"}
        asked = {"tactics": [tactic], "proofState": state.there, "timeoutMs": SECONDS * 1000}
        (result,) = self.server.ask(asked)["results"]
        after = replace(state, there=result.get("proofState"), script=(*state.script, tactic))
        seen = self._in_its_command(after)
        if result.get("message") and not (seen.reached and seen.errors):
            return {"message": "Lean error:\n" + result["message"]}
        sorries = [
            {"proofState": self._state_of(place, seen.text), "goal": place["goal"]}
            for place in seen.sorries
            if place["syntax"] in _REPL_SEES
        ]
        answer: Json = {}
        if sorries:
            answer["sorries"] = sorries
        if result.get("message"):  # recovered
            after = replace(after, there=seen.rest["proofState"] if seen.rest else None)
            goals = seen.rest["goal"].split("\n\n") if seen.rest else []
            status = "Incomplete: open goals remain" if goals else "Incomplete: contains sorry"
            answer |= {"proofState": self._add(after), "goals": goals, "proofStatus": status, "messages": seen.errors}
            return answer
        closed = not result["goals"]
        answer["proofState"] = self._add(replace(after, there=None) if closed else after)
        answer |= {name: result[name] for name in ("goals", "proofStatus")}
        messages = seen.errors or result.get("messages")
        if messages:
            answer["messages"] = messages
        if seen.traces:
            answer["traces"] = seen.traces
        return answer

    def _in_its_command(self, state: State) -> Seen:
        """What the last step of a state does when the whole command is elaborated with it, as files are."""
        column = state.start - (state.text.rfind("\n", 0, state.start) + 1)
        inside = column + 2 if state.is_term else column
        indent = "\n" + " " * inside
        steps = [f"(\n{step}\n)".replace("\n", indent) for step in state.script]
        written = indent.join([*steps, f'trace "{_REACHED}"', "stop", "skip"])
        written = f"by{indent}{written}" if state.is_term else written
        text = state.text[: state.start] + written + state.text[state.end :]
        last = state.text[: state.start].count("\n") + written[: written.rfind("trace ")].count("\n") + 1
        first = last - steps[-1].count("\n") - 1
        reply = self.server.ask({"cmd": text, "env": state.before, "timeoutMs": SECONDS * 1000})
        return Seen.of(reply, text, first, last)


@dataclass(frozen=True)
class Seen:
    """What elaborating a command says of one step in it."""

    text: str
    reached: bool = False
    errors: list[Json] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    sorries: list[Json] = field(default_factory=list)
    rest: Json | None = None

    @classmethod
    def of(cls, reply: Json, text: str, first: int, last: int) -> Seen:
        messages = reply.get("messages", ())
        inside = [one for one in messages if first <= one["pos"]["line"] < last]
        return cls(
            text,
            any(one["data"] == _REACHED for one in messages),
            [one for one in inside if one["severity"] == "error"],
            [one["data"] for one in inside if one["severity"] == "info" and "Try this" not in one["data"]],
            [place for place in reply.get("sorries", ()) if first <= place["pos"]["line"] < last],
            next((place for place in reply.get("sorries", ()) if place["pos"]["line"] >= last), None),
        )


def offset(lines: LineIndex, position: Json) -> int:
    """Where a position of the server is in the text."""
    found = lines.offset(Position(position["line"], position["column"]))
    assert found is not None
    return found


def main(launch: str) -> None:
    """Answer until the end of the input."""
    stand_in = StandIn(Server.start(Path(launch)))
    lines: list[str] = []
    for line in sys.stdin:
        if line.strip():
            lines.append(line)
            continue
        if lines:
            reply = stand_in.answer(json.loads("".join(lines)))
            sys.stdout.write(json.dumps(reply, ensure_ascii=False) + "\n\n")
            sys.stdout.flush()
        lines = []


if __name__ == "__main__":
    main(sys.argv[1])
