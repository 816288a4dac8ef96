"""`prove --agent` on the examples: a scripted agent closes, over MCP, goals that every other strategy leaves open."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGENT = '''\
"""An agent that knows proofs: it reads its goal and hands in what a file says, first a wrong proof and then that."""

import asyncio, json, os, pathlib, sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main() -> None:
    headers, goal = {"Authorization": "Bearer " + os.environ["LEAN_MCP_TOKEN"]}, os.environ["GOAL_ID"]
    async with httpx2.AsyncClient(headers=headers, timeout=900) as http:
        transport = streamable_http_client(os.environ["LEAN_MCP_URL"], http_client=http)
        async with Client(transport, read_timeout_seconds=900) as client:
            shown = (await client.call_tool("goal", {"goal_id": goal})).structured_content
            proof = json.loads(pathlib.Path(sys.argv[1]).read_text())[shown["entry"]["declaration"]]
            for script in ("exact sorryAx _", proof):
                answer = await client.call_tool("submit_proof", {"goal_id": goal, "proof": script})
                print(answer.structured_content, answer.content[0].text)


asyncio.run(main())
'''


@pytest.mark.slow
@pytest.mark.lean
@pytest.mark.timeout(3000)
def test_an_agent_closes_what_the_other_strategies_leave_open(tmp_path: Path) -> None:
    known = json.loads((ROOT / "examples" / "expected.json").read_text(encoding="utf-8"))["sorries"]
    hard = {one["declaration"]: one["proof"] for one in known if one["truth"] == "hard"}
    assert len(hard) >= 3
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "examples" / "orchestrator.toml").write_text(
        f"include = {json.dumps(sorted(hard))}\n", encoding="utf-8"
    )
    repo, out, own = tmp_path / "grove", tmp_path / "out", tmp_path / "agent"
    make = ["bash", str(ROOT / "scripts" / "demo_repository.sh"), str(tmp_path / "examples"), str(repo)]
    subprocess.run(make, check=True)
    own.mkdir()
    (own / "agent.py").write_text(AGENT, encoding="utf-8")
    (own / "proofs.json").write_text(json.dumps(hard), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "PREFECT_"))}
    cache = {name: os.environ[name] for name in ("ORCH_CACHE_DIR",) if name in os.environ}
    ours = {"ORCH_DATA_DIR": str(tmp_path / "data"), "ORCH_STATE_DIR": str(tmp_path / "state"), "ORCH_SERVERS": "1"}
    ours |= {"ORCH_AGENT_FOLDERS": str(own), "ORCH_TIMEOUT_AGENT": "900", "ORCH_START_TIMEOUT": "600"}
    ours |= {"ORCH_MARKET": "no", "PREFECT_HOME": str(tmp_path / "prefect"), "ORCH_TIMEOUT_REPROVER": "5"}
    command = f"{sys.executable} {own}/agent.py {own}/proofs.json"
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.main", "prove", str(repo), "--out", str(out), "--agent", command],
        env=kept | cache | ours,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in (out / "attempts.jsonl").read_text(encoding="utf-8").splitlines()]
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    solved = {one["declaration"] for one in summary["goals"] if (one["status"], one["strategy"]) == ("solved", "agent")}
    assert solved == set(hard), done.stdout + "".join(map(json.dumps, lines))
    # Which of the others a goal is worth is the plan's to say; each has had its first shot before.
    assert {one["declaration"] for one in lines if not one["success"] and one["strategy"] != "agent"} == set(hard)
    check = ["git", "-C", str(repo), "apply", "--check", str(out / "proofs.patch")]
    subprocess.run(check, check=True)
