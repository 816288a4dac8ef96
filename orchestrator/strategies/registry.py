"""The registry: every strategy there is, ours and those of installed packages, and which can be used here."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.config import PolicyChoice, Profile, Settings, load_plugins
from orchestrator.errors import ConfigError
from orchestrator.goals.plugins import GROUP
from orchestrator.goals.result import StrategyType
from orchestrator.premises import encoder
from orchestrator.source.project import Project
from orchestrator.strategies import copilot
from orchestrator.strategies.agent import strategy as agent
from orchestrator.strategies.base import Strategy
from orchestrator.strategies.hammer import strategy as hammer
from orchestrator.strategies.micro import strategy as micro
from orchestrator.strategies.policy.bandit import CostAware, SeedUcb
from orchestrator.strategies.reprover import strategy as reprover
from orchestrator.strategies.reprover.model import SHIPPED
from orchestrator.strategies.sketch import chat
from orchestrator.strategies.sketch import strategy as sketch
from orchestrator.strategies.spec import StrategySpec, StrategyTools
from orchestrator.strategies.stub import stub_strategies

OURS = (micro.SPEC, hammer.SPEC, copilot.SPEC, reprover.SPEC, sketch.SPEC, agent.SPEC)
"""A row for each strategy of this package. Others come through the entry points of `orchestrator.strategies`."""


def specs() -> Mapping[StrategyType, StrategySpec]:
    """Every strategy of this installation, ours first.

    Raises ConfigError: an installed package offers something else under a strategy's name.
    """
    found = {spec.type: spec for spec in OURS}
    for name, spec in load_plugins().items():
        if not isinstance(spec, StrategySpec) or spec.type != name:
            hint = f"Its package has to offer a StrategySpec whose type is {name}; remove it, or have it corrected"
            raise ConfigError(f"{name} is no StrategySpec of that name", where=f"entry points of {GROUP}", hint=hint)
        found[spec.type] = spec
    return found


def make_strategies(tools: StrategyTools) -> Mapping[StrategyType, Strategy]:
    """The strategies of the profile: stubs that prove nothing, or the real ones that can be used here."""
    if tools.settings.profile is Profile.STUB:
        return stub_strategies()
    absent = unavailable(tools.settings, tools.project)
    return {kind: spec.make(tools) for kind, spec in specs().items() if kind not in absent}


def make_policy(settings: Settings) -> CostAware | SeedUcb:
    """How the next strategy is chosen."""
    if settings.policy is PolicyChoice.UCB:
        return SeedUcb(settings.exploration)
    recorded = {kind: spec.recorded for kind, spec in specs().items() if spec.recorded is not None}
    return CostAware(prior_seconds=settings.timeouts, recorded=recorded)


def unavailable(settings: Settings, project: Project | None = None) -> Mapping[StrategyType, str]:
    """Why a strategy cannot be used at all here, in one line; those that can are left out."""
    reasons = {kind: spec.missing(settings, project) for kind, spec in specs().items()}
    return {kind: reason for kind, reason in reasons.items() if reason}


def used_models(settings: Settings) -> Mapping[StrategyType, str]:
    """Which model each strategy that needs one uses, in words and without keys; "" when that is not told."""
    return {kind: spec.model(settings) for kind, spec in specs().items() if spec.model is not None}


def neglected_models(settings: Settings) -> tuple[str, ...]:
    """What the settings name and cannot be used, each with the reason; for a run to say so."""
    generator, retriever = settings.reprover_generator, settings.reprover_retriever
    named = (
        ("ORCH_REPROVER_GENERATOR", generator, encoder.unavailable(generator or SHIPPED)),
        ("ORCH_REPROVER_RETRIEVER", retriever, encoder.unavailable(retriever or SHIPPED)),
        ("ORCH_LLM_URL", settings.chat, chat.unavailable(settings.chat)),
    )
    return tuple(f"{name} is set and is not used: {why}" for name, value, why in named if value is not None and why)
