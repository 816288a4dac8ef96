"""The strategies that need models, put together from settings; and, where one cannot be used, why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from orchestrator.config import Profile, Settings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.premises import encoder
from orchestrator.premises.retrieval import Choose, Query, Retrieve
from orchestrator.source.project import Project
from orchestrator.strategies.base import GoalOpener, Strategy, Timing
from orchestrator.strategies.copilot import PACKAGE, Copilot, CopilotProject, packages_in
from orchestrator.strategies.hammer.strategy import DeclarationsOf, Hammer
from orchestrator.strategies.micro.order import LearnedOrder
from orchestrator.strategies.micro.strategy import Definitions, Micro
from orchestrator.strategies.policy.bandit import Statistics, Trial
from orchestrator.strategies.policy.prior import load_prior, tactic_policy
from orchestrator.strategies.reprover import model as reprover
from orchestrator.strategies.reprover.generators import SolvedGoal
from orchestrator.strategies.reprover.strategy import ReProver, Sources
from orchestrator.strategies.sketch import chat
from orchestrator.strategies.sketch.strategy import Hints, SketchStrategy
from orchestrator.strategies.stub import stub_strategies

_HINTED_PREMISES = 16


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


def unavailable_models(settings: Settings, project: Project | None = None) -> Mapping[StrategyType, str]:
    """Why a strategy that needs a model cannot be used at all here, in one line; those that can are left out."""
    copilot = copilot_in(project) if project is not None else None
    reasons = {
        StrategyType.REPROVER: encoder.unavailable(settings.reprover_generator or reprover.SHIPPED),
        StrategyType.COPILOT: copilot.missing if copilot is not None else "no project was given",
        StrategyType.SKETCH: chat.unavailable(settings.chat),
    }
    return {strategy: reason for strategy, reason in reasons.items() if reason}


def neglected_models(settings: Settings) -> tuple[str, ...]:
    """What the settings name and cannot be used, each with the reason; for a run to say so."""
    generator, retriever = settings.reprover_generator, settings.reprover_retriever
    named = (
        ("ORCH_REPROVER_GENERATOR", generator, encoder.unavailable(generator or reprover.SHIPPED)),
        ("ORCH_REPROVER_RETRIEVER", retriever, encoder.unavailable(retriever or reprover.SHIPPED)),
        ("ORCH_LLM_URL", settings.chat, chat.unavailable(settings.chat)),
    )
    return tuple(f"{name} is set and is not used: {why}" for name, value, why in named if value is not None and why)


def used_models(settings: Settings) -> Mapping[StrategyType, str]:
    """Which model a strategy uses, in words; without keys."""
    endpoint = settings.chat
    words = {StrategyType.REPROVER: str(settings.reprover_generator or reprover.SHIPPED)}
    if endpoint is not None:
        words[StrategyType.SKETCH] = f"{endpoint.model} at {endpoint.url}"
    return words


def model_strategies(
    settings: Settings,
    prover: GoalOpener,
    *,
    definitions: Definitions,
    project: Project | None,
    retriever: Retrieve,
    ledger: Experience | None,
) -> Mapping[StrategyType, Strategy]:
    """The strategies that need models and have them."""
    absent = unavailable_models(settings, project)
    found: dict[StrategyType, Strategy] = {}
    if StrategyType.COPILOT not in absent and project is not None:
        found[StrategyType.COPILOT] = Copilot(prover, copilot_in(project))
    if StrategyType.REPROVER not in absent:
        sources = Sources(
            model=_generator(settings.reprover_generator or reprover.SHIPPED, settings.model_device),
            retriever=retriever,
            definitions=definitions,
            solved=ledger.solved_goals if ledger is not None else tuple,
        )
        found[StrategyType.REPROVER] = ReProver(prover, sources)
    if StrategyType.SKETCH not in absent and settings.chat is not None:
        hints = Hints(
            premises=partial(_premises, retriever), failures=ledger.failures if ledger is not None else lambda _goal: ()
        )
        found[StrategyType.SKETCH] = SketchStrategy(prover, chat.OpenAIChat(settings.chat), hints=hints)
    return found


def copilot_in(project: Project) -> CopilotProject:
    """Whether and where a project has Lean Copilot."""
    root = Path(project.root)
    try:
        manifest = (root / "lake-manifest.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        manifest = ""
    folder = root / ".lake" / "packages" / PACKAGE

    def sees(module: str) -> bool:
        if module not in project.by_name:
            return False
        return any(name.partition(".")[0] == PACKAGE for name in project.external_imports(module))

    return CopilotProject(PACKAGE in packages_in(manifest), folder.is_dir(), sees)


@cache
def _generator(folder: Path, device: str) -> reprover.Generator:
    """One model in a process, whoever asks for it."""
    return reprover.Generator(folder=folder, device=device)


def _premises(retriever: Retrieve, goal: Goal) -> tuple[str, ...]:
    found = retriever(goal)
    if found is None:
        return ()
    query = Query(goal.text, without=frozenset({goal.declaration}))
    return tuple(f"{r.premise.name} : {r.premise.statement}" for r in found.retrieve(query, _HINTED_PREMISES))


def make_strategies(
    settings: Settings,
    prover: GoalOpener,
    definitions: Definitions,
    declarations: DeclarationsOf,
    *,
    choose: Choose = lambda _goal, _mentions: (),
    timing: Timing = Timing(),  # noqa: B008 - frozen
    ledger: Experience | None = None,
    project: Project | None = None,
    retriever: Retrieve = lambda _goal: None,
    whole_states: GoalOpener | None = None,
) -> Mapping[StrategyType, Strategy]:
    """The strategies of the profile: stubs that prove nothing, or the real ones that can be used here.

    Args:
        settings: profile and models.
        prover: opens goals on sessions.
        definitions, declarations: what of the project a goal sees.
        choose: premises for the hammer.
        timing: what attempts tell the time by.
        ledger: what it knows of tactics orders them, and it hears of every one that is tried; goals solved before, and
            what failed.
        project: where Lean Copilot is looked for.
        retriever: premises for a goal.
        whole_states: opens goals for `micro`, which never asks for one goal of several; `prover` unless given.
    """
    if settings.profile is Profile.STUB:
        return stub_strategies()
    return {
        StrategyType.MICRO: Micro(
            whole_states or prover, definitions=definitions, order=tactic_order(ledger), timing=timing
        ),
        StrategyType.HAMMER: Hammer(prover, declarations=declarations, choose=choose, timing=timing),
        **model_strategies(
            settings, prover, definitions=definitions, project=project, retriever=retriever, ledger=ledger
        ),
    }


def tactic_order(ledger: Experience | None) -> LearnedOrder:
    """The order of `micro`'s tactics, from what comes with this package and what the ledger has seen."""
    if ledger is None:
        return LearnedOrder(tactic_policy(), load_prior())
    known = load_prior() + ledger.tactic_statistics(StrategyType.MICRO)
    return LearnedOrder(tactic_policy(), known, partial(ledger.record_tactics, StrategyType.MICRO))
