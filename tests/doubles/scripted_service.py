"""A proof service that answers from memory, and the services of a dashboard made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from orchestrator.errors import BusyError, PatchError, RepositoryError
from orchestrator.run.service.answers import GoalEntry, GoalList, TacticAnswer, VerdictAnswer
from orchestrator.run.service.service import ProofService

GOAL = GoalEntry(
    id="g1", declaration="foo", file="A.lean", line=3, target="a = a", difficulty=0.2, status="open", note=""
)


class ScriptedService:
    """Knows one goal, which `rfl` closes. `asked`: who asked, for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def list_goals(self, text: str = "", status: str = "", offset: int = 0, limit: int = 50) -> GoalList:
        return GoalList(total=1, goals=(GOAL,))

    async def try_tactics(
        self, goal_id: str, scripts: list[str], client: str, seconds: float = 30.0
    ) -> tuple[TacticAnswer, ...]:
        self.asked.append((client, goal_id, *scripts))
        if goal_id != GOAL.id:
            raise RepositoryError(f"there is no goal {goal_id!r}", hint="Did you mean foo?")
        if "busy" in scripts:
            raise BusyError("64 requests wait already", hint="Ask again in a minute")
        return tuple(
            TacticAnswer(script=one, closes=one == "rfl", goals=(), error="", suggestions=(), milliseconds=1)
            for one in scripts
        )

    async def verify(self, client: str, *, goal_id: str = "", proof: str = "", patch: str = "") -> VerdictAnswer:
        self.asked.append((client, goal_id, proof, patch))
        if not proof and not patch:
            raise PatchError("there is nothing to judge", hint="Give a goal's id and a proof of it, or a patch alone")
        return VerdictAnswer(accepted=proof == "rfl", words="foo: passed", next_step="", declarations=())

    async def source(self, path: str) -> str:
        raise RepositoryError("the project has no such file", where=path, hint="There is A.lean")


class ScriptedServices:
    """The services of a dashboard (`OpenServices`), all of them one."""

    def __init__(self) -> None:
        self.service = ScriptedService()
        self.closed = False

    @asynccontextmanager
    async def of(self, repo: str) -> AsyncIterator[ProofService]:
        if repo not in ("", "known"):
            raise RepositoryError(f"the ledger knows no repository {repo!r}", hint="Give one of known")
        yield cast(ProofService, cast(Any, self.service))

    async def close(self) -> None:
        self.closed = True
