"""What an agent is handed: an address, a token, and somewhere for its proof to go."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result


@dataclass(frozen=True, slots=True)
class Assignment:
    """One goal in the hands of one agent.

    Attributes:
        url, token: of an MCP server; the token is good for this assignment alone.
        task: what is asked for, in words.
        proof: the first proof that the gate passed.
        refused: what the gate said of the others.
    """

    goal: Goal
    url: str
    token: str = field(repr=False)
    task: str
    proof: asyncio.Future[Result]
    refused: list[str] = field(default_factory=list)


class Desk(Protocol):
    """Hands goals out to agents, and takes their proofs."""

    def assign(self, goal: Goal) -> AbstractAsyncContextManager[Assignment]:
        """An assignment that holds until the block ends."""
