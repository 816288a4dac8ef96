"""An AND/OR tree of goals: a step turns a goal into goals, and proves it when all of them are proved. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_RESTATE = ("generalize ", "(rw ", "(conv ", "clear ")


@dataclass(eq=False)
class GoalNode:
    """A goal.

    Attributes:
        parent: the step that led here; None for the root.
        closer: tactic lines that end it; () while there are none.
        by: the step whose goals are all proved; None while there is none.
        withstood: the first closers failed on it.
        prefix: tactic lines that stand before the closer and before every step, such as `intros`.
    """

    text: str
    parent: StepNode | None = None
    cost: float = 0.0
    steps: list[StepNode] = field(default_factory=list)
    closer: tuple[str, ...] = ()
    by: StepNode | None = None
    prefix: tuple[str, ...] = ()
    withstood: bool = False

    @property
    def index(self) -> int:
        """Which of the goals of its step it is."""
        return 0 if self.parent is None else self.parent.goals.index(self)

    @property
    def proved(self) -> bool:
        """There is a proof."""
        return bool(self.closer) or self.by is not None

    @property
    def script(self) -> tuple[str, ...]:
        """The proof as tactic lines."""
        if self.closer:
            return self.prefix + self.closer
        if self.by is None:
            raise ValueError("the goal is not proved")
        return self.prefix + self.by.script

    @property
    def depth(self) -> int:
        """How many steps lead here."""
        return 0 if self.parent is None else self.parent.goal.depth + 1

    @property
    def is_lemma(self) -> bool:
        """A step has made a new statement of it, which may want a proof of its own kind, such as an induction."""
        step = self.parent
        if step is None:
            return False
        return step.tactic.startswith(_RESTATE) or (step.tactic.startswith("have key") and self.index > 0)

    @property
    def wanted(self) -> bool:
        """Neither it nor a goal above it is proved."""
        return not self.proved and (self.parent is None or self.parent.goal.wanted)

    @property
    def hindrance(self) -> float:
        """A cost for the open goals beside it, here and above, all of which are needed: more if they withstood."""
        if self.parent is None:
            return 0.0
        beside = (other for other in self.parent.goals if other is not self and not other.proved)
        return sum(0.8 if other.withstood else 0.2 for other in beside) + self.parent.goal.hindrance

    def path(self) -> Iterator[StepNode]:
        """The steps from the root to here."""
        if self.parent is not None:
            yield from self.parent.goal.path()
            yield self.parent

    def close(self, closer: Sequence[str]) -> None:
        """Note a proof, here and in every goal above that it completes."""
        if not self.proved and closer:
            self.closer = tuple(closer)
            self._tell()

    def _tell(self) -> None:
        step = self.parent
        if step is not None and not step.goal.proved and all(goal.proved for goal in step.goals):
            step.goal.by = step
            step.goal._tell()

    def reopen(self) -> None:
        """Forget every proof in and below this goal."""
        self.closer, self.by = (), None
        for step in self.steps:
            for goal in step.goals:
                goal.reopen()


@dataclass(eq=False)
class StepNode:
    """A tactic that was applied to a goal, and the goals it left."""

    goal: GoalNode
    tactic: str
    goals: list[GoalNode] = field(default_factory=list)

    @property
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
