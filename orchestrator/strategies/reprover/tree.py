"""The tree of a proof search: states by normal form, each with its best way from the root. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.goals.normal_form import normalize
from orchestrator.strategies.reprover.generators import Suggestion
from orchestrator.strategies.reprover.steps import ROOT, Step


class Arrival(StrEnum):
    """What adding a state to the tree came to."""

    NEW = "new"
    BETTER = "a better way to a state that waits"
    MERGED = "known by another way"
    NO_PROGRESS = "the state it came from"
    LOOP = "a state it came from earlier"
    TOO_LARGE = "too large"


@dataclass(eq=False, slots=True)
class SearchNode:
    """A proof state.

    Attributes:
        key: normal form of its goals.
        log_probability: sum over the way from the root; at most 0.
        parent, tactic: the last step of that way; None and "" at the root.
        expanded: tactics were tried on it, so its way is settled.
    """

    key: str
    goals: tuple[str, ...]
    handle: int
    log_probability: float = 0.0
    parent: SearchNode | None = None
    tactic: str = ""
    depth: int = 0
    expanded: bool = False

    @property
    def text(self) -> str:
        """All goals as one text."""
        return "\n\n".join(self.goals)

    def ancestors(self) -> Iterator[SearchNode]:
        """The nodes on the way from here to the root, this one left out."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def script(self) -> tuple[str, ...]:
        """The tactics from the root to here."""
        steps = [node.tactic for node in (self, *self.ancestors()) if node.parent is not None]
        return tuple(reversed(steps))


class Tree:
    """All states of a search."""

    def __init__(self, goals: Sequence[str], *, max_goals: int = 12, max_characters: int = 8_000) -> None:
        self.root = SearchNode(state_key(goals), tuple(goals), ROOT)
        self._nodes = {self.root.key: self.root}
        self._max_goals = max_goals
        self._max_characters = max_characters

    def __len__(self) -> int:
        return len(self._nodes)

    def add(self, parent: SearchNode, suggestion: Suggestion, step: Step) -> tuple[Arrival, SearchNode | None]:
        """Take in the state that a step from `parent` led to; the node is None when there is nothing new to expand.

        A state that reads like a known one, up to names, is the same node. It keeps the likelier way as long as nothing
        was tried on it; afterwards the way of its children leads through it, and it stays.
        """
        assert step.handle is not None
        if len(step.goals) > self._max_goals or sum(map(len, step.goals)) > self._max_characters:
            return Arrival.TOO_LARGE, None
        key = state_key(step.goals)
        if key == parent.key:
            return Arrival.NO_PROGRESS, None
        known = self._nodes.get(key)
        log_probability = parent.log_probability + suggestion.log_probability
        if known is None:
            node = SearchNode(key, step.goals, step.handle, log_probability, parent, step.tactic, parent.depth + 1)
            self._nodes[key] = node
            return Arrival.NEW, node
        if any(ancestor is known for ancestor in parent.ancestors()):
            return Arrival.LOOP, None
        if known.expanded or log_probability <= known.log_probability:
            return Arrival.MERGED, None
        known.goals, known.handle, known.tactic = step.goals, step.handle, step.tactic
        known.parent, known.depth, known.log_probability = parent, parent.depth + 1, log_probability
        return Arrival.BETTER, known

    def frequent_goals(self, count: int = 5, *, least: int = 2) -> tuple[tuple[str, int], ...]:
        """Single goals that stand open in the most states: (text, number of states), the most frequent first.

        Goals that the search began with are left out, and so are those in fewer than `least` states.
        """
        known = {normalize(goal) for goal in self.root.goals}
        texts: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for node in self._nodes.values():
            keys = {normalize(goal): goal for goal in node.goals}
            for key, goal in keys.items():
                texts.setdefault(key, goal)
            counts.update(keys.keys() - known)
        found = [(texts[key], number) for key, number in counts.most_common() if number >= least]
        return tuple(found[:count])

    def __iter__(self) -> Iterator[SearchNode]:
        return iter(self._nodes.values())


def state_key(goals: Sequence[str]) -> str:
    """The normal form of a state: equal for states that differ in names and the order of hypotheses only."""
    return "\n\n".join(normalize(goal) for goal in goals)
