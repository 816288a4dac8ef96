"""From a sketch to a proof: its subgoals are proved one by one, put together, and checked as a whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from orchestrator.errors import LeanError, PatchError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result
from orchestrator.source.splice import assembled
from orchestrator.strategies.base import GoalOpener, replay


class Scripts:
    """What Lean says of scripts: those that worked before, and sketches."""

    def __init__(self, prover: GoalOpener) -> None:
        self._prover = prover

    async def replay(self, goal: Goal, tactics: tuple[str, ...]) -> Result:
        """Try tactics that have proved goals which read the same."""
        return await replay(self._prover, goal, tactics)

    async def split(self, goal: Goal, script: str) -> tuple[Goal, ...]:
        """The sorries of a sketch of `goal`, as goals; empty when it does not elaborate."""
        async with self._prover.open(goal) as context:
            return (await context.split(script)).goals

    async def check(self, goal: Goal, script: str) -> str:
        """ "" when the goal's declaration takes the script as its proof, else the first thing wrong with it."""
        async with self._prover.open(goal) as context:
            reply = await context.check(script)
        return "" if reply.accepted else next(iter(reply.errors), Outcome.NOT_PROVED.words)


async def through_subgoals(
    goal: Goal, sketch: Result, scripts: Scripts, prove: Callable[[Goal], Awaitable[Result]]
) -> Result:
    """Prove every subgoal of a sketch with `prove`, and put the proofs together.

    All subgoals are tried even when one fails: those that stay open are worth asking others for.

    Args:
        sketch: the result that left subgoals: `tactics` is its script with sorries.

    Returns:
        A success whose script Lean takes in the goal's declaration; else `sketch` with the subgoals that are still open
        (all of them, when they were proved and do not fit together).
    """
    script = "\n".join(sketch.tactics)
    try:
        goals = await scripts.split(goal, script)
        results = [(subgoal, await prove(subgoal)) for subgoal in goals]
        proofs = [(subgoal.kind, "\n".join(result.tactics)) for subgoal, result in results if result.success]
        seconds = sum(result.time_seconds for _, result in results)
        details = {
            "subgoals": len(goals),
            "subgoals_proved": len(proofs),
            "proved_by": [str(result.strategy or "") for _, result in results if result.success],
        }
        still_open = tuple(subgoal.text for subgoal, result in results if not result.success)
        if not goals:
            return replace(sketch, metadata={**sketch.metadata, "assembly": "the sketch no longer elaborates"})
        if still_open:
            return replace(
                sketch,
                subgoals=still_open,
                time_seconds=sketch.time_seconds + seconds,
                metadata={**sketch.metadata, **details},
            )
        whole = assembled(script, proofs)
        wrong = await scripts.check(goal, whole)
    except (LeanError, PatchError) as error:
        return replace(sketch, metadata={**sketch.metadata, "assembly": str(error)})
    if wrong:
        return replace(sketch, metadata={**sketch.metadata, **details, "assembly": wrong})
    return replace(
        sketch,
        success=True,
        tactics=tuple(whole.split("\n")),
        subgoals=(),
        error="",
        time_seconds=sketch.time_seconds + seconds,
        metadata={**sketch.metadata, **details, "sketch": script},
    )
