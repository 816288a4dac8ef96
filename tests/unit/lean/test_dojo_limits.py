"""What LeanDojo cannot do is said before it is tried."""

from __future__ import annotations

import pytest

from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.lean.dojo import DojoLimits, why_not

READY = DojoLimits(installed=True, traced=True)
TEXT = """theorem t : 1 = 1 := by
  sorry
theorem u : 1 = 1 := by
  have h : True := by
    sorry
  rfl
theorem v : 1 = 1 := sorry
"""


def goal(line: int, column: int, first: int, last: int, *, is_prop: bool = True) -> Goal:
    span = SourceSpan(Position(line, column), Position(line, column + 5))
    return Goal("g", "⊢ 1 = 1", span=span, command=SourceSpan(Position(first, 0), Position(last, 9)), is_prop=is_prop)


WHOLE = goal(2, 2, 1, 2)


@pytest.mark.parametrize("place", [WHOLE, goal(7, 21, 7, 7)])
def test_a_whole_proof_on_an_old_toolchain_is_in_reach(place: Goal) -> None:
    assert why_not(place, TEXT, "leanprover/lean4:v4.20.0", READY) == ""


@pytest.mark.parametrize(
    ("place", "toolchain", "limits", "words"),
    [
        (WHOLE, "v4.20.0", DojoLimits(installed=False, traced=True), "not installed"),
        (WHOLE, "leanprover/lean4:v4.28.0", READY, "up to Lean v4.20"),
        (WHOLE, "", READY, "up to Lean v4.20"),
        (WHOLE, "v4.9.0", DojoLimits(installed=True, traced=False), "not traced"),
        (goal(5, 4, 3, 6), "v4.9.0", READY, "middle of a proof"),
        (goal(2, 2, 1, 2, is_prop=False), "v4.9.0", READY, "asks for data"),
    ],
)
def test_each_limit_is_named(place: Goal, toolchain: str, limits: DojoLimits, words: str) -> None:
    assert words in why_not(place, TEXT, toolchain, limits)
