"""What a strategy says of itself in the registry, and what a run has for making it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from orchestrator.config import Settings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.premises.retrieval import Choose, Retrieve
from orchestrator.source.project import Project
from orchestrator.strategies.agent.desk import Desk
from orchestrator.strategies.base import GoalOpener, Strategy, Timing
from orchestrator.strategies.local_context import DeclarationsOf, DefinitionsOf
from orchestrator.strategies.policy.bandit import RecordedChances, Statistics, Trial
from orchestrator.strategies.reprover.generators import SolvedGoal


class Experience(Protocol):
    """What the ledger says of goals."""

    def solved_goals(self) -> tuple[SolvedGoal, ...]:
        """Goals solved before."""

    def failures(self, goal: Goal) -> tuple[str, ...]:
        """What was tried on a goal without success."""

    def tactic_statistics(self, strategy: StrategyType) -> Statistics[str]:
        """What all trials so far say of a strategy's tactics."""

    def record_tactics(self, strategy: StrategyType, trials: Iterable[Trial[str]]) -> None:
        """Keep what single tactics came to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyTools:
    """What a run has for its strategies.

    Attributes:
        definitions, declarations: what of the project a goal sees.
        ledger: what it knows of goals and tactics, and hears of every tactic that is tried.
        desk: hands goals out to agents; None where no agent may work.
        whole_states: opens goals for a strategy that never asks for one goal of several; `prover` unless given.
    """

    settings: Settings
    prover: GoalOpener
    definitions: DefinitionsOf
    declarations: DeclarationsOf
    choose: Choose = lambda _goal, _mentions: ()
    retriever: Retrieve = lambda _goal: None
    project: Project | None = None
    ledger: Experience | None = None
    timing: Timing = Timing()  # noqa: RUF009 - frozen
    whole_states: GoalOpener | None = None
    desk: Desk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySpec:
    """A strategy's row in the registry.

    Attributes:
        type: its name in the ledger, in settings and in reports.
        make: makes it from what a run has.
        seconds: what one attempt may take unless `ORCH_TIMEOUT_<NAME>` says otherwise.
        revision: to be raised when it can do more than before: goals that it failed on are then tried again.
        missing: why it cannot be used at all here, in one line; "" when it can.
        recorded: what it did on recorded goals: where a run begins that knows nothing yet.
        model: of a strategy that needs a model: which one it uses, in words; "" when that is not told.
    """

    type: StrategyType
    make: Callable[[StrategyTools], Strategy]
    seconds: float
    revision: int = 1
    missing: Callable[[Settings, Project | None], str] = lambda _settings, _project: ""
    recorded: RecordedChances | None = None
    model: Callable[[Settings], str] | None = None
