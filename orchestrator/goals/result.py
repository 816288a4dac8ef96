"""What a strategy says of a goal, and the closed sets of words for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import PlainSerializer

from orchestrator.goals.goal import Position
from orchestrator.goals.plugins import installed


class StrategyType(StrEnum):
    """Every way of attacking a goal: ours, and those of installed packages. The values are what the ledger stores."""

    _ignore_ = "members name"

    MICRO = "micro"
    HAMMER = "hammer"
    COPILOT = "copilot"
    REPROVER = "reprover"
    SKETCH = "sketch"
    AGENT = "agent"

    members = vars()
    for name in installed():
        members[name.upper()] = name


class Outcome(StrEnum):
    """How one attempt ended; `REFUSED`: with a proof that the project's owner does not want."""

    PROVED = "proved"
    NOT_PROVED = "not_proved"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def words(self) -> str:
        """The outcome as people read it."""
        return self.value.replace("_", " ")


class GoalStatus(StrEnum):
    """Where a goal stands after a run."""

    SOLVED = "solved"
    CONDITIONAL = "conditional"
    OPEN = "open"
    NOT_TRIED = "not_tried"
    FOUND = "found"
    LOOKS_FALSE = "looks_false"
    REJECTED = "rejected"
    SKIPPED = "skipped"

    @property
    def words(self) -> str:
        """The status as people read it."""
        return "found, awaiting the gate" if self is GoalStatus.FOUND else self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class HelperLemma:
    """A theorem that a patch adds in front of the declaration whose proof needs it.

    Attributes:
        short: the name as it is written at its location, inside the namespaces that are open there.
        signature: what stands between the name and `:=`.
        before: start of the command that it goes in front of, in the original file.
    """

    name: str
    short: str
    signature: str
    script: str
    file: str
    before: Position
    ticket: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the ledger and for summaries; `from_json` reads it."""
        words = {name: getattr(self, name) for name in ("name", "short", "signature", "script", "file", "ticket")}
        return {**words, "before": [self.before.line, self.before.column]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HelperLemma:
        """A helper lemma from `to_json`."""
        line, column = value["before"]
        words = {name: str(value[name]) for name in ("name", "short", "signature", "script", "file", "ticket")}
        return cls(**words, before=Position(int(line), int(column)))


@dataclass(frozen=True, slots=True)
class Result:
    """What a strategy says of a goal, whether it failed or not; and what a run says of it over all its attempts.

    Attributes:
        success: a proof was found that Lean accepted in the declaration (the gate still has to pass it).
        tactics: the proof script, one tactic a string; joined by newlines it replaces the sorry. Of a failure with
            subgoals: the sketch, with a `sorry` for each.
        found_as: the proof as the strategy found it, where `tactics` is a shorter one.
        subgoals: statements left open, for others to prove, as Lean prints them.
        error: why it failed ("" on success); the outcome in words unless something else is said.
        metadata: details for the ledger and for people (JSON-serialisable values).
        outcome: how it ended. A failure that says nothing of it is an error, or without an error text not proved.
        timeout: seconds that the attempt was given; None for what was no attempt.
        failed_before: strategies known to have failed on the goal when the attempt began.
        known: an earlier run found the proof.
        cached: it comes from replaying tactics that worked before, and is no trial of the strategy.
        beaten: another strategy had proved the goal already.
        broken: an attempt was lost to a broken session, which says nothing of the goal.
        attempts: of a goal's result: the attempts it is the sum of.
    """

    success: bool
    strategy: StrategyType | None = None
    tactics: tuple[str, ...] = ()
    time_seconds: float = 0.0
    subgoals: tuple[str, ...] = ()
    error: str = ""
    metadata: Annotated[Mapping[str, object], PlainSerializer(dict)] = field(
        default_factory=lambda: MappingProxyType({})
    )
    outcome: Outcome = Outcome.ERROR
    timeout: float | None = None
    failed_before: tuple[StrategyType, ...] = ()
    known: bool = False
    cached: bool = False
    beaten: bool = False
    broken: bool = False
    helpers: tuple[HelperLemma, ...] = ()
    found_as: tuple[str, ...] = ()
    attempts: tuple[Result, ...] = ()

    def __post_init__(self) -> None:
        outcome = Outcome.PROVED if self.success else self.outcome
        if not self.success and outcome in (Outcome.PROVED, Outcome.ERROR):
            outcome = Outcome.ERROR if self.error else Outcome.NOT_PROVED
        object.__setattr__(self, "outcome", outcome)
        object.__setattr__(self, "error", self.error or ("" if self.success else outcome.words))
        object.__setattr__(self, "tactics", tuple(self.tactics))
        object.__setattr__(self, "subgoals", tuple(self.subgoals))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @property
    def untried(self) -> bool:
        """Of a goal's result: whether nothing was tried in the run, for want of time."""
        return not self.success and not self.attempts and self.outcome in (Outcome.TIMEOUT, Outcome.CANCELLED)

    def details(self) -> dict[str, object]:
        """The metadata, and what else is known of the attempt: JSON-serialisable, for the ledger and for reports."""
        facts: dict[str, object] = {
            "timeout": self.timeout,
            "failed_before": [strategy.value for strategy in self.failed_before],
            **{mark: getattr(self, mark) for mark in ("known", "cached", "beaten", "broken")},
            "helpers": [helper.to_json() for helper in self.helpers],
        }
        return {**self.metadata, **{name: value for name, value in facts.items() if value}}
