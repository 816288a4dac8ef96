"""The strategies that need models, put together from settings; and, where one cannot be used, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from orchestrator.config import Settings
from orchestrator.goal import Goal
from orchestrator.models import chat, reprover
from orchestrator.models.extras import missing
from orchestrator.premises.dense import Dense
from orchestrator.premises.select import Premise, Query
from orchestrator.result import StrategyType
from orchestrator.search.generators import SolvedGoal
from orchestrator.source import Project
from orchestrator.strategies.base import Prover, Strategy
from orchestrator.strategies.copilot import PACKAGE, Copilot, CopilotProject, packages_in
from orchestrator.strategies.micro import Definitions
from orchestrator.strategies.reprover import ReProver, Retrieve, Sources
from orchestrator.strategies.sketch import Hints, SketchStrategy

_HINTED_PREMISES = 16


class Experience(Protocol):
    """What the ledger says of goals."""

    def solved_goals(self) -> tuple[SolvedGoal, ...]:
        """Goals solved before."""

    def failures(self, goal: Goal) -> tuple[str, ...]:
        """What was tried on a goal in vain."""


def unavailable_models(settings: Settings, project: Project | None = None) -> Mapping[StrategyType, str]:
    """Why a strategy that needs a model cannot be used at all here, in one line; those that can are left out."""
    copilot = copilot_in(project) if project is not None else None
    reasons = {
        StrategyType.REPROVER: reprover.unavailable(settings.models.generator or reprover.SHIPPED),
        StrategyType.COPILOT: copilot.missing if copilot is not None else "no project was given",
        StrategyType.SKETCH: chat.unavailable(settings.models.chat),
    }
    return {strategy: reason for strategy, reason in reasons.items() if reason}


def neglected_models(settings: Settings) -> tuple[str, ...]:
    """What the settings name and cannot be used, each with the reason; for a run to say so."""
    models = settings.models
    named = (
        ("ORCH_REPROVER_GENERATOR", models.generator, reprover.unavailable(models.generator or reprover.SHIPPED)),
        ("ORCH_REPROVER_RETRIEVER", models.retriever, reprover.unavailable(models.retriever or reprover.SHIPPED)),
        ("ORCH_LLM_URL", models.chat, chat.unavailable(models.chat)),
    )
    return tuple(f"{name} is set and is not used: {why}" for name, value, why in named if value is not None and why)


def used_models(settings: Settings) -> Mapping[StrategyType, str]:
    """Which model a strategy uses, in words; without keys."""
    endpoint = settings.models.chat
    words = {StrategyType.REPROVER: str(settings.models.generator or reprover.SHIPPED)}
    if endpoint is not None:
        words[StrategyType.SKETCH] = f"{endpoint.model} at {endpoint.url}"
    return words


def model_strategies(
    settings: Settings,
    prover: Prover,
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
            model=_generator(settings.models.generator or reprover.SHIPPED, settings.models.device),
            retriever=retriever,
            definitions=definitions,
            solved=ledger.solved_goals if ledger is not None else tuple,
        )
        found[StrategyType.REPROVER] = ReProver(prover, sources)
    if StrategyType.SKETCH not in absent and settings.models.chat is not None:
        hints = Hints(
            premises=partial(_premises, retriever), failures=ledger.failures if ledger is not None else lambda _goal: ()
        )
        found[StrategyType.SKETCH] = SketchStrategy(prover, chat.OpenAIChat(settings.models.chat), hints=hints)
    return found


def dense_retriever(
    settings: Settings, premises: Sequence[Premise], folder: Path, *, build: bool = True
) -> Dense | None:
    """Premises by meaning, with the encoder of the settings; None when there is none, or its libraries are missing.

    Args:
        settings: the encoder's folder and device.
        premises: what there is to retrieve.
        folder: where indices are kept; embedding takes long, and is done once for each content.
        build: whether it may be done now; else None where it was not yet.

    Raises:
        ModelError: the encoder cannot be loaded or run.
    """
    place = settings.models.retriever
    if place is None or missing("models") or reprover.unavailable(place):
        return None
    encoder = _encoder(place, settings.models.device)
    weights = sorted(place.glob("*.safetensors")) or [place / "config.json"]
    # The size and time of the weights stand for their content, of which there may be gigabytes.
    model = " ".join(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in weights)
    model = f"{place} {model}"
    if not build and not Dense.is_cached(premises, model=model, folder=folder):
        return None
    return Dense.cached(premises, encoder.encode, model=model, folder=folder)


def known_dense(settings: Settings, premises: Sequence[Premise], folder: Path) -> Dense | None:
    """As `dense_retriever`, where the premises were embedded before: no run spends its time on that.

    Raises:
        ModelError: the encoder cannot be loaded, or the index cannot be read.
    """
    return dense_retriever(settings, premises, folder, build=False)


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


@cache
def _encoder(folder: Path, device: str) -> reprover.Encoder:
    return reprover.Encoder(folder=folder, device=device)


def _premises(retriever: Retrieve, goal: Goal) -> tuple[str, ...]:
    found = retriever(goal)
    if found is None:
        return ()
    query = Query(goal.text, without=frozenset({goal.declaration}))
    return tuple(f"{r.premise.name} : {r.premise.statement}" for r in found.retrieve(query, _HINTED_PREMISES))
