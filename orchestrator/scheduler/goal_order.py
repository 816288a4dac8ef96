"""In which order a night takes its goals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.goals.goal import Goal


def in_order(goals: Iterable[Goal], *, old: frozenset[str], worth: Mapping[str, int]) -> tuple[Goal, ...]:
    """New and changed goals first; among the new and among the old those that hold up most, then the easiest.

    Args:
        goals: in the order of files.
        old: ids of goals that were tried before, in the same environment.
        worth: by declaration; those not named hold nothing up.
    """

    def key(goal: Goal) -> tuple[bool, int, float]:
        return (goal.id in old, -_worth(goal.declaration, worth), goal.estimated_difficulty)

    return tuple(sorted(goals, key=key))


def _worth(declaration: str, worth: Mapping[str, int]) -> int:
    name = declaration
    while name:
        if name in worth:
            return worth[name]
        name = name.rpartition(".")[0]
    return 0
