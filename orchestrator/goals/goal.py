"""A goal: one `sorry` of a repository, as the strategies see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.goals.hypotheses import Hypothesis, hypotheses_of, split_goal


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in a text: line from 1, column from 0, both in code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class SourceSpan:
    """A half-open stretch of text, `start` included and `end` not."""

    start: Position
    end: Position

    def contains(self, position: Position) -> bool:
        """Whether `position` lies inside."""
        return self.start <= position < self.end


class SorryKind(StrEnum):
    """How a goal was left open in the source; `macro` is a sorry that a macro, a notation or a default tactic makes."""

    TACTIC = "tactic"
    TERM = "term"
    ADMIT = "admit"
    STOP = "stop"
    SORRY_AX = "sorryAx"
    MACRO = "macro"


@dataclass(frozen=True, slots=True)
class Context:
    """What Lean has in scope at the goal, besides its hypotheses.

    `imports` are the modules the goal's file imports, `opens` the opened namespaces as Lean prints them,
    `labels` free words (the seed's marketplace calls pass such a list).
    """

    namespace: str = ""
    opens: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Which goal it is by its elaborated terms: `digest` is 64 hex digits, `names` its hypotheses' in canonical order.

    Goals of the same identity have as many names, and like hypotheses stand at the same index; () for a sorry with
    several goals.
    """

    digest: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """One open goal.

    Attributes:
        id: stable over runs while the declaration and the order of its sorries stay the same.
        text: the goal as Lean prints it, hypotheses then `⊢ target`.
        estimated_difficulty: 0 (trivial) to 1 (hopeless).
        file: path in the repository, with forward slashes ("" for a goal without a repository).
        declaration: full name of the declaration the sorry stands in.
        span: the stretch of text to be replaced by a proof, in the original file.
        is_prop: the goal is a proposition; a false value means data is missing, which we never invent.
        within: the sketch that the goal is a sorry of; None for a goal of the file itself. `span` and `command` then
            refer to the file with the sketch written into it.
        identity: what Lean's own terms say of it; None where no Lean was asked.
    """

    id: str
    text: str
    context: Context = field(default_factory=Context)
    estimated_difficulty: float = 0.5
    file: str = ""
    module: str = ""
    declaration: str = ""
    kind: SorryKind = SorryKind.TACTIC
    span: SourceSpan | None = None
    command: SourceSpan | None = None
    is_prop: bool = True
    within: Sketch | None = None
    identity: Identity | None = None

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What stands before the turnstile, one hypothesis for each name."""
        return hypotheses_of(self.text)

    @property
    def digest(self) -> str:
        """The digest of its identity; "" when that is not known."""
        return self.identity.digest if self.identity else ""

    @property
    def target(self) -> str:
        """What is to be proved: the text after the first turnstile that starts a line, or all of it."""
        _, turnstile, target = split_goal(self.text, "⊢")
        return target.removeprefix(" ") if turnstile else self.text


@dataclass(frozen=True, slots=True)
class Sketch:
    """A proof with sorries of its own: `script`, written where `goal` is open, leaves them to others."""

    goal: Goal
    script: str
