"""The strategy that starts an agent: what it is given, what it may see, and how it ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.sandbox.walls import examine_walls
from orchestrator.strategies.agent.desk import Assignment
from orchestrator.strategies.agent.strategy import AgentProgram, run_agent

GOAL = Goal("g1", "n : Nat\n⊢ n = n", declaration="foo")
FOUND = Result(success=True, strategy=StrategyType.AGENT, tactics=("rfl",), metadata={"client": "agent/g1"})


class PretendedDesk:
    """Hands one assignment out; the gate passes `rfl` as soon as the agent has written the file `proof`."""

    def __init__(self, proof: Path | None = None, refused: tuple[str, ...] = ()) -> None:
        self._proof, self._refused = proof, refused

    @asynccontextmanager
    async def assign(self, goal: Goal) -> AsyncIterator[Assignment]:
        made: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        watching = asyncio.ensure_future(self._watch(made))
        yield Assignment(goal, "http://127.0.0.1:1/mcp", "secret", "Prove it.", made, list(self._refused))
        watching.cancel()

    async def _watch(self, made: asyncio.Future[Result]) -> None:
        while self._proof is None or not self._proof.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        made.set_result(FOUND)


def run(command: str, desk: PretendedDesk | None = None, *, timeout: float = 60.0, **program: object) -> Result:
    asked = AgentProgram(command=command, **program)  # type: ignore[arg-type]
    return asyncio.run(run_agent(GOAL, timeout, desk=desk or PretendedDesk(), program=asked))


def test_its_proof_ends_it(tmp_path: Path) -> None:
    command = f"cat task.md mcp.json > {tmp_path}/seen; echo $LEAN_MCP_URL $GOAL_ID > {tmp_path}/proof; sleep 600"
    result = run(command, PretendedDesk(tmp_path / "proof"), folders=(tmp_path,))
    assert result == FOUND
    seen = (tmp_path / "seen").read_text()
    assert seen.startswith("Prove it.")
    assert '"Authorization": "Bearer secret"' in seen
    assert (tmp_path / "proof").read_text() == "http://127.0.0.1:1/mcp g1\n"


def test_it_sees_nothing_of_ours_but_what_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_KEY", "its own")
    monkeypatch.setenv("OTHER_KEY", "not its own")
    hidden, shown = tmp_path / "hidden", tmp_path / "shown"
    for folder in (hidden, shown):
        folder.mkdir()
        (folder / "file").write_text(folder.name)
    looking = f"cat {hidden}/file {shown}/file > {shown}/read"
    command = f"env > {shown}/env; {looking}; pwd > {shown}/home; echo $HOME >> {shown}/home"
    run(command, variables=("AGENT_KEY",), folders=(shown,))
    given = dict(line.split("=", 1) for line in (shown / "env").read_text().splitlines())
    assert given["AGENT_KEY"] == "its own"
    assert not {name for name in given if name.startswith(("ORCH_", "PREFECT_")) or name == "OTHER_KEY"}
    here, home = (shown / "home").read_text().split()
    assert here == home != os.environ.get("HOME")
    assert not Path(here).exists()
    if examine_walls().landlock:
        assert (shown / "read").read_text() == "shown"


def test_it_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    command = (
        f"sh -c 'echo $$ > {tmp_path}/one; sleep 600' & setsid sh -c 'echo $$ > {tmp_path}/two; sleep 600' & sleep 600"
    )
    result = run(command, timeout=2.0, folders=(tmp_path,))
    assert result.outcome is Outcome.TIMEOUT
    started = [int((tmp_path / name).read_text()) for name in ("one", "two")]
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in started)


@pytest.mark.parametrize(
    ("command", "outcome", "words"),
    [
        ("no-such-agent", Outcome.ERROR, "cannot be run"),
        ("echo I give up; exit 3", Outcome.NOT_PROVED, "exit code 3; I give up"),
        ("echo Permission denied", Outcome.NOT_PROVED, "ORCH_AGENT_FOLDERS names more"),
    ],
)
def test_how_it_ended_is_said(command: str, outcome: Outcome, words: str) -> None:
    result = run(command)
    assert (result.success, result.outcome) == (False, outcome)
    assert words in result.error


def test_the_gates_last_word_is_kept() -> None:
    result = run("true", PretendedDesk(refused=("question 2, not so",)))
    assert "the gate's last word: question 2, not so" in result.error
    assert result.metadata["refused"] == ["question 2, not so"]
