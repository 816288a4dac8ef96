"""Warm processes: what runs a patch is used once, the others go on and keep nothing of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
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


async def test_what_runs_a_patch_is_used_again_only_after_harmless_ones() -> None:
    started, small = Started(), project(A="theorem a : x := sorry\n")
    processes = WarmProcesses(small, started.make)
    patched = small.with_texts({"A.lean": "theorem a : x := closes\n"})
    ran, read = [], set()
    for harmless in (True, True, False, False, True):
        async with processes.case(small, "A") as case:
            async with case.reading() as workspace:
                read.add(id(workspace))
            async with case.running(patched) as variant:
                ran.append(variant.session)
                assert variant.project is patched
                assert not variant.session.closed
            async with case.judging() as court:
                assert court.workspace.session not in ran
            case.harmless = harmless
    await processes.close()
    first, second, third, fourth, fifth = map(id, ran)
    assert first == second == third
    assert len({third, fourth, fifth}) == 3
    assert len(read) == 1
    await asyncio.sleep(0)
    assert all(session.closed for session in started.sessions)


async def test_a_case_that_breaks_off_ends_what_it_ran_in() -> None:
    started, small = Started(), project(A="theorem a : x := sorry\n")
    processes = WarmProcesses(small, started.make)
    ran: list[object] = []

    async def breaks_off() -> None:
        async with processes.case(small, "A") as case, case.running(small) as variant:
            ran.append(variant.session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await breaks_off()
    async with processes.case(small, "A") as case, case.running(small) as variant:
        assert variant.session not in ran
    await processes.close()
    await asyncio.sleep(0)
    assert all(session.closed for session in started.sessions)
