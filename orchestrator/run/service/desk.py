"""Agents in a run: each gets a goal and an MCP server over the run's own Lean, and hands its proof in there."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import BusyError, RepositoryError
from orchestrator.gate.verdict import Verdict
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.premises.store import known_library
from orchestrator.run.run import Run
from orchestrator.strategies.agent.desk import Assignment

if TYPE_CHECKING:
    from orchestrator.run.service.service import ProofService


@dataclass(slots=True)
class _Handed:
    """An assignment, and how many calls were made for it."""

    assignment: Assignment
    client: str
    calls: int = 0


class AgentDesk:
    """Hands a run's goals out to agents (a `Desk`), lets them in (an `Access`), and takes their proofs (a `Deposit`).

    The server starts with the first assignment; use it in an `async with` block.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._handed: dict[str, _Handed] = {}
        self._stack = AsyncExitStack()
        self._opening: asyncio.Task[tuple[ProofService, str]] | None = None

    async def __aenter__(self) -> AgentDesk:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._opening is not None:
            if not self._opening.done():
                self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._stack.aclose()

    @asynccontextmanager
    async def assign(self, goal: Goal) -> AsyncIterator[Assignment]:
        """A goal in the hands of an agent, until the block ends."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._opened())
        service, url = await asyncio.shield(self._opening)
        token = secrets.token_urlsafe(24)
        task = await service.task(goal.id)
        assignment = Assignment(goal, url, token, task, asyncio.get_running_loop().create_future())
        self._handed[token] = _Handed(assignment, client=f"agent/{goal.id}-{token[:4]}")
        try:
            yield assignment
        finally:
            del self._handed[token]
            assignment.proof.cancel()

    def allows(self, token: str) -> bool:
        """Whether it is the token of an assignment."""
        return token in self._handed  # 192 random bits: how long a look-up takes tells nothing of them

    def client(self, token: str) -> str:
        """Who works on the assignment. Raises BusyError: its calls are used up."""
        handed = self._handed[token]
        handed.calls += 1
        most = self._run.settings.agent_calls
        if handed.calls > most:
            raise BusyError(f"this goal's {most} calls are used up", hint="End here: no more proofs are taken for it")
        return handed.client

    async def keep(self, goal: Goal, result: Result, verdict: Verdict) -> str:
        """Give a proof to the run. Raises RepositoryError: it proves another goal than the one that was assigned."""
        client = result.metadata["client"]
        handed = next((one for one in self._handed.values() if one.client == client), None)
        if handed is None or handed.assignment.goal.id != goal.id:
            asked = f"Prove {handed.assignment.goal.id}" if handed is not None else "Its time is up"
            raise RepositoryError(f"you were not asked for {goal.declaration}", hint=asked)
        if not verdict.accepted:
            handed.assignment.refused.append(verdict.reason)
            return ""
        if not handed.assignment.proof.done():
            handed.assignment.proof.set_result(result)
        return "The run has it, and judges it once more with all others: you are done"

    async def _opened(self) -> tuple[ProofService, str]:
        from orchestrator.run.service.http import serve_http
        from orchestrator.run.service.mcp_server import make_mcp_server
        from orchestrator.run.service.opening import Results, serving

        run = self._run
        library = await asyncio.to_thread(known_library, run.settings.paths, run.servers)
        service = await self._stack.enter_async_context(serving(run, library, self, at_once=1))

        async def opened() -> ProofService:
            return service

        results = Results(Path(run.request.out or "out"), run.settings.paths.data, run.request.repo)
        server = make_mcp_server(opened, results, self)
        served = await self._stack.enter_async_context(serve_http(server, self))
        return service, served.url
