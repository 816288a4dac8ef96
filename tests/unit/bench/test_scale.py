"""What `bench.scale` calls too little, and that its goals are all different."""

from __future__ import annotations

from bench.matrix import read_matrix
from bench.night import Figure
from bench.scale import Night, copies, shortfalls


def test_copies_of_a_goal_are_goals_of_their_own() -> None:
    made = [goal for goal, _ in copies(read_matrix()[:3], 9)]
    assert len({goal.id for goal in made}) == len({goal.text for goal in made}) == 9


def test_only_what_falls_short_is_told() -> None:
    good = Night(workers=64, goals=9, proved=9, claimed=9, seconds=1.0, efficiency=0.9)
    bad = Night(workers=64, goals=9, proved=9, claimed=9, seconds=1.0, efficiency=0.7)
    few = Figure("few", minutes=2.0, solved=8, times=(), area=0.5, share=0.5, spent=180.0)
    many = Figure("many", minutes=2.0, solved=9, times=(), area=0.6, share=0.5, spent=180.0)
    assert shortfalls([good], 1.0, [few, many]) == []
    assert len(shortfalls([bad], 11.0, [many, few])) == 4
