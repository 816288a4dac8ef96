"""What a run asks Lean of the project's own compiled files, for those who look theorems up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from small_lean import project

from orchestrator.errors import SessionDied
from orchestrator.goals.events import Notice, RunEvent, observed_by
from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Command, CommandReply, Constant, LibraryConstants, PremisesReply, Request
from orchestrator.lean.testing import Answer, ScriptedSession
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.run.run import Run
from orchestrator.run.theorems import with_compiled_theorems

SMALL = project(
    A="theorem a : p := q", B="import A", C="import B\ntheorem c : p := sorry", D="import C", E="import A", F="import E"
)
FOUND = (Constant("a", "theorem", "p"),)
GOAL = Goal("c", "⊢ p", file="C.lean", module="C")


def lean(request: Request) -> Answer:
    if isinstance(request, Command):
        return CommandReply(env=0)
    assert isinstance(request, LibraryConstants)
    return PremisesReply(str(request.module), 1, 1, FOUND)


def a_run(folder: Path, session: ScriptedSession) -> Run:
    """A run with one goal, of whose files all but B are compiled."""
    for name in "ACDEF":
        file = folder / f"copy/.lake/build/lib/lean/{name}.olean"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    servers: Any = SimpleNamespace(copy=SimpleNamespace(folder=folder / "copy"), identity="a Lean")
    repository: Any = SimpleNamespace(project=SMALL)
    nothing: Any = None
    extraction = Extraction((GOAL,), declarations={"C": {}})
    answers = ContentCache(folder / "answers")
    return Run(nothing, nothing, repository, servers, nothing, Pool([session], SMALL), extraction, answers)


async def test_compiled_files_that_a_goal_imports_are_asked_for_once(tmp_path: Path) -> None:
    library: Any = "theorems"
    for asked in (["import A\n"], []):
        session = ScriptedSession(lean)
        run = await with_compiled_theorems(a_run(tmp_path, session), library)
        assert run.extraction.constants == {"A": FOUND}
        assert [request.cmd for request in session.asked if isinstance(request, Command)] == asked


async def test_without_a_library_nothing_is_asked_and_a_failure_stops_nothing(tmp_path: Path) -> None:
    session = ScriptedSession(lean)
    run = a_run(tmp_path, session)
    assert await with_compiled_theorems(run, None) is run
    assert session.asked == []
    said: list[RunEvent] = []
    library: Any = "theorems"
    with observed_by(said.append):
        broken = a_run(tmp_path, ScriptedSession(lambda _: SessionDied("it died")))
        assert (await with_compiled_theorems(broken, library)).extraction.constants == {}
    assert any(isinstance(event, Notice) and "it died" in event.text for event in said)
