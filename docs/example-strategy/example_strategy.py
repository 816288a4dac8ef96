"""A strategy for equations that hold the other way round."""

from functools import partial

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.strategies.base import BoundStrategy, GoalOpener
from orchestrator.strategies.spec import StrategySpec

SYMMETRY = StrategyType("symmetry")
SCRIPTS = ("symm; assumption", "apply Eq.symm; assumption")


async def run_symmetry(goal: Goal, timeout: float, *, prover: GoalOpener) -> Result:
    """Turn the equation round, and look for it among the hypotheses."""
    async with prover.open(goal) as context:
        for reply in await context.tactics(SCRIPTS, budget_seconds=timeout):
            if reply.completed and (await context.check(reply.tactic)).accepted:
                return Result(success=True, strategy=SYMMETRY, tactics=(reply.tactic,))
    return Result(success=False, strategy=SYMMETRY, outcome=Outcome.NOT_PROVED)


SPEC = StrategySpec(
    type=SYMMETRY,
    seconds=5.0,
    make=lambda tools: BoundStrategy(SYMMETRY, partial(run_symmetry, prover=tools.prover)),
)
