"""Goals opened with LeanDojo where it can open them, and on our own sessions everywhere else."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from orchestrator.errors import LeanNotFound
from orchestrator.git.checkout import Checkout
from orchestrator.goals.goal import Goal
from orchestrator.lean.dojo import DojoLimits, MakeDojo, environment_of, is_traced, open_dojo, why_not
from orchestrator.source.project import Project
from orchestrator.strategies.base import GoalOpener, ProofContext


class DojoProver:
    """A prover that tries LeanDojo first. Whether a proof holds is always our own session's to say.

    Args:
        unable: why LeanDojo cannot work on a goal, "" when it can.
        tell: hears once of each reason why LeanDojo is not used.
    """

    def __init__(
        self, ours: GoalOpener, unable: Callable[[Goal], str], make: MakeDojo, tell: Callable[[str], object]
    ) -> None:
        self._ours = ours
        self._unable = unable
        self._make = make
        self._tell = tell
        self._told: set[str] = set()

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[ProofContext]:
        async with self._ours.open(goal) as ours, AsyncExitStack() as stack:
            reason = self._unable(goal)
            opened: ProofContext = ours
            if not reason:
                try:
                    opened = await stack.enter_async_context(open_dojo(goal, self._make, ours))
                except LeanNotFound as error:
                    reason = str(error)
            if reason:
                self._say(reason)
            yield opened

    def _say(self, reason: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            self._tell(f"LeanDojo is not used: {reason}")


def dojo_prover(checkout: Checkout, project: Project, ours: GoalOpener, tell: Callable[[str], object]) -> DojoProver:
    """A prover for a repository that was asked to be worked on with LeanDojo."""
    installed = importlib.util.find_spec("lean_dojo") is not None
    traced = installed and is_traced(checkout.source, checkout.commit)
    limits = DojoLimits(installed=installed, traced=traced)

    def unable(goal: Goal) -> str:
        return why_not(goal, project.by_name[goal.module].text, project.toolchain, limits)

    return DojoProver(ours, unable, lambda goal: environment_of(goal, checkout.source, checkout.commit), tell)
