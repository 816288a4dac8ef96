"""From files to goals, on a pretended Lean: what is a problem of which file, and what a goal is called."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from small_lean import SmallLean, project

from orchestrator.goals.goal import Goal, Position, SorryKind, SourceSpan
from orchestrator.lean.extraction import Extraction, extract, goal_id, goals_of, known_extraction
from orchestrator.lean.protocol import File, Sorry
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.source.loading import importable, offers_nothing
from orchestrator.source.project import Project, SourceModule


async def extracted(lean: SmallLean | None = None, **texts: str) -> Extraction:
    """The goals of a project."""
    workspace = Workspace((lean or SmallLean()).session, project(**texts))
    return await extract(workspace, workspace.project.modules)


async def test_every_sorry_is_a_goal_in_the_order_of_files() -> None:
    found = await extracted(A="a := sorry\nb := sorry\n", B="import A\n\nc := sorry")
    assert [(goal.file, goal.span) for goal in found.goals] == [
        ("A.lean", SourceSpan(Position(1, 5), Position(1, 10))),
        ("A.lean", SourceSpan(Position(2, 5), Position(2, 10))),
        ("B.lean", SourceSpan(Position(3, 5), Position(3, 10))),
    ]
    assert [goal.context.imports for goal in found.goals] == [(), (), ("A",)]
    assert found.problems == ()
    assert set(found.declarations) == {"A", "B"}


async def test_a_file_that_does_not_elaborate_is_a_problem_and_the_others_go_on() -> None:
    found = await extracted(A="broken\nsorry", B="import A\nsorry", C="sorry", D="import broken", E="slow")
    assert [(problem.path, problem.message) for problem in found.problems] == [
        ("A.lean", "2:3: this is broken"),
        ("B.lean", "not looked at, because an import does not elaborate: A"),
        ("D.lean", "Lean cannot import broken: this is broken"),
        ("E.lean", "1:0: not elaborated within 300 s (ORCH_ELABORATION_TIMEOUT gives the gate more)"),
    ]
    assert [goal.file for goal in found.goals] == ["C.lean"]
    assert set(found.declarations) == {"C"}


async def test_a_file_that_breaks_lean_is_a_problem_and_the_next_one_gets_a_new_process() -> None:
    lean = SmallLean()
    found = await extracted(lean, A="sorry", B="crash", C="import A\nsorry")
    assert [(problem.path, problem.message) for problem in found.problems] == [
        ("B.lean", "Lean broke on this file: The Lean process ended")
    ]
    assert [goal.file for goal in found.goals] == ["A.lean", "C.lean"]
    assert lean.session.generation == 2


def chain(broken: int | None, files: int = 60, word: str = "broken") -> dict[str, str]:
    """Files that each import the one before, one of them broken."""
    return {
        f"M{n}": (f"import M{n - 1}\n" if n else "") + (word if n == broken else "a := sorry") for n in range(files)
    }


async def elaborations(texts: dict[str, str], servers: int) -> int:
    """How many files Lean elaborates when servers share a project's modules."""
    leans = [SmallLean() for _ in range(servers)]
    waiting, broken = iter(project(**texts).modules), set[str]()

    async def some(lean: SmallLean) -> None:
        await extract(Workspace(lean.session, project(**texts)), waiting, broken=broken)

    await asyncio.gather(*map(some, leans))
    return sum(len(lean.files()) for lean in leans)


@pytest.mark.parametrize("servers", [1, 2])
@pytest.mark.parametrize("place", [0, 30, 59])
async def test_a_broken_file_costs_no_more_than_a_whole_chain(servers: int, place: int) -> None:
    whole = await elaborations(chain(None), servers)
    assert await elaborations(chain(place), servers) <= whole <= 60 * servers
    assert await elaborations(chain(0), 1) == 1


async def test_files_whose_import_breaks_lean_are_left_out_at_once_and_asked_for_again(tmp_path: Path) -> None:
    lean, work = SmallLean(), project(**chain(0, 5, word="crash"))
    cache = ContentCache(tmp_path)

    async def elaborate(modules: Sequence[SourceModule]) -> Extraction:
        return await extract(Workspace(lean.session, work), modules)

    for run in (1, 2):
        found = await known_extraction(cache, work, "lean", elaborate)
        assert [problem.path for problem in found.problems] == [f"M{n}.lean" for n in range(5)]
        assert sum(isinstance(request, File) for request in lean.session.asked) == run


