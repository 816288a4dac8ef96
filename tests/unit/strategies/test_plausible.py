"""What is made of the words of `plausible`, which comes with Mathlib and is not there in core Lean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.strategies.refute.counterexample import find_counterexample
from orchestrator.strategies.refute.values import Declared

FOUND = """
===================
Found a counter-example!
n := 57
xs := [9, 7]
guard: 2 < 3
issue: 3 = 4 does not hold
(2 shrinks)
-------------------
"""
GOAL = "n : Nat\nxs : List Nat\n⊢ p n xs"
UNKNOWN = "<input>:1:1: unknown tactic"


class Answering:
    """A goal of which only `plausible` says anything, and which Lean takes some values to refute."""

    def __init__(self, error: str, accepted: str = "@refuted (57) ([9, 7])") -> None:
        self.error = error
        self.accepted = accepted

    async def tactics(
        self, tactics: Sequence[str], _state: int | None, _limits: Limits, _seconds: float
    ) -> tuple[TacticReply, ...]:
        """Every other tactic fails."""
        return tuple(self.reply(tactic) for tactic in tactics)

    def reply(self, tactic: str) -> TacticReply:
        """To one tactic."""
        if self.accepted and self.accepted in tactic:
            return TacticReply(tactic, proof_state=1, goals=("⊢ p n xs",))
        return TacticReply(tactic, error=self.error if tactic == "plausible" else UNKNOWN)


@pytest.mark.parametrize(
    ("error", "words"),
    [(FOUND, "n = 57, xs = [9, 7]"), (UNKNOWN, ""), ("Gave up after failing to generate values", ""), ("", "")],
)
def test_its_values_are_told_once_lean_has_proved_that_they_refute(error: str, words: str) -> None:
    assert told(Answering(error)) == words


def test_its_word_alone_is_not_believed() -> None:
    assert told(Answering(FOUND, accepted="")) == ""


def told(context: Answering) -> str:
    """What is said of the goal."""
    return asyncio.run(find_counterexample(context.tactics, GOAL, Declared({}), seconds=5))
