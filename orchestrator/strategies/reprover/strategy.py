"""Best-first search with a trained tactic generator, as ReProver does it, with portfolio and retrieval beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from orchestrator.config import STRATEGY_SECONDS
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.protocol import Limits
from orchestrator.premises import encoder
from orchestrator.premises.retrieval import Premise, Query, Retrieve
from orchestrator.strategies.base import BoundStrategy, GoalOpener, ProofContext, Timing, attack
from orchestrator.strategies.local_context import DefinitionsOf
from orchestrator.strategies.micro.portfolio import FINISHERS, portfolio
from orchestrator.strategies.policy.bandit import RecordedChances
from orchestrator.strategies.reprover.generators import (
    ListGenerator,
    Mixture,
    PremiseTemplates,
    SolvedGoal,
    SolvedGoals,
    Suggestion,
    TacticGenerator,
)
from orchestrator.strategies.reprover.model import SHIPPED, Generator
from orchestrator.strategies.reprover.search import SearchReport, SearchSettings, StopReason, search
from orchestrator.strategies.reprover.steps import ContextStepper
from orchestrator.strategies.spec import StrategySpec, StrategyTools
from orchestrator.strategies.suggestions import is_search

_GRACE_SECONDS = 30.0
_STEP_MILLISECONDS = 2_000
_PORTFOLIO = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each source of tactics counts in the search; 0 leaves it out."""

    model: float = 0.5
    portfolio: float = 0.3
    premises: float = 0.15
    solved: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the search takes its tactics from.

    Attributes:
        model: the trained generator; None for a search without one.
        premises: how many premises the model is told of.
    """

    model: Generator | None = None
    retriever: Retrieve = lambda _goal: None
    definitions: DefinitionsOf = lambda _goal: ()
    solved: Callable[[], Iterable[SolvedGoal]] = lambda: ()
    weights: Weights = Weights()
    premises: int = 12


class ModelGenerator:
    """A model as a `TacticGenerator` of the search; it runs in a thread.

    `premises`: premises for a state, in ReProver's form, the best first.
    """

    def __init__(self, model: Generator, premises: Callable[[str], Sequence[str]] = lambda _state: ()) -> None:
        self._model = model
        self._premises = premises

    async def suggest(self, state: str, count: int) -> Sequence[Suggestion]:
        return await asyncio.to_thread(lambda: self._model.suggest_for(state, self._premises(state), count))


def make_generator(goal: Goal, sources: Sources) -> TacticGenerator:
    """The mixture of all sources that there are for a goal."""
    weights = sources.weights
    parts: list[tuple[TacticGenerator, float]] = []
    retriever = sources.retriever(goal)
    without = frozenset({goal.declaration} - {""})

    def premises(state: str, count: int) -> list[Premise]:
        found = retriever.retrieve(Query(state, without=without), count) if retriever is not None else ()
        return [ranked.premise for ranked in found]

    def told(state: str) -> list[str]:
        return [premise.text for premise in premises(state, sources.premises)]

    if sources.model is not None and weights.model:
        parts.append((ModelGenerator(sources.model, told), weights.model))
    if weights.portfolio:
        names = tuple(sources.definitions(goal))
        parts.append((ListGenerator(lambda state: _portfolio(goal, state, names)), weights.portfolio))
    if retriever is not None and weights.premises:
        parts.append(
            (PremiseTemplates(lambda state, count: [one.name for one in premises(state, count)]), weights.premises)
        )
    solved = tuple(sources.solved()) if weights.solved else ()
    if solved:
        parts.append((SolvedGoals(solved), weights.solved))
    return Mixture(parts)


def _portfolio(goal: Goal, state: str, definitions: Sequence[str]) -> list[str]:
    """Tactics of the portfolio for the first goal of a state: what closes it first, then what takes it apart."""
    first = replace(goal, text=state.partition("\n\n")[0])
    texts = [candidate.tactic for candidate in portfolio(first, definitions) if not is_search(candidate.tactic)]
    # `<;> …` behind a step closes what it can or fails; as a step of a search its first half is worth more.
    openers = [text.partition(" <;> ")[0] for text in texts if " <;> " in text]
    return list(dict.fromkeys([*FINISHERS, *openers, *texts]))[:_PORTFOLIO]


async def run_reprover(
    goal: Goal,
    timeout: float,
    *,
    prover: GoalOpener,
    sources: Sources,
    settings: SearchSettings | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Search for a proof of `goal` for at most `timeout` seconds from when it is open on a session.

    The result's metadata holds the numbers of the search and, when nothing was found, `open_goals`: goals that stand
    open in many states, as candidates for lemmas.
    """

    async def work(context: ProofContext, deadline: float) -> Result:
        stepper = ContextStepper(context, Limits(milliseconds=_STEP_MILLISECONDS))
        limits = replace(settings or SearchSettings(), seconds=timeout)
        return result_of(
            await search(goal.text.split("\n\n"), stepper, make_generator(goal, sources), limits, clock=clock)
        )

    return await attack(
        StrategyType.REPROVER, prover, goal, timeout, work, Timing(clock=clock, grace_seconds=_GRACE_SECONDS)
    )


def result_of(report: SearchReport) -> Result:
    """A search's report as a result."""
    metadata: dict[str, object] = {
        "stop": report.stop.value,
        "expansions": report.expansions,
        "states": report.states,
        "tactics_tried": report.tactics,
        "arrivals": dict(report.arrivals),
    }
    if report.script is not None:
        return Result(
            success=True, tactics=tuple(line for step in report.script for line in step.split("\n")), metadata=metadata
        )
    metadata["open_goals"] = [{"goal": text, "states": number} for text, number in report.frequent_goals]
    outcome = Outcome.NOT_PROVED if report.stop is StopReason.EXHAUSTED else Outcome.TIMEOUT
    return Result(success=False, outcome=outcome, metadata=metadata)


@cache
def _generator(folder: Path, device: str) -> Generator:
    """One model in a process, whoever asks for it."""
    return Generator(folder=folder, device=device)


def _make(tools: StrategyTools) -> BoundStrategy:
    sources = Sources(
        model=_generator(tools.settings.reprover_generator or SHIPPED, tools.settings.model_device),
        retriever=tools.retriever,
        definitions=tools.definitions,
        solved=tools.ledger.solved_goals if tools.ledger is not None else tuple,
    )
    return BoundStrategy(StrategyType.REPROVER, partial(run_reprover, prover=tools.prover, sources=sources))


SPEC = StrategySpec(
    type=StrategyType.REPROVER,
    seconds=STRATEGY_SECONDS[StrategyType.REPROVER],
    recorded=RecordedChances(0.31, 6.0, after={"hammer": 0.02, "micro": 0.02}),
    make=_make,
    missing=lambda settings, _project: encoder.unavailable(settings.reprover_generator or SHIPPED),
    model=lambda settings: str(settings.reprover_generator or SHIPPED),
)
