"""Recorded conversations with the real REPL: each reply is read to the right value, and the stand-in answers alike.

The folder with them is named by REPL_TRANSCRIPTS, or lies beside the repository as `shared/data/repl-transcripts`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from embedded_server import Server
from repl_shim import StandIn
from shims import write_shims

from orchestrator.lean.native.replies import messages_of, sorries_in, tactic_reply
from orchestrator.lean.protocol import Severity
from orchestrator.lean.servers import Servers

Json = dict[str, Any]
_NAMED = os.environ.get("REPL_TRANSCRIPTS")
_BESIDE = (parent / "shared/data/repl-transcripts" for parent in Path(__file__).resolve().parents)
FOLDER = Path(_NAMED) if _NAMED else next((folder for folder in _BESIDE if folder.is_dir()), Path("none"))

NOT_SPOKEN = ("Mathlib", "pickle", '"path"', "rootGoals")
"""Conversations about these are left out: there is no Mathlib here, and our session does not use the others."""
EXPLAINED = {
    "all_tactics-20250622": "states in the middle of a proof: the stand-in offers those in front of a sorry",
    "app_type_mismatch2": "other words of the kernel, and a state behind what it refuses",
    "app_type_mismatch2_parallel": "as app_type_mismatch2",
    "invalid_line_break": "the request is no JSON",
    "name_generator": "metavariables that an earlier step left behind are not counted; traces come in one message",
    "self_proof_apply_check": "the kernel looks at a term when the whole command is elaborated, and not before",
    "self_proof_exact_check": "as self_proof_apply_check",
    "self_proof_rw": "as self_proof_apply_check",
    "trace_simp": "traces come in one message",
}
"""Conversations in which the stand-in answers otherwise than Lean 4.28 did, and why."""

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded conversations are not here (REPL_TRANSCRIPTS names their folder)"
)


def blocks(file: Path) -> list[str]:
    """What blank lines divide."""
    return [block for block in file.read_text(encoding="utf-8").split("\n\n") if block.strip()]


def pairs() -> list[tuple[str, Json, Json]]:
    """Every request with its reply, where both are JSON, and what they are of."""
    found = []
    for asked in sorted(FOLDER.glob("*/*.in")):
        answered = asked.with_suffix(".expected.out")
        if not answered.exists():
            continue
        for number, (request, reply) in enumerate(zip(blocks(asked), blocks(answered), strict=False)):
            try:
                found.append((f"{asked.parent.name}/{asked.stem}#{number}", json.loads(request), json.loads(reply)))
            except ValueError:
                continue
    return found


def test_every_recorded_reply_is_read_to_the_right_value() -> None:
    read: Counter[str] = Counter()
    for name, request, reply in pairs():
        if "tactic" in request:
            found = tactic_reply(request["tactic"], reply, 0)
            errors = [one for one in reply.get("messages", ()) if one["severity"] == "error"]
            assert found.failed == ("message" in reply or bool(errors)), name
            assert found.completed == (reply.get("proofStatus") == "Completed" and not errors), name
            assert found.failed or (found.goals, found.proof_state) == (tuple(reply["goals"]), reply["proofState"]), (
                name
            )
            read["tactics"] += 1
        elif "env" in reply:
            messages = messages_of(reply, lambda position: position)
            assert [one.text for one in messages] == [one["data"] for one in reply.get("messages", ())], name
            assert all(one.severity in Severity for one in messages), name
            sorries = sorries_in(reply, lambda position: position, {})
            stated = [one for one in reply.get("sorries", ()) if "pos" in one]
            assert sorted(one.state for one in sorries) == sorted(one["proofState"] for one in stated), name
            assert sorted(one.goal for one in sorries) == sorted(one["goal"].strip() for one in stated), name
            read["commands"] += 1
        else:
            read["others"] += 1
    assert read["tactics"] > 50, read
    assert sum(read.values()) >= 250, read


def said(reply: Json) -> Json:
    """What of a reply our session goes by."""
    return {
        "numbers": (reply.get("env"), reply.get("proofState")),
        "fails": "message" in reply,
        "goals": reply.get("goals"),
        "status": reply.get("proofStatus"),
        "sorries": sorted(one["goal"].strip() for one in reply.get("sorries", ()) if "goal" in one),
        "errors": sum(one["severity"] == "error" for one in reply.get("messages", ())),
        "traces": len(reply.get("traces", ())),
    }


@pytest.mark.slow
@pytest.mark.lean
@pytest.mark.timeout(1800)
def test_the_stand_in_answers_as_the_real_repl_did(servers: Servers, tmp_path: Path) -> None:
    write_shims(tmp_path, servers.launch)
    server = Server.start(tmp_path / "launch.json")
    unlike: dict[str, list[str]] = {}
    alike = 0
    try:
        for asked in sorted((FOLDER / "v4.28.0").glob("*.in")):
            answered = asked.with_suffix(".expected.out")
            if not answered.exists() or any(word in asked.read_text(encoding="utf-8") for word in NOT_SPOKEN):
                continue
            stand_in = StandIn(server, asked.parent)
            for request, reply in zip(blocks(asked), blocks(answered), strict=False):
                try:
                    theirs = said(json.loads(reply))
                    ours = said(stand_in.answer(json.loads(request)))
                except Exception as error:  # noqa: BLE001 - a stand-in that breaks answers otherwise, too
                    unlike.setdefault(asked.stem, []).append(repr(error)[:80])
                    break
                different = [part for part, value in theirs.items() if ours[part] != value]
                alike += not different
                if different:
                    unlike.setdefault(asked.stem, []).extend(different)
    finally:
        server.stop()
    assert set(unlike) == set(EXPLAINED)
    assert alike > 80