async def test_a_second_look_elaborates_what_was_edited_and_no_more(tmp_path: Path) -> None:
    lean, texts, cache = SmallLean(), chain(2, 4), ContentCache(tmp_path)
    asked: list[list[str]] = []

    for edit in ("", "\n-- edited"):
        work = project(**{**texts, "M3": texts["M3"] + edit})

        async def elaborate(modules: Sequence[SourceModule], work: Project = work) -> Extraction:
            asked.append([module.name for module in modules])
            return await extract(Workspace(lean.session, work), modules)

        found = await known_extraction(cache, work, "lean", elaborate)
        assert [problem.path for problem in found.problems] == ["M2.lean", "M3.lean"]
    assert asked == [["M0", "M1", "M2", "M3"], ["M3"]]


async def test_what_asks_of_a_part_without_a_sorry_is_answered_by_lean(tmp_path: Path) -> None:
    # Only a night may do without: a patch of such a project is judged against its declarations.
    part = importable(project(A="done", B="import Mathlib"), set())
    lean = SmallLean()
    work = partial(extract, Workspace(lean.session, part))
    found = await known_extraction(ContentCache(tmp_path), part, "lean", work)
    assert (offers_nothing(part), list(found.declarations)) == (True, ["A"])


async def test_more_errors_are_counted() -> None:
    found = await extracted(A="broken\nbroken\nbroken")
    assert [problem.message for problem in found.problems] == ["2:3: this is broken (and 2 more)"]


async def test_a_file_read_as_noncomputable_is_noted() -> None:
    found = await extracted(A="uncompilable\nsorry")
    assert len(found.goals) == 1
    assert found.notes == ("A.lean: elaborated as noncomputable, since the embedded Lean cannot compile it",)


async def test_a_sorry_that_lean_does_not_elaborate_is_noted() -> None:
    found = await extracted(A="sorry\nadmit\n-- admit\nadmit")
    assert len(found.goals) == 1
    assert [note.partition(" not")[0] for note in found.notes] == ["A.lean:2, 4: 2 sorries"]


async def test_progress_is_told_before_each_file() -> None:
    workspace = Workspace(SmallLean().session, project(A="", B="broken"))
    told: list[str] = []
    await extract(workspace, workspace.project.modules, progress=lambda module: told.append(module.name))
    assert told == ["A", "B"]


MODULE = SourceModule("M.A", "M/A.lean", "", ("Std",))


def place(line: int, declaration: str, goal: str = "⊢ p", **more: object) -> Sorry:
    """A sorry on a line of its own."""
    span = SourceSpan(Position(line, 2), Position(line, 7))
    return Sorry(goal, span, 0, declaration=declaration, **more)  # type: ignore[arg-type]


def goals(*sorries: Sorry) -> tuple[Goal, ...]:
    """Goals of a file."""
    return goals_of(MODULE, sorries, lambda text: len(text) / 100)


def test_a_place_with_several_states_is_one_goal() -> None:
    (goal,) = goals(place(1, "t", "⊢ p"), place(1, "t", "⊢ q", is_prop=False), place(1, "t", "⊢ p"))
    assert (goal.text, goal.is_prop) == ("⊢ p\n\n⊢ q", False)


def test_a_goal_carries_what_lean_said() -> None:
    command = SourceSpan(Position(1, 0), Position(1, 9))
    (goal,) = goals(place(1, "N.t", namespace="N", opens=("Nat",), syntax="sorryAx", command=command))
    assert goal.kind is SorryKind.SORRY_AX
    assert (goal.context.namespace, goal.context.opens, goal.context.imports) == ("N", ("Nat",), ("Std",))
    assert (goal.module, goal.file, goal.declaration, goal.command) == ("M.A", "M/A.lean", "N.t", command)
    assert goal.estimated_difficulty == 0.03


def test_ids_follow_the_declaration_and_not_the_line() -> None:
    before = goals(place(5, "t"), place(3, "t"), place(9, "u"))
    after = goals(place(13, "t"), place(15, "t"), place(2, "new"), place(19, "u"))
    assert [goal.span.start.line for goal in before if goal.span] == [3, 5, 9]
    assert [goal.id for goal in before] == [goal.id for goal in after if goal.declaration != "new"]
    assert len({goal.id for goal in after}) == 4
    assert before[0].id == goal_id("M/A.lean", "t", 0)
    assert goal_id("M/A.lean", "t", 1) != goal_id("M/A.lean", "t1", 0)
