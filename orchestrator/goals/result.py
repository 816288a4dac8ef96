"""What a strategy says of a goal, and the closed sets of words for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class StrategyType(StrEnum):
    """Every way of attacking a goal. The values are what the ledger stores."""

    MICRO = "micro"
    HAMMER = "hammer"
    COPILOT = "copilot"
    REPROVER = "reprover"
    SKETCH = "sketch"


class Outcome(StrEnum):
    """How one attempt ended."""

    PROVED = "proved"
    NOT_PROVED = "not_proved"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    ERROR = "error"
    CANCELLED = "cancelled"


class GoalStatus(StrEnum):
    """Where a goal stands after a run."""

    SOLVED = "solved"
    CONDITIONAL = "conditional"
    OPEN = "open"
    LOOKS_FALSE = "looks_false"
    REJECTED = "rejected"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of a strategy, failing or not.

    Attributes:
        success: a proof was found that Lean accepted in the declaration (the gate still has to pass it).
        strategy: who answers.
        tactics: the proof script, one tactic a string; joined by newlines it replaces the sorry. Of a failure with
            subgoals: the sketch, with a `sorry` for each.
        time_seconds: wall time spent.
        subgoals: statements left open, for others to prove, as Lean prints them.
        error: why it failed ("" on success); exactly "timeout" when the time ran out.
        metadata: details for the ledger and for people (JSON-serialisable values).
    """

    success: bool
    strategy: StrategyType | None = None
    tactics: tuple[str, ...] = ()
    time_seconds: float = 0.0
    subgoals: tuple[str, ...] = ()
    error: str = ""
    metadata: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        object.__setattr__(self, "tactics", tuple(self.tactics))
        object.__setattr__(self, "subgoals", tuple(self.subgoals))
        object.__setattr__(self, "error", self.error or "")
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @property
    def outcome(self) -> Outcome:
        """The closed word for this result."""
        if self.success:
            return Outcome.PROVED
        known = {
            "": Outcome.NOT_PROVED,
            "timeout": Outcome.TIMEOUT,
            "cancelled": Outcome.CANCELLED,
            "unavailable": Outcome.UNAVAILABLE,
            "not proved": Outcome.NOT_PROVED,
        }
        return known.get(self.error, Outcome.ERROR)
