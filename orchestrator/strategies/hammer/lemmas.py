"""What the automation of one search may be given: retrieved for each goal, and without the names that Lean refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from orchestrator.goals.goal import Goal
from orchestrator.lean.protocol import TacticReply
from orchestrator.premises.retrieval import Choose
from orchestrator.strategies.hammer.closers import Lemmas
from orchestrator.strategies.hammer.library_lemmas import is_refused_by_grind, unknown_names
from orchestrator.strategies.hammer.proof_states import GoalStates
from orchestrator.strategies.hammer.proof_tree import GoalNode
from orchestrator.strategies.local_context import VisibleDeclarations
from orchestrator.strategies.shorten import without_item

_MILLISECONDS = 1_500


class SearchLemmas:
    """Names for one search's tactics."""

    def __init__(
        self, goal: Goal, mentions: Sequence[str], declarations: VisibleDeclarations, choose: Choose, states: GoalStates
    ) -> None:
        self._goal = goal
        self._mentions = tuple(mentions)
        self._choose = choose
        self._states = states
        self._vetted = False
        self.lemmas = Lemmas.of(declarations.around(mentions), choose(goal, mentions))

    def near(self, node: GoalNode) -> Lemmas:
        """The lemmas with theorems retrieved for a goal of the search."""
        return self.lemmas.about(self._choose(replace(self._goal, text=node.text), self._mentions))

    async def once_more(self, node: GoalNode, replies: Sequence[TacticReply]) -> tuple[str, ...]:
        """The tactics that failed only for names in their lists, without these; from now on they are left out."""
        again: list[str] = []
        for reply in replies:
            refused = unknown_names(reply.error) - self.lemmas.missing
            self.lemmas = replace(self.lemmas, missing=self.lemmas.missing | refused)
            if is_refused_by_grind(reply.error):
                await self._vet(node)
                refused |= self.lemmas.ungrindable
            again += [reduce(without_item, refused, reply.tactic)] if refused else []
        return tuple(dict.fromkeys(again))

    async def _vet(self, node: GoalNode) -> None:
        """See which names `grind` takes, once: the first that it does not take ends it before it has begun."""
        if self._vetted:
            return
        self._vetted = True
        tactics = {f"have : True := (by grind only [{name}])": name for name in self.lemmas.grindable(node.text)}
        replies = await self._states.run(node, list(tactics), _MILLISECONDS, stop_on_success=False)
        refused = frozenset(tactics[reply.tactic] for reply in replies if reply.failed)
        self.lemmas = replace(self.lemmas, ungrindable=refused)
