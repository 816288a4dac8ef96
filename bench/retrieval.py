"""Recall of the retriever: how many premises of the bank's known proofs are among the first 16 it answers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

FIRST = 16


@dataclass(frozen=True, slots=True)
class Recall:
    """Over the goals whose known proof uses a library theorem.

    Attributes:
        goals: how many there are.
        premises: how many premises they use together.
        by_goal: mean over the goals of the share of its premises that was found.
        by_premise: share of all the premises that was found.
    """

    goals: int
    premises: int
    by_goal: float
    by_premise: float


def recall(used: Mapping[str, Collection[str]], answered: Mapping[str, Sequence[str]]) -> Recall:
    """Recall at `FIRST`.

    Args:
        used: premises of the known proof, by goal; goals without any do not count.
        answered: names in the retriever's order, by goal.
    """
    counted = {goal: set(names) for goal, names in used.items() if names}
    found = {goal: len(names & set(answered.get(goal, ())[:FIRST])) for goal, names in counted.items()}
    everything = sum(len(names) for names in counted.values())
    return Recall(
        goals=len(counted),
        premises=everything,
        by_goal=sum(found[goal] / len(names) for goal, names in counted.items()) / len(counted) if counted else 0.0,
        by_premise=sum(found.values()) / everything if everything else 0.0,
    )
