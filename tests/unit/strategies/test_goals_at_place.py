"""One place alone: the goals of a line of a file."""

from __future__ import annotations

import pytest

from orchestrator.errors import RepositoryError
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.run.triage.changes import goals_at


def goal(name: str, file: str, line: int, column: int) -> Goal:
    return Goal(name, "⊢ p", file=file, span=SourceSpan(Position(line, column), Position(line, column + 5)))


GOALS = (goal("a", "A.lean", 3, 2), goal("b", "A.lean", 3, 9), goal("c", "B/C.lean", 3, 2), Goal("d", "⊢ p"))


@pytest.mark.parametrize(
    ("place", "names"),
    [("A.lean:3", ["a", "b"]), ("A.lean:3:9", ["b"]), ("B/C.lean:3", ["c"]), ("B/C.lean:3:2", ["c"])],
)
def test_goals_of_a_place(place: str, names: list[str]) -> None:
    assert [found.id for found in goals_at(GOALS, place)] == names


@pytest.mark.parametrize("place", ["A.lean", "A.lean:4", "A.lean:3:3", "C.lean:3", "A.lean:", ""])
def test_a_place_without_a_goal_is_said(place: str) -> None:
    with pytest.raises(RepositoryError, match="no sorry"):
        goals_at(GOALS, place)
