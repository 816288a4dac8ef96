"""Goals that runs have given up before, while nothing around them has changed."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.goals.goal import Goal
from orchestrator.ledger.content_cache import content_key
from orchestrator.run.market import spending
from orchestrator.run.run import Run


@dataclass(frozen=True, slots=True)
class GivenUpAfter:
    """A goal was given up by a run with a budget of so many seconds."""

    budget: float


class KnownGivenUp:
    """Remembers across runs, until a file, a strategy or a time limit changes, or there is a larger budget."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def note(self, goal: Goal) -> None:
        """More time on the goal does not pay."""
        self._run.answers.put(self._key(goal), GivenUpAfter(self._run.budget))

    def known(self, goal: Goal) -> bool:
        """Whether a run that had no less time has said so."""
        before = self._run.answers.get(self._key(goal), GivenUpAfter)
        return before is not None and before.budget >= self._run.budget

    def _key(self, goal: Goal) -> str:
        here = (self._run.ledger.environment(goal), self._run.ledger.repo, goal.id, goal.text)
        return content_key("given up", [*here, *spending(self._run)])
