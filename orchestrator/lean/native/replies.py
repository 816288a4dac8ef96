"""Reads the REPL's replies into our values, whatever Lean version wrote them. Pure.

Toolchains from v4.9 on differ in words: the warning for a sorry names `sorry` in straight quotes or backquotes,
severity "trace" exists in some, and `#where` says "no namespace" in several ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.lean.native.repl import Json
from orchestrator.lean.protocol import Message, TacticReply, errors_in
from orchestrator.lean.replies import parse

Shift = Callable[[Position], Position]
_position = partial(parse, Position)

_USES_SORRY = re.compile(r"declaration uses ['`]sorry['`]")
_NAMESPACE = re.compile(r"^namespace (\S+)", re.MULTILINE)
_OPEN = re.compile(r"^open (?!scoped )(.+)$", re.MULTILINE)
# Several goals at once are one state for us, and no single one for the REPL.
_SEVERAL = "Not verified: more than one initial goal"


@dataclass(frozen=True, slots=True)
class OpenSorry:
    """A sorry in a reply: its goal, where it stands, its proof state, and the syntax that left it open."""

    goal: str
    span: SourceSpan
    state: int
    syntax: str
    declaration: str = ""


def uses_sorry(message: Message) -> bool:
    """Whether a message is Lean's warning that a declaration is not proved."""
    return _USES_SORRY.search(message.text) is not None


def messages_of(reply: Json, shift: Shift) -> tuple[Message, ...]:
    """The messages of a reply, their positions moved."""
    found = parse(tuple[Message, ...], reply.get("messages", ()))
    return tuple(
        replace(message, start=shift(message.start), end=None if message.end is None else shift(message.end))
        for message in found
    )


def sorries_in(reply: Json, shift: Shift, words: Mapping[Position, str]) -> tuple[OpenSorry, ...]:
    """The sorries in a reply to a command that was asked for its tactics.

    `words` are those of the text that may leave a proof open, by position. The REPL lists `sorry` only; of the others
    it knows the tactic.
    """
    tactics = {shift(_position(entry["pos"])): entry for entry in reply.get("tactics", ())}
    found = []
    for entry in reply.get("sorries", ()):
        if entry.get("proofState") is None or entry.get("pos") is None:
            continue
        span = SourceSpan(shift(_position(entry["pos"])), shift(_position(entry["endPos"])))
        tactic = str(tactics.get(span.start, {}).get("tactic", ""))
        syntax = "tactic" if tactic.startswith("sorry") else "term"
        found.append(_open_sorry(entry, span, syntax, reply, shift))
    for position, word in words.items():
        entry = tactics.get(position, {})
        if word in ("admit", "stop") and str(entry.get("tactic", "")).startswith(word) and "proofState" in entry:
            span = SourceSpan(position, shift(_position(entry["endPos"])))
            found.append(_open_sorry(entry, span, word, reply, shift))
    return tuple(sorted(found, key=lambda sorry: sorry.span))


def tactic_reply(tactic: str, reply: Json, milliseconds: int) -> TacticReply:
    """What one tactic did, from the REPL's answer.

    The REPL recovers from errors: behind a failed step it answers with a state, a sorry in it, and a message.
    """
    if "message" in reply:
        error = str(reply["message"]).removeprefix("Lean error:\n")
        return TacticReply(tactic=tactic, error=error or "failed", milliseconds=milliseconds)
    messages = messages_of(reply, lambda position: position)
    if errors := errors_in(messages):
        return TacticReply(tactic=tactic, error=errors[0].text, messages=messages, milliseconds=milliseconds)
    status = str(reply.get("proofStatus", ""))
    goals = tuple(map(str, reply.get("goals", ())))
    done = status == "Completed" or (status == _SEVERAL and not goals and not reply.get("sorries"))
    return TacticReply(
        tactic=tactic,
        completed=done,
        goals=goals,
        proof_state=reply.get("proofState"),
        status=status,
        messages=messages,
        milliseconds=milliseconds,
    )


def scope_of(reply: Json) -> tuple[str, tuple[str, ...]]:
    """Namespace and opened namespaces, from what `#where` printed."""
    text = "\n".join(str(message["data"]) for message in reply.get("messages", ()))
    namespace = _NAMESPACE.search(text)
    opens = [name for line in _OPEN.findall(text) for name in line.split()]
    return namespace[1] if namespace else "", tuple(opens)


def _open_sorry(entry: Json, span: SourceSpan, syntax: str, reply: Json, shift: Shift) -> OpenSorry:
    goal = entry["goal"] if "goal" in entry else entry["goals"]
    return OpenSorry(str(goal).strip(), span, int(entry["proofState"]), syntax, _declaration(reply, span, shift))


def _declaration(reply: Json, span: SourceSpan, shift: Shift) -> str:
    """The full name of the declaration around a span, where the REPL is one that lists declarations."""
    for entry in reply.get("declarations", ()):
        around = entry.get("range", {})
        if not around:
            continue
        if shift(_position(around["start"])) <= span.start < shift(_position(around["finish"])):
            return str(entry.get("fullName", ""))
    return ""
