"""Agents through the official MCP client, on a real Lean: goals, the gate, tickets, and clients that behave badly."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from orchestrator.config import Settings, load_settings
from orchestrator.ledger.store import Ledger
from orchestrator.run.service.http import serve_http
from orchestrator.run.service.mcp_server import OneToken, make_mcp_server
from orchestrator.run.service.opening import Results, opened_in_background

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TOKEN = "a token of twenty chars"
LAKEFILE = 'name = "small"\ndefaultTargets = ["Small"]\n[[lean_lib]]\nname = "Small"\n'
TEXT = """\
def double (n : Nat) : Nat := n + n

theorem double_even (n : Nat) : double n % 2 = 0 := by
  sorry

theorem double_le (n : Nat) : n ≤ double n := by
  sorry

theorem too_small (n : Nat) : double n < 7 := by
  sorry
"""


@dataclass(frozen=True)
class Place:
    """A repository, and the settings of a user who has nothing else."""

    repo: Path
    environment: Mapping[str, str]
    settings: Settings
    url: str = ""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("agents")
    repo = folder / "small"
    repo.mkdir()
    for name, text in (
        ("Small.lean", TEXT),
        ("lakefile.toml", LAKEFILE),
        ("lean-toolchain", "leanprover/lean4:v4.28.0\n"),
    ):
        (repo / name).write_text(text, encoding="utf-8")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=repo, check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "PREFECT_"))}
    own = {"ORCH_DATA_DIR": str(folder / "data"), "ORCH_STATE_DIR": str(folder / "state"), "ORCH_SERVERS": "1"}
    own |= {"PREFECT_HOME": str(folder / "prefect"), "XDG_CONFIG_HOME": str(folder / "config")}
    own |= {"ORCH_CACHE_DIR": os.environ["ORCH_CACHE_DIR"]} if "ORCH_CACHE_DIR" in os.environ else {}
    own |= {"PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", "ORCH_START_TIMEOUT": "600"}
    environment = {**kept, **own}
    return Place(repo, environment, load_settings({k: v for k, v in environment.items() if k != "PREFECT_HOME"}))


@pytest.fixture(scope="module")
async def served(place: Place) -> AsyncIterator[Place]:
    """The repository on streamable HTTP."""
    repo, access = str(place.repo), OneToken(TOKEN)
    with Ledger.open(place.settings.ledger) as store:
        async with opened_in_background(repo, "HEAD", place.settings, store) as opened:
            server = make_mcp_server(opened, Results(place.repo / "out", place.settings.paths.data, repo), access)
            async with serve_http(server, access) as running:
                yield Place(place.repo, place.environment, place.settings, running.url)


@asynccontextmanager
async def connected(served: Place, name: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(headers=headers, timeout=900) as http:
        transport = streamable_http_client(served.url, http_client=http)
        information = Implementation(name=name, version="1")
        async with Client(transport, client_info=information, read_timeout_seconds=900) as client:
            yield client


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """What a tool answers; its words where it refuses."""
    answer = await client.call_tool(tool, arguments)
    if answer.is_error:
        return answer.content[0].text  # type: ignore[union-attr]
    found = answer.structured_content
    assert found is not None
    return found.get("result", found) if set(found) == {"result"} else found


async def ids(client: Client) -> dict[str, str]:
    return {goal["declaration"]: goal["id"] for goal in (await call(client, "list_goals"))["goals"]}


async def test_an_agent_lists_tries_refutes_and_looks_around(served: Place) -> None:
    async with connected(served, "looker") as client:
        goals = await ids(client)
        assert set(goals) == {"double_even", "double_le", "too_small"}
        shown = await call(client, "goal", goal_id=goals["double_le"])
        assert shown["state"] == "n : Nat\n⊢ n ≤ double n"
        assert "theorem double_le" in shown["source"]
        tried = await call(
            client, "try_tactics", goal_id="double_le", scripts=["unfold double", "omega", "simp [double]"]
        )
        assert [one["closes"] for one in tried] == [False, False, True]
        assert tried[0]["goals"] == ["n : Nat\n⊢ n ≤ n + n"]
        assert tried[1]["error"]
        refuted = await call(client, "refute", goal_id=goals["too_small"])
        assert (refuted["refuted"], refuted["values"]) == (True, "n = 4")
        assert "Did you mean double_le" in await call(client, "goal", goal_id="double_l")
        assert "`run_tac` runs code" in await call(client, "try_tactics", goal_id="double_le", scripts=["run_tac x"])
        assert "no blueprint" in await call(client, "blueprint_status")
        source = await client.read_resource("lean://source/Small.lean")
        assert source.contents[0].text == TEXT  # type: ignore[union-attr]
        prompt = await client.get_prompt("close_goal", {"goal_id": goals["double_le"]})
        assert "⊢ n ≤ double n" in prompt.messages[0].content.text  # type: ignore[union-attr]


async def test_a_proof_passes_and_a_cheat_is_refused_with_the_gates_sentence(served: Place) -> None:
    async with connected(served, "prover") as client:
        cheat = "have h : double n < 7 := by native_decide\nexact h"
        for tool in ("verify", "submit_proof"):
            refused = await call(client, tool, goal_id="too_small", proof=cheat)
            assert refused["accepted"] is False
            assert "question 2, not so: what fills them runs no code" in refused["words"]
            assert refused["next_step"].startswith("Prove it without that")
        wrong = await call(client, "submit_proof", goal_id="too_small", proof="unfold double\nomega")
        assert "question 3, not so: the project compiles" in wrong["words"]
        right = await call(client, "submit_proof", goal_id="double_even", proof="```lean\nby unfold double; omega\n```")
        assert (right["accepted"], right["words"]) == (True, "double_even: passed")
        assert right["kept"].startswith("The ledger has it")
        listed = await call(client, "list_goals", status="solved")
        assert [goal["declaration"] for goal in listed["goals"]] == ["double_even"]


async def test_of_two_agents_one_gets_the_ticket_and_completes_it(served: Place) -> None:
    async with connected(served, "one") as one, connected(served, "other") as other:
        ticket = await call(
            one, "request_lemma", statement="∀ n : Nat, n ≤ n + n", goal_id="double_le", name="le_twice"
        )
        assert ticket["status"] == "open"
        answers = await asyncio.gather(*(call(agent, "claim_ticket", ticket_id=ticket["id"]) for agent in (one, other)))
        (winner, taken), (_, refused) = sorted(zip((one, other), answers, strict=True), key=lambda it: str(type(it[1])))
        assert taken["supplier"] in ("one", "other")
        assert f"the ticket is claimed by {taken['supplier']}" in refused
        loser = other if winner is one else one
        assert "has claimed it" in await call(loser, "complete_ticket", ticket_id=ticket["id"], proof="intro n; omega")
        done = await call(winner, "complete_ticket", ticket_id=ticket["id"], proof="intro n\nomega")
        assert (done["status"], done["supplier"]) == ("completed", taken["supplier"])


async def test_a_wrong_token_a_slow_client_and_a_flood_keep_nobody_from_working(served: Place) -> None:
    async with httpx2.AsyncClient(headers={"Authorization": "Bearer wrong"}) as stranger:
        answer = await stranger.post(served.url, json={})
        assert (answer.status_code, "Bearer" in answer.json()["error"]) == (401, True)
    address = urlsplit(served.url)
    _, slow = await asyncio.open_connection(address.hostname, address.port)
    slow.write(f"POST /mcp HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n".encode())
    slow.write(b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
    await slow.drain()
    async with connected(served, "flood") as flood, connected(served, "patient") as patient:
        many = [call(flood, "refute", goal_id="double_le", seconds=1) for _ in range(30)]
        answers, mine = await asyncio.gather(
            asyncio.gather(*many), call(patient, "try_tactics", goal_id="double_le", scripts=["simp [double]"])
        )
        assert mine[0]["closes"]
        turned_away = [answer for answer in answers if isinstance(answer, str)]
        assert all("the most that one client may have" in answer for answer in turned_away)
        assert 0 < len(turned_away) < 30
    slow.close()
    await slow.wait_closed()


def test_what_the_gate_passed_is_in_the_next_patch(place: Place, served: Place) -> None:
    out = place.repo.parent / "out"
    done = subprocess.run(
        ["orchestrator", "prove", str(place.repo), "--only", "Small.lean:4", "--timeout", "1", "--out", str(out)],
        env=place.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "omega" in (out / "proofs.patch").read_text(encoding="utf-8")
    assert "agent" in done.stdout
