"""An AND/OR tree of goals: a step turns a goal into goals, and proves it when all of them are proved. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class GoalNode:
    """A goal.

    Attributes:
        text: as Lean prints it.
        parent: the step that led here; None for the root.
        index: which of the parent's goals it is.
        cost: what the steps to it cost together.
        steps: ways that were tried on it.
        script: its proof as tactic lines; () while there is none.
    """

    text: str
    parent: StepNode | None = None
    index: int = 0
    cost: float = 0.0
    steps: list[StepNode] = field(default_factory=list)
    script: tuple[str, ...] = ()

    @property
    def proved(self) -> bool:
        """There is a proof."""
        return bool(self.script)

    @property
    def depth(self) -> int:
        """How many steps lead here."""
        return 0 if self.parent is None else self.parent.goal.depth + 1

    @property
    def wanted(self) -> bool:
        """Neither it nor a goal above it is proved."""
        if self.proved:
            return False
        return self.parent is None or self.parent.goal.wanted

    @property
    def crowd(self) -> int:
        """How many open goals stand beside it, here and above: all of them are needed."""
        if self.parent is None:
            return 0
        beside = sum(not other.proved for other in self.parent.goals if other is not self)
        return beside + self.parent.goal.crowd

    def path(self) -> Iterator[StepNode]:
        """The steps from the root to here."""
        if self.parent is not None:
            yield from self.parent.goal.path()
            yield self.parent

    def prove(self, script: Sequence[str]) -> None:
        """Note a proof, here and in every goal above that it completes."""
        if self.proved:
            return
        self.script = tuple(script)
        step = self.parent
        if step is not None and all(goal.proved for goal in step.goals):
            step.goal.prove(step.script())


@dataclass(eq=False)
class StepNode:
    """A tactic that was applied to a goal, and the goals it left."""

    goal: GoalNode
    tactic: str
    goals: list[GoalNode] = field(default_factory=list)

    def script(self) -> tuple[str, ...]:
        """The tactic with the proofs of its goals below it; bullets where it left more than one."""
        lines = self.tactic.split("\n")
        if len(self.goals) == 1:
            return (*lines, *self.goals[0].script)
        for goal in self.goals:
            lines += bulleted(goal.script)
        return tuple(lines)


def bulleted(script: Sequence[str]) -> list[str]:
    """A script as one `·` item."""
    return [("· " if place == 0 else "  ") + line for place, line in enumerate(script)]
