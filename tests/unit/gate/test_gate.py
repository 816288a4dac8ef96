"""What the gate says of a file that it cannot look at: nothing, and of the others what it would have said anyway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from small_lean import project

from bench.native_cost import CountingSession
from orchestrator.errors import MalformedReply, NotJudged, SessionDied, SessionError
from orchestrator.gate.gate import Gate
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.native.session import BuiltElsewhere
from orchestrator.lean.protocol import Command, CompareFile, ExportConstants, JudgeConstants, Reply, Request
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project

SMALL = project(A="theorem a : p := sorry\n", B="import A\ntheorem b : p := sorry\n")
PATCH = {"A.lean": "theorem a : p := trivial\n", "B.lean": "import A\ntheorem b : p := trivial\n"}


class Breaking(CountingSession):
    """A session that breaks on requests of a kind, the first few times."""

    on: type | None = None
    error: SessionError = SessionDied("it broke")
    times = 2

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        if self.on is not None and isinstance(request, self.on) and self.times:
            self.times -= 1
            raise self.error
        return await super().exchange(request, timeout=timeout)


def sessions() -> list[Breaking]:
    """Two for each of two verdicts: where the original is read, and where it is judged."""
    return [Breaking(BuiltElsewhere()) for _ in range(4)]


def gate_over(processes: list[Breaking]) -> Gate:
    """A gate whose processes are these."""
    left = iter(processes)

    @asynccontextmanager
    async def opened(small: Project) -> AsyncIterator[Workspace]:
        yield Workspace(next(left), small)

    return Gate(SMALL, Extraction(), opened)


@pytest.mark.parametrize(
    ("process", "on", "error"),
    [
        (0, CompareFile, SessionDied("it broke")),
        (0, ExportConstants, MalformedReply("A compiled file was not exported")),
        (1, JudgeConstants, SessionError("The kernel took too long over an export")),
        (1, Command, SessionDied("it cannot import what a file imports")),
    ],
)
async def test_what_breaks_on_an_original_is_said_of_its_file(process: int, on: type, error: SessionError) -> None:
    processes = sessions()
    processes[process].on, processes[process].error = on, error
    gate = gate_over(processes)
    with pytest.raises(NotJudged, match=f"^{error.what}") as caught:
        await gate.verify({"A.lean": PATCH["A.lean"]})
    assert caught.value.where == "A.lean"
    await gate.verify({"B.lean": PATCH["B.lean"]})


async def test_a_judge_that_could_not_be_started_ahead_is_started_when_it_is_needed() -> None:
    processes = sessions()
    processes[1].on, processes[1].times = Command, 1
    await gate_over(processes).verify(PATCH)
    assert processes[1].times == 0
