"""Which places are left to people: by rules, markers, comments, folders, and because another branch has them."""

import pytest

from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.run.triage.exclusions import reason_to_leave
from orchestrator.run.triage.other_branches import Branch, proved_elsewhere
from orchestrator.source.lexer import LineIndex
from orchestrator.source.owner_rules import Rules
from orchestrator.source.scan import declared


def goal_in(text: str, *, file: str = "A.lean", declaration: str = "t") -> Goal:
    lines = LineIndex(text)
    at = text.index("sorry")
    start = min(index for index in (text.find("/--"), text.find("theorem")) if index >= 0)
    command = SourceSpan(lines.position(start), lines.position(at + 5))
    return Goal(id="g", text="⊢ x", file=file, declaration=declaration, span=lines.span(at, at + 5), command=command)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("theorem t : x := by sorry\n", ""),
        ("theorem t : x := by sorry -- exercise\n", "an exercise"),
        ("-- Exercise 3\ntheorem t : x := by sorry\n", "an exercise"),
        ("/-- Left as an exercise. -/\ntheorem t : x := by sorry\n", "an exercise"),
        ("-- orchestrator: skip\n@[simp]\ntheorem t : x := by sorry\n", "marked"),
        ("theorem t : x := by\n  -- Orchestrator: skip\n  sorry\n", "marked"),
        ("-- exercise\ntheorem other : y := rfl\n\ntheorem t : x := by sorry\n", ""),
        ("theorem t : x := by sorry\n\n-- exercise\ntheorem u : y := rfl\n", ""),
        ("-- it exercises the parser\ntheorem t : x := by sorry\n", ""),
        ('theorem t : "-- exercise" = x := by sorry\n', ""),
        ("/-- warning: declaration uses `sorry` -/\n#guard_msgs in\ntheorem t : x := by sorry\n", "a `#guard_msgs`"),
        (
            "theorem t : x := sorry\n/-- info: 't' depends on axioms: [sorryAx] -/\n#guard_msgs in #print axioms t",
            "a `#g",
        ),
        ("theorem t : x := sorry\n/-- info: 'u' depends on axioms: [sorryAx] -/\n#guard_msgs in #print axioms u", ""),
        ("theorem t : x := sorry\n/-- info: 't' depends on axioms: [propext] -/\n#guard_msgs in #print axioms t", ""),
    ],
)
def test_comments(text: str, reason: str) -> None:
    goal = goal_in(text.replace("theorem other", "lemma other"))
    found = reason_to_leave(goal, text.replace("theorem other", "lemma other"), Rules())
    assert found.startswith(reason)
    assert bool(found) is bool(reason)


def test_exercises_are_worked_on_where_the_project_says_so() -> None:
    text = "theorem t : x := by sorry -- exercise\n"
    assert reason_to_leave(goal_in(text, file="Exercises/A.lean"), text, Rules()) == "an exercise, by its folder"
    assert reason_to_leave(goal_in(text, file="Exercises/A.lean"), text, Rules(exercises=True)) == ""
    assert "excluded" in reason_to_leave(goal_in(text), text, Rules(exclude=("A.lean",)))


OPEN = "namespace N\n\ntheorem t (n : Nat) :\n    n = n := by sorry\n\nend N\n"


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ("namespace N\n\ntheorem t (n : Nat) : n = n := by\n  rfl\n\nend N\n", True),
        (OPEN, False),
        (OPEN + "-- other\n", False),
        ("namespace N\n\ntheorem t (n : Nat) : n = n + 0 := by rfl\n\nend N\n", False),
        ("theorem t (n : Nat) : n = n := by rfl\n", False),
    ],
)
def test_what_another_branch_has_proved(other: str, found: bool) -> None:
    goal = Goal(id="g", text="⊢ x", file="A.lean", declaration="N.t", span=SourceSpan(Position(1, 0), Position(1, 1)))
    answer = proved_elsewhere([goal], {"A.lean": OPEN}, [Branch("dev", {"A.lean": other})])
    assert answer == ({"g": "proved on the branch dev"} if found else {})


def test_declarations_as_the_text_shows_them() -> None:
    text = (
        "namespace N\ntheorem a : x := sorry\n@[simp] def b := 1 -- sorry\nend N\nexample : y := sorry\nlemma c : z\n"
    )
    assert [(each.name, each.is_open) for each in declared(text)] == [("N.a", True), ("N.b", False), ("c", False)]
