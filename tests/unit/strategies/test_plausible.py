"""What is made of the words of `plausible`, which comes with Mathlib and is not there in core Lean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from orchestrator.goals.goal import Goal
from orchestrator.lean.protocol import TacticReply
from orchestrator.strategies.refute.counterexample import find_counterexample

FOUND = """
===================
Found a counter-example!
n := 3
xs := [0, 1]
guard: 2 < 3
issue: 3 = 4 does not hold
(2 shrinks)
-------------------
"""
UNKNOWN = "<input>:1:1: unknown tactic"


class Answering:
    """A goal of which only `plausible` says anything."""

    goals = 1
    goal = Goal("g", "n : Odd\n⊢ p n")

    def __init__(self, error: str) -> None:
        self.error = error

    async def tactics(self, tactics: Sequence[str], **_options: object) -> tuple[TacticReply, ...]:
        """Every tactic fails with the same words."""
        return tuple(TacticReply(tactic, error=self.error if tactic == "plausible" else UNKNOWN) for tactic in tactics)


@pytest.mark.parametrize(
    ("error", "words"),
    [(FOUND, "n := 3, xs := [0, 1]"), (UNKNOWN, ""), ("Gave up after failing to generate values", ""), ("", "")],
)
def test_its_values_are_told_and_nothing_else_is(error: str, words: str) -> None:
    context = Answering(error)
    assert asyncio.run(find_counterexample(context, {}, seconds=5)) == words  # type: ignore[arg-type]  # a test double
