"""What `bench.scale` calls too little, and that its goals are all different."""

from __future__ import annotations

from bench.matrix import read_matrix
from bench.scale import Night, RealRun, copies, shortfalls


def test_copies_of_a_goal_are_goals_of_their_own() -> None:
    made = [goal for goal, _ in copies(read_matrix()[:3], 9)]
    assert len({goal.id for goal in made}) == len({goal.text for goal in made}) == 9


def test_only_what_falls_short_is_told() -> None:
    good = Night(workers=64, goals=9, proved=9, claimed=9, seconds=1.0, efficiency=0.9)
    bad = Night(workers=64, goals=9, proved=9, claimed=9, seconds=1.0, efficiency=0.7)
    quick, slow = RealRun(2, 9, 5.0), RealRun(1, 9, 9.0)
    assert shortfalls([good], 1.0, [slow, quick]) == []
    assert len(shortfalls([bad], 11.0, [RealRun(1, 9, 4.0), RealRun(2, 8, 5.0)])) == 4
