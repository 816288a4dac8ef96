"""In which order a night takes its goals, and how much more time an old one is given than it had. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.goal import Goal

MOST_GROWTH = 16.0


def in_order(goals: Iterable[Goal], *, old: frozenset[str], worth: Mapping[str, int]) -> tuple[Goal, ...]:
    """New and changed goals first; among the new and among the old those that hold up most, then the easiest.

    Args:
        goals: in the order of files.
        old: ids of goals that were tried before, in the same surroundings.
        worth: by declaration; those not named hold nothing up.
    """

    def key(goal: Goal) -> tuple[bool, int, float]:
        return (goal.id in old, -_worth(goal.declaration, worth), goal.estimated_difficulty)

    return tuple(sorted(goals, key=key))


def growth(spent: float | None, usual: float) -> float:
    """What an attempt's seconds are multiplied by, so that it has twice what it had in vain; 1 for a new one.

    Args:
        spent: the most seconds that an attempt on the goal had and used up; None for a goal that has seen none.
        usual: seconds of a first attempt.
    """
    if not spent or usual <= 0:
        return 1.0
    return min(MOST_GROWTH, max(1.0, 2.0 * spent / usual))


def _worth(declaration: str, worth: Mapping[str, int]) -> int:
    name = declaration
    while name:
        if name in worth:
            return worth[name]
        name = name.rpartition(".")[0]
    return 0
