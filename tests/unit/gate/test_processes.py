"""Warm processes: what runs a patch is used once, the others go on and keep nothing of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from small_lean import SmallLean, project  # type: ignore[import-not-found]

from orchestrator.gate.processes import WarmProcesses
from orchestrator.lean.testing import ScriptedSession


@dataclass
class Started:
    """Sessions as they were made, and those of them that were closed."""

    sessions: list[ScriptedSession] = field(default_factory=list)

    def make(self) -> ScriptedSession:
        session = SmallLean().session
        self.sessions.append(session)
        return session


async def test_what_runs_a_patch_is_never_used_again() -> None:
    started, small = Started(), project(A="theorem a : x := sorry\n")
    processes = WarmProcesses(small, started.make)
    patched = small.with_texts({"A.lean": "theorem a : x := closes\n"})
    ran, read = [], set()
    for _ in range(3):
        async with processes.case(small, "A") as case:
            async with case.reading() as workspace:
                read.add(id(workspace))
            async with case.running(patched) as variant:
                ran.append(variant.session)
                assert variant.project is patched
            async with case.judging() as court:
                assert court.workspace.session not in ran
    await processes.close()
    assert len({id(session) for session in ran}) == 3
    assert len(read) == 1
    await asyncio.sleep(0)
    assert all(session.closed for session in started.sessions)
