"""Replies of a Lean server, read from JSON into the values of `protocol`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.errors import MalformedReply, RequestRefused
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.goals.terms import GoalTerms, TermHypothesis
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    Constant,
    Declaration,
    Describe,
    DescribeReply,
    File,
    Forget,
    ForgetReply,
    Json,
    LibraryConstants,
    Mentions,
    MentionsReply,
    Message,
    PremisesReply,
    Reply,
    Request,
    Severity,
    Sorry,
    TacticReply,
    Tactics,
    TacticsReply,
)


def _position(value: Any) -> Position:
    return Position(int(value["line"]), int(value["column"]))


def _identity(value: Any) -> int | None:
    if value is not None and type(value) is not int:
        raise TypeError(f"{value!r} is no identity of an environment or a proof state")
    return value


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{value!r} is no list of texts")
    return tuple(value)


def _span(start: Any, end: Any) -> SourceSpan | None:
    return None if start is None or end is None else SourceSpan(_position(start), _position(end))


def _message(value: Json) -> Message:
    end = value.get("endPos")
    return Message(
        severity=Severity(value["severity"]),
        text=str(value["data"]),
        start=_position(value["pos"]),
        end=None if end is None else _position(end),
    )


def _sorry(value: Json) -> Sorry:
    span = _span(value["pos"], value["endPos"])
    if span is None:
        raise ValueError("a sorry without a position")
    return Sorry(
        goal=str(value["goal"]),
        span=span,
        proof_state=int(value["proofState"]),
        command=_span(value.get("commandPos"), value.get("commandEndPos")),
        before=_identity(value.get("before")),
        syntax=str(value.get("syntax", "tactic")),
        is_prop=bool(value.get("isProp", True)),
        declaration=str(value.get("declaration", "")),
        namespace=str(value.get("namespace", "")),
        opens=_strings(value.get("opens", ())),
        goals=int(value.get("goals", 1)),
        unproved=_strings(value.get("unproved", ())),
        terms=tuple(map(_terms, value.get("terms", ()))),
    )


def _terms(value: Json) -> GoalTerms:
    found = (
        TermHypothesis(str(item["name"]), int(item["type"]), _identity(item["value"]), bool(item["hidden"]))
        for item in value["hypotheses"]
    )
    return GoalTerms(tuple(found), int(value["target"]), _strings(value["lines"]))


def _command_reply(value: Json) -> CommandReply:
    return CommandReply(
        env=_identity(value.get("env")),
        messages=tuple(map(_message, value.get("messages", ()))),
        sorries=tuple(map(_sorry, value.get("sorries", ()))),
        declarations=tuple(
            Declaration(
                name=str(item["name"]),
                kind=str(item["kind"]),
                axioms=_strings(item["axioms"]),
                has_sorry=bool(item["sorry"]),
                own_sorry=bool(item.get("ownSorry", item["sorry"])),
            )
            for item in value.get("decls", ())
        ),
        commands=tuple(value.get("commands", ())),
        interrupted=bool(value.get("interrupted", False)),
        milliseconds=int(value.get("ms", 0)),
    )


def _tactic_reply(value: Json) -> TacticReply:
    status = str(value.get("proofStatus", ""))
    messages = tuple(map(_message, value.get("messages", ())))
    # An unknown lemma in `simp [..]` is logged as an error, and the goal closed without it.
    clean = not any(message.severity is Severity.ERROR for message in messages)
    return TacticReply(
        tactic=str(value["tactic"]),
        completed=status == "Completed" and clean,
        goals=_strings(value.get("goals", ())),
        proof_state=_identity(value.get("proofState")),
        status=status,
        error=str(value.get("message", "")),
        messages=messages,
        axioms=_strings(value.get("axioms", ())),
        milliseconds=int(value.get("ms", 0)),
        heartbeats=int(value.get("heartbeats", 0)),
    )


def _tactics_reply(value: Json) -> TacticsReply:
    return TacticsReply(results=tuple(map(_tactic_reply, value["results"])))


def _describe_reply(value: Json) -> DescribeReply:
    found = (
        Fingerprint(
            name=str(item["name"]),
            kind=str(item["kind"]),
            levels=_strings(item["levels"]),
            type=str(item["type"]),
            value=str(item["value"]),
            axioms=_strings(item["axioms"]),
            has_sorry=bool(item["sorry"]),
            own_sorry=bool(item["ownSorry"]),
            type_has_sorry=bool(item["typeSorry"]),
            auxiliary=bool(item["auxiliary"]),
            uses=tuple(sorted(set(_strings(item["uses"])))),
            user_name=str(item["user"]),
            recheck=str(item["recheck"]),
        )
        for item in value["declarations"]
    )
    return DescribeReply(declarations={fingerprint.name: fingerprint for fingerprint in found})


def _forget_reply(value: Json) -> ForgetReply:
    if value.get("ok") is not True:
        raise ValueError("not confirmed")
    return ForgetReply()


def _mentions_reply(value: Json) -> MentionsReply:
    return MentionsReply(_strings(value["mentions"]))


def _premises_reply(value: Json) -> PremisesReply:
    return PremisesReply(
        module=str(value["module"]),
        modules=int(value["modules"]),
        constants=int(value["constants"]),
        premises=tuple(
            Constant(str(item["name"]), str(item["kind"]), str(item["type"]), _strings(item["mentions"]))
            for item in value["premises"]
        ),
        interrupted=bool(value["interrupted"]),
    )


_PARSERS: Mapping[type, Callable[[Json], Reply]] = {
    Command: _command_reply,
    File: _command_reply,
    Tactics: _tactics_reply,
    Describe: _describe_reply,
    Forget: _forget_reply,
    Mentions: _mentions_reply,
    LibraryConstants: _premises_reply,
}


def parse_reply(request: Request, value: Json) -> Reply:
    """The typed reply to `request`.

    Raises:
        RequestRefused: Lean refused the whole request, in its own words.
        MalformedReply: the value is not a reply to this request.
    """
    if set(value) == {"message"}:
        raise RequestRefused(f"Lean refused a request: {value['message']}", where=type(request).__name__)
    try:
        return _PARSERS[type(request)](value)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise MalformedReply(
            f"Lean answered something that is not a reply ({type(error).__name__}: {error})",
            where=str(value)[:200],
        ) from error
