"""Counterexamples are looked for once: an unchanged goal opens no session the second time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from orchestrator.errors import SessionDied
from orchestrator.goals.goal import Goal
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.machine import Reading
from orchestrator.run.triage.triage import look_false
from orchestrator.source.project import Project, SourceModule
from orchestrator.strategies.base import ProofContext


def project(*, b: str = "") -> Project:
    """Two modules, of which the second imports the first."""
    modules = (SourceModule("A", "A.lean", "", ()), SourceModule("B", "B.lean", b, ("A",)))
    return Project("p", "/nowhere", modules=modules)


class Recorded:
    """A prover whose every goal breaks Lean, or is opened to nothing; it counts what it opens."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.breaks = False

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[ProofContext]:
        """See `Prover.open`."""
        self.opened.append(goal.id)
        if self.breaks:
            raise SessionDied("it broke")
        yield Nothing(goal)  # type: ignore[misc]  # of a context, only what the search reads


class Nothing:
    """A goal of a type that no values are known for."""

    goals = 1

    def __init__(self, goal: Goal) -> None:
        self.goal = goal

    async def tactics(self, *_args: object, **_options: object) -> tuple[object, ...]:
        """No reply to any."""
        return ()


class Loaded:
    """A machine of some load."""

    def __init__(self, load: float) -> None:
        self._load = load

    def read(self) -> Reading:
        """See `Machine`."""
        return Reading(self._load)


def look(
    goals: list[Goal],
    prover: Recorded,
    folder: Path,
    *,
    b: str = "",
    stopping: bool = False,
    seconds: float = 60,
    load: float = 0.0,
) -> dict[str, str]:
    """`look_false` over the project."""
    return asyncio.run(
        look_false(
            goals,
            project(b=b),
            prover,  # type: ignore[arg-type]  # a test double of one method
            lean="lean",
            answers=ContentCache(folder),
            stopping=lambda: stopping,
            seconds=seconds,
            machine=Loaded(load),
        )
    )


GOALS = [Goal("a", "x : Odd\n⊢ p x", module="A"), Goal("b", "x : Odd\n⊢ q x", module="B")]


def test_the_second_time_nothing_is_opened_whatever_part_of_the_goals_is_asked_about(tmp_path: Path) -> None:
    prover = Recorded()
    assert look(GOALS, prover, tmp_path) == {}
    assert prover.opened == ["a", "b"]
    look(GOALS[:1], prover, tmp_path)
    look(GOALS[1:], prover, tmp_path)
    assert prover.opened == ["a", "b"]


def test_a_changed_file_is_looked_at_again_and_others_are_not(tmp_path: Path) -> None:
    prover = Recorded()
    look(GOALS, prover, tmp_path)
    look(GOALS, prover, tmp_path, b="-- changed")
    assert prover.opened == ["a", "b", "b"]


def test_what_lean_broke_on_or_was_not_reached_is_asked_again(tmp_path: Path) -> None:
    prover = Recorded()
    prover.breaks = True
    assert look(GOALS, prover, tmp_path) == {}
    prover.breaks = False
    look(GOALS, prover, tmp_path, stopping=True)
    look(GOALS, prover, tmp_path)
    assert prover.opened == ["a", "b", "a", "b"]


def test_what_ran_out_of_time_is_asked_again_only_where_the_machine_was_busy(tmp_path: Path) -> None:
    prover = Recorded()
    look(GOALS[:1], prover, tmp_path, seconds=0, load=0.9)
    look(GOALS[:1], prover, tmp_path, seconds=0, load=0.1)
    look(GOALS[:1], prover, tmp_path, seconds=0, load=0.1)
    assert prover.opened == ["a", "a"]
