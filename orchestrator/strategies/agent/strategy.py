"""Any command-line agent, started for each goal with the address of an MCP server; the gate judges what it hands in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from orchestrator.config import STRATEGY_SECONDS, child_environment
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.sandbox.walls import confined
from orchestrator.strategies.agent.desk import Assignment, Desk
from orchestrator.strategies.base import BoundStrategy, needs_proposition
from orchestrator.strategies.spec import StrategySpec, StrategyTools

_SHELL = "/bin/sh"
_PASSED_ON = ("PATH", "LANG", "LC_*", "TZ", "TERM", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_*")
_READABLE = ("/bin", "/sbin", "/usr", "/opt", "/etc", "/run/systemd/resolve", "/dev")
_LAST_WORDS = 1000
_LAST_LINE = 200
_ENDING_SECONDS = 2.0
_NOT_FOUND = (126, 127)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProgram:
    """How an agent is started.

    Attributes:
        command: for the shell, in a folder of its own with `task.md` and `mcp.json`.
        variables: names of variables that it gets, such as that of its key; it gets no others of ours.
        folders: what it may read and write beside its own folder, such as its settings and its login.
    """

    command: str
    variables: Collection[str] = ()
    folders: Sequence[Path] = ()


async def run_agent(goal: Goal, timeout: float, *, desk: Desk, program: AgentProgram) -> Result:
    """Let an agent work on `goal` until it hands in a proof that the gate passes, ends, or `timeout` seconds are up."""
    async with desk.assign(goal) as assigned:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="orchestrator-agent-", ignore_cleanup_errors=True) as made:
            folder = _with_task(Path(made), assigned)
            words = folder / ".output"
            with words.open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    *_command(program, folder),
                    cwd=folder,
                    env=_environment(program, folder, assigned, timeout),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                )
            with _ended(process):
                ending = asyncio.ensure_future(process.wait())
                either: tuple[asyncio.Future[Any], ...] = (ending, assigned.proof)
                await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            await ending
            said = words.read_text(encoding="utf-8", errors="replace").strip()[-_LAST_WORDS:]
        return _result(assigned, process.returncode, said, out_of_time=time.monotonic() - started >= timeout)


def _with_task(made: Path, assigned: Assignment) -> Path:
    """The folder with what the agent finds there: the task, and the server as Claude Code and others read it."""
    folder = made.resolve()
    (folder / "task.md").write_text(assigned.task, encoding="utf-8")
    headers = {"Authorization": f"Bearer {assigned.token}"}
    servers = {"mcpServers": {"lean": {"type": "http", "url": assigned.url, "headers": headers}}}
    (folder / "mcp.json").write_text(json.dumps(servers, indent=2), encoding="utf-8")
    return folder


def _command(program: AgentProgram, folder: Path) -> list[str]:
    environment = child_environment(("PATH",))
    path = [Path(part) for part in environment.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(part)]
    read = [*map(Path, _READABLE), *path, Path(sys.prefix), Path(sys.base_prefix)]
    read += [Path(part) for part in sys.path if os.path.isabs(part)]
    return confined([_SHELL, "-c", program.command], read=read, write=(folder, *program.folders), network=True)


def _environment(program: AgentProgram, folder: Path, assigned: Assignment, timeout: float) -> dict[str, str]:
    own = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "GOAL_ID": assigned.goal.id,
        "GOAL_SECONDS": f"{timeout:g}",
        "LEAN_MCP_URL": assigned.url,
        "LEAN_MCP_TOKEN": assigned.token,
    }
    given = child_environment(tuple(program.variables))
    return {**child_environment(_PASSED_ON, extra=own), **given}


@contextlib.contextmanager
def _ended(process: asyncio.subprocess.Process) -> Iterator[None]:
    """Behind the block the process is killed, with all that it has started."""
    try:
        yield
    finally:
        started: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            started = psutil.Process(process.pid).children(recursive=True)
        for child in started:
            with contextlib.suppress(psutil.Error):
                child.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)
        psutil.wait_procs(started, timeout=_ENDING_SECONDS)


def _result(assigned: Assignment, code: int | None, said: str, *, out_of_time: bool) -> Result:
    if assigned.proof.done():
        return assigned.proof.result()
    metadata = {"refused": assigned.refused, "exit_code": code, "output": said}
    if out_of_time:
        return Result(success=False, outcome=Outcome.TIMEOUT, metadata=metadata)
    if code in _NOT_FOUND:
        error = f"the agent's command cannot be run: {said.splitlines()[-1] if said else f'exit code {code}'}"
        return Result(success=False, outcome=Outcome.ERROR, error=error, metadata=metadata)
    last = f"the gate's last word: {assigned.refused[-1]}" if assigned.refused else "".join(said.splitlines()[-1:])
    error = f"the agent ended without a proof, with exit code {code}" + (f"; {last[:_LAST_LINE]}" if last else "")
    if "Permission denied" in said:
        error += ". It sees the system's programs and its own folder; ORCH_AGENT_FOLDERS names more"
    return Result(success=False, outcome=Outcome.NOT_PROVED, error=error, metadata=metadata)


def _make(tools: StrategyTools) -> BoundStrategy:
    settings, desk = tools.settings, tools.desk
    assert settings.agent, "a strategy that is missing something is not made"
    program = AgentProgram(command=settings.agent, variables=settings.agent_variables, folders=settings.agent_folders)
    if desk is None:
        return BoundStrategy(StrategyType.AGENT, _nobody, lambda _goal: "agents work on a run's own goals alone")
    return BoundStrategy(StrategyType.AGENT, partial(run_agent, desk=desk, program=program), needs_proposition)


async def _nobody(_goal: Goal, _timeout: float) -> Result:
    return Result(success=False, outcome=Outcome.UNAVAILABLE)


SPEC = StrategySpec(
    type=StrategyType.AGENT,
    seconds=STRATEGY_SECONDS[StrategyType.AGENT],
    make=_make,
    missing=lambda settings, _project: "" if settings.agent else "no agent is set: `orchestrator prove --agent CMD`",
    model=lambda settings: settings.agent,
)
