"""The messages: what a request looks like on the wire, and what a reply means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import MalformedReply, RequestRefused
from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    Declaration,
    Describe,
    DescribeReply,
    File,
    Forget,
    ForgetReply,
    Limits,
    Message,
    Request,
    Severity,
    Sorry,
    TacticReply,
    Tactics,
    TacticsReply,
)
from orchestrator.lean.replies import parse_reply

LIMITS = Limits(heartbeats=7, milliseconds=8)
ON_WIRE = {"maxHeartbeats": 7, "timeoutMs": 8}
BATCH = Tactics(("rfl",), 0)
EVERY_REQUEST = (Command(""), File("", "A", 0), BATCH, Describe(1, 0), Forget())
START, END = {"line": 2, "column": 4}, {"line": 2, "column": 9}
SPAN = SourceSpan(Position(2, 4), Position(2, 9))


@pytest.mark.parametrize(
    ("request_", "wire"),
    [
        (Command("def a := 1", limits=LIMITS), {"cmd": "def a := 1", **ON_WIRE}),
        (Command("", env=0, limits=LIMITS), {"cmd": "", "env": 0, **ON_WIRE}),
        (
            File("text", "A.B", 3, limits=LIMITS),
            {"file": "text", "module": "A.B", "env": 3, "noncomputable": False, **ON_WIRE},
        ),
        (
            File("", "A", 3, noncomputable=True, limits=LIMITS),
            {"file": "", "module": "A", "env": 3, "noncomputable": True, **ON_WIRE},
        ),
        (
            Tactics(("rfl", "simp"), 5, limits=LIMITS),
            {"tactics": ["rfl", "simp"], "proofState": 5, "stopOnSuccess": True, "budgetMs": 0, **ON_WIRE},
        ),
        (
            Tactics((), 5, stop_on_success=False, budget_milliseconds=900, limits=LIMITS),
            {"tactics": [], "proofState": 5, "stopOnSuccess": False, "budgetMs": 900, **ON_WIRE},
        ),
        (Describe(2, 1, LIMITS), {"describe": 2, "base": 1, **ON_WIRE}),
        (Forget(), {"forget": {"envs": []}}),
        (Forget((1, 2), proof_states_from=0), {"forget": {"envs": [1, 2], "proofStatesFrom": 0}}),
    ],
)
def test_a_request_is_written_as_the_server_reads_it(request_: Request, wire: dict[str, Any]) -> None:
    assert request_.to_json() == wire


@pytest.mark.parametrize("request_", EVERY_REQUEST)
def test_a_refusal_is_neither_a_reply_nor_a_broken_session(request_: Request) -> None:
    with pytest.raises(RequestRefused, match=r"Lean refused a request: Unknown environment\."):
        parse_reply(request_, {"message": "Unknown environment."})


def test_a_whole_reply_to_commands_is_read() -> None:
    reply = parse_reply(
        Command(""),
        {
            "env": 3,
            "messages": [
                {"severity": "warning", "pos": START, "endPos": END, "data": "declaration uses `sorry`"},
                {"severity": "error", "pos": START, "endPos": None, "data": "no"},
                {"severity": "info", "pos": START, "data": "yes"},
            ],
            "sorries": [
                {
                    "pos": START,
                    "endPos": END,
                    "goal": "⊢ True",
                    "proofState": 9,
                    "syntax": "stop",
                    "isProp": False,
                    "goals": 2,
                    "declaration": "N.t",
                    "namespace": "N",
                    "opens": ["Nat"],
                    "commandPos": {"line": 1, "column": 0},
                    "commandEndPos": END,
                    "before": 2,
                }
            ],
            "declarations": [
                {"name": "N.t", "kind": "theorem", "axioms": ["sorryAx"], "hasSorry": True, "ownSorry": True}
            ],
            "interrupted": True,
            "milliseconds": 12,
        },
    )
    assert reply == CommandReply(
        env=3,
        messages=(
            Message(Severity.WARNING, "declaration uses `sorry`", SPAN.start, SPAN.end),
            Message(Severity.ERROR, "no", SPAN.start),
            Message(Severity.INFO, "yes", SPAN.start),
        ),
        sorries=(
            Sorry(
                goal="⊢ True",
                span=SPAN,
                proof_state=9,
                command=SourceSpan(Position(1, 0), SPAN.end),
                before=2,
                syntax="stop",
                is_prop=False,
                declaration="N.t",
                namespace="N",
                opens=("Nat",),
                goals=2,
            ),
        ),
        declarations=(Declaration("N.t", "theorem", ("sorryAx",), has_sorry=True, own_sorry=True),),
        interrupted=True,
        milliseconds=12,
    )
    assert isinstance(reply, CommandReply)
    assert [message.text for message in reply.errors] == ["no"]


def test_what_the_community_repl_leaves_out_has_its_plain_meaning() -> None:
    sorry = {"pos": START, "endPos": END, "goal": "⊢ True", "proofState": 0}
    assert parse_reply(Command(""), {"env": 0, "sorries": [sorry]}) == CommandReply(
        env=0, sorries=(Sorry("⊢ True", SPAN, 0),)
    )
    assert parse_reply(Command(""), {}) == CommandReply(env=None)


def _tactic(**fields: object) -> TacticReply:
    reply = parse_reply(BATCH, {"results": [{"tactic": "rfl", **fields}]})
    assert isinstance(reply, TacticsReply)
    return reply.results[0]


def test_a_tactic_that_closes_the_goal_is_complete() -> None:
    reply = _tactic(goals=[], proofStatus="Completed", proofState=4, axioms=["propext"], milliseconds=3, heartbeats=40)
    assert reply.completed
    assert not reply.failed
    assert (reply.proof_state, reply.axioms, reply.milliseconds, reply.heartbeats) == (4, ("propext",), 3, 40)


@pytest.mark.parametrize(
    "status",
    [
        "",
        "Incomplete: open goals remain",
        "Incomplete: contains sorry",
        "Incomplete: contains metavariable(s)",
        "Error: the proof uses the declaration it is part of",
        "completed",
    ],
)
def test_no_goals_left_is_not_yet_a_proof(status: str) -> None:
    assert not _tactic(goals=[], proofStatus=status, proofState=4).completed


@pytest.mark.parametrize(("severity", "completed"), [("error", False), ("warning", True), ("info", True)])
def test_an_error_message_spoils_a_proof(severity: str, completed: bool) -> None:
    message = {"severity": severity, "pos": START, "data": "unknown identifier `no_such_lemma`"}
    assert _tactic(goals=[], proofStatus="Completed", messages=[message]).completed is completed


def test_a_failing_tactic_is_a_value() -> None:
    reply = _tactic(message="The rfl tactic failed")
    assert reply.failed
    assert reply.error == "The rfl tactic failed"
    assert not reply.completed


FINGERPRINT = {
    "name": "_private.A.0.t",
    "userName": "t",
    "kind": "theorem",
    "levels": ["u"],
    "type": "= 0",
    "value": "",
    "axioms": [],
    "hasSorry": False,
    "ownSorry": False,
    "typeHasSorry": True,
    "auxiliary": False,
    "uses": ["b", "a", "b"],
}


def test_fingerprints_are_kept_by_exact_name() -> None:
    reply = parse_reply(Describe(1, 0), {"declarations": [FINGERPRINT]})
    assert isinstance(reply, DescribeReply)
    (found,) = reply.declarations
    assert found.name == "_private.A.0.t"
    assert (found.user_name, found.uses, found.type_has_sorry) == ("t", ("a", "b"), True)


def test_forgetting_has_to_be_confirmed() -> None:
    assert parse_reply(Forget(), {"ok": True}) == ForgetReply(ok=True)
    with pytest.raises(MalformedReply):
        parse_reply(Forget(), {"ok": 1})


@pytest.mark.parametrize(
    ("request_", "value"),
    [
        (Command(""), {"env": "0"}),
        (Command(""), {"env": True}),
        (Command(""), {"messages": [{"severity": "fatal", "pos": START, "data": ""}]}),
        (Command(""), {"messages": [{"severity": "info", "pos": None, "data": ""}]}),
        (Command(""), {"messages": [{"severity": "info", "pos": {"line": 1}, "data": ""}]}),
        (Command(""), {"messages": [{"severity": "info", "pos": {"line": float("inf"), "column": 0}, "data": ""}]}),
        (Command(""), {"messages": [{"severity": "info", "pos": {"line": float("nan"), "column": 0}, "data": ""}]}),
        (Command(""), {"messages": {"severity": "info"}}),
        (Command(""), {"messages": 3}),
        (Command(""), {"sorries": [{"pos": START, "endPos": None, "goal": "", "proofState": 0}]}),
        (Command(""), {"sorries": [{"pos": START, "endPos": END, "goal": "", "proofState": None}]}),
        (Command(""), {"declarations": [{"name": "t"}]}),
        (BATCH, {"env": 0}),
        (BATCH, {"results": None}),
        (BATCH, {"results": [{}]}),
        (BATCH, {"results": [{"tactic": "rfl", "proofState": "4"}]}),
        (BATCH, {"results": [{"tactic": "rfl", "goals": "⊢ True"}]}),
        (Describe(1, 0), {"declarations": [{**FINGERPRINT, "name": None}, {}]}),
        (Describe(1, 0), {}),
        (Forget(), {}),
    ],
)
def test_what_is_no_reply_to_the_request_is_malformed(request_: Request, value: dict[str, Any]) -> None:
    with pytest.raises(MalformedReply, match="not a reply"):
        parse_reply(request_, value)


WORDS = (
    "env messages sorries results tactic pos endPos line column severity data goal goals proofState message ok "
    "declarations"
)
KEYS = st.sampled_from([*WORDS.split(), *FINGERPRINT])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "error", "Completed", "x"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)


@given(st.sampled_from(EVERY_REQUEST), st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_value_is_a_reply_a_refusal_or_malformed(request_: Request, value: dict[str, Any]) -> None:
    try:
        reply = parse_reply(request_, value)
    except (MalformedReply, RequestRefused):
        return
    assert isinstance(reply, CommandReply | TacticsReply | DescribeReply | ForgetReply)
