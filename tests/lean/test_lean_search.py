"""Search, models, sketches and subgoals on a real Lean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import pytest
from real_lean import PATIENT, Goals, project

from bench.proof_steps import steps
from bench.recorder import Origin, cut, record, replay_steps
from orchestrator.config import SchedulerSettings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result, StrategyType
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.pool import Pool
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.middleware import time_limit
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.subgoals import Scripts
from orchestrator.strategies.base import BoundStrategy
from orchestrator.strategies.micro.strategy import run_micro
from orchestrator.strategies.reprover.model import SHIPPED, Generator
from orchestrator.strategies.reprover.search import SearchSettings
from orchestrator.strategies.reprover.steps import ROOT, ContextStepper
from orchestrator.strategies.reprover.strategy import Sources, Weights, run_reprover
from orchestrator.strategies.sketch.strategy import run_sketch
from tests.doubles.scripted_models import ScriptedChat, ScriptedModel

FILE = """def double : Nat → Nat
  | 0 => 0
  | n + 1 => double n + 2

theorem both (p q : Prop) (hp : p) (hq : q) : q ∧ p := by sorry

theorem double_eq (n : Nat) : double n = n + n := by
  sorry

theorem false_one (n : Nat) : double n = n := by
  sorry
"""

PATIENCE = SchedulerSettings(timeouts=dict.fromkeys(StrategyType, 300.0))
"""For what takes a second on a quiet machine."""


@pytest.fixture
async def goals(lean: EmbeddedSession) -> Goals:
    return await Goals.of(lean, FILE)


@dataclass
class OneAtATime:
    """The goals of a file as a prover for several holders: they wait for one another."""

    goals: Goals

    def __post_init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[OpenGoal]:
        """See `Prover.open`."""
        async with self._lock, self.goals.open(goal) as opened:
            yield opened


def sources(table: dict[str, Sequence[str]]) -> Sources:
    return Sources(model=ScriptedModel(table), weights=Weights(portfolio=0.0))


async def test_a_search_of_several_steps_finds_a_proof_that_the_declaration_takes(goals: Goals) -> None:
    table = {
        "ih :": ["rfl", "rw [double, ih]", "omega"],
        "double 0": ["simp", "rfl"],
        "n + n": ["omega", "induction n with | zero => ?_ | succ k ih => ?_"],
    }
    strategy = BoundStrategy(StrategyType.REPROVER, partial(run_reprover, prover=goals, sources=sources(table)))
    result = await strategy.run(goals["double_eq"], 60.0)
    assert result.success, result
    assert result.tactics[0] == "induction n with | zero => ?_ | succ k ih => ?_"
    async with goals.open(goals["double_eq"]) as context:
        assert (await context.check("\n".join(result.tactics))).accepted


async def test_what_is_false_is_not_proved_and_its_open_goals_are_named(goals: Goals) -> None:
    table = {"⊢": ["cases n", "unfold double", "have : True := trivial", "simp only [double]"]}
    settings = SearchSettings(expansions=6)
    result = await run_reprover(goals["false_one"], 60.0, prover=goals, sources=sources(table), settings=settings)
    assert not result.success
    assert isinstance(result.metadata["open_goals"], list)
    assert result.metadata["expansions"] == 6


@pytest.mark.slow
async def test_the_shipped_model_searches(goals: Goals) -> None:
    pytest.importorskip("transformers")
    strategy = BoundStrategy(
        StrategyType.REPROVER,
        partial(run_reprover, prover=goals, sources=Sources(model=Generator(folder=SHIPPED, device="cpu"))),
    )
    result = await strategy.run(goals["both"], 60.0)
    assert result.success, result
    assert result.strategy is StrategyType.REPROVER


async def test_states_outlive_the_process(goals: Goals) -> None:
    async with goals.open(goals["both"]) as context:
        stepper = ContextStepper(context, PATIENT)
        (first,) = await stepper.run(ROOT, ["constructor"], seconds=60)
        assert first.handle is not None
        assert len(first.goals) == 2
        session = goals.workspace.session
        assert isinstance(session, EmbeddedSession)
        await session.kill()
        (second,) = await stepper.run(first.handle, ["exact hq"], seconds=60)
        assert second.handle is not None
        (third,) = await stepper.run(second.handle, ["exact hp"], seconds=60)
        assert third.completed
        assert await stepper.accepts(["constructor", "exact hq", "exact hp"])


async def test_sorries_of_a_sketch_are_goals(goals: Goals) -> None:
    script = "have h : ∀ k, double k = k + k := by\n  intro k\n  sorry\nexact h n"
    async with goals.open(goals["double_eq"]) as context:
        assert (await context.split("have h : n = m := by sorry\nsimp")).errors != ()
        assert (await context.split("rfl (")).errors != ()
        split = await context.split(script)
    assert split.errors == ()
    (inner,) = split.goals
    assert inner.text == "n k : Nat\n⊢ double k = k + k"
    async with goals.open(inner) as context:
        replies = await context.tactics(["exact h k", "induction k <;> simp_all [double]"], stop_on_success=False)
        assert replies[0].failed
        assert (await context.check("induction k <;> simp_all [double] <;> omega")).accepted
        assert not (await context.check("rfl")).accepted
        again = await context.split("cases k\n· rfl\n· sorry")
        assert again.errors == ()
    (deeper,) = again.goals
    async with goals.open(deeper) as context:
        assert "double (n✝ + 1)" in context.goal.text
        assert (await context.check("sorry")).accepted is False


async def test_a_sketch_is_corrected_split_proved_and_put_together(goals: Goals) -> None:
    chat = ScriptedChat(
        [
            "```lean\ntheorem double_eq (n : Nat) : double n = n + n := by\n  nonsense\n```",
            "```lean\ninduction n with\n| zero => sorry\n| succ k ih =>\n"
            "  have h : double (k + 1) = double k + 2 := by sorry\n  rw [h, ih]\n  sorry\n```",
        ]
    )
    prover = OneAtATime(goals)
    strategies = {
        StrategyType.SKETCH: BoundStrategy(StrategyType.SKETCH, partial(run_sketch, prover=prover, chat=chat)),
        StrategyType.MICRO: _Subgoals(BoundStrategy(StrategyType.MICRO, partial(run_micro, prover=prover))),
    }
    scheduler = Scheduler(
        replace(SchedulerContext.of(PATIENCE), strategies=strategies),
        settings=PATIENCE,
        middleware=[time_limit(300.0, monotonic)],
        scripts=Scripts(prover),
    )
    result = await scheduler.run_goal(goals["double_eq"], n=1)
    assert result.success, result
    assert result.strategy is StrategyType.SKETCH
    assert "sorry" not in "\n".join(result.tactics)
    assert result.metadata["subgoals_proved"] == 3
    assert "unknown" in chat.asked[1][-1].text.lower()
    async with goals.open(goals["double_eq"]) as context:
        assert (await context.check("\n".join(result.tactics))).accepted


async def test_a_wrong_sketch_leaves_its_open_subgoals(goals: Goals) -> None:
    chat = ScriptedChat(["have h : double n = n + 0 := by sorry\nhave k : n = n := by sorry\nexact h"])
    prover = OneAtATime(goals)
    strategies = {
        StrategyType.SKETCH: BoundStrategy(StrategyType.SKETCH, partial(run_sketch, prover=prover, chat=chat)),
        StrategyType.MICRO: _Subgoals(BoundStrategy(StrategyType.MICRO, partial(run_micro, prover=prover))),
    }
    scheduler = Scheduler(
        replace(SchedulerContext.of(PATIENCE), strategies=strategies),
        settings=PATIENCE,
        middleware=[time_limit(300.0, monotonic)],
        scripts=Scripts(prover),
    )
    result = await scheduler.run_goal(goals["false_one"], n=1)
    assert not result.success
    assert result.subgoals == ("n : Nat\n⊢ double n = n + 0",)


async def test_proofs_are_recorded_step_by_step(lean: EmbeddedSession) -> None:
    text = """theorem a (n : Nat) : n + 0 = n ∧ 0 + n = n := by
  have h : 0 + n = n := by
    induction n with
    | zero => rfl
    | succ k ih => omega
  constructor
  · rfl
  · exact h
"""
    prepared = cut(project(A=text))
    found = [pairs async for _, pairs in record(prepared, Pool([lean], prepared.project), finishers=False)]
    assert [pair.tactic for pair in found[0]] == list(steps(prepared.proofs["A"][0].script))
    assert found[0][-1].tactic == "omega"
    assert found[0][1].state.split("\n\n")[0].endswith("n : Nat\nh : 0 + n = n\n⊢ n + 0 = n ∧ 0 + n = n")


async def test_a_step_that_fails_ends_the_recording_and_finishers_are_tried(goals: Goals) -> None:
    async with goals.open(goals["both"]) as context:
        pairs = await replay_steps(context, ["constructor", "nonsense", "exact hp"], finishers=True)
    assert [pair.tactic for pair in pairs if pair.origin is Origin.PROOF] == ["constructor"]
    assert {pair.tactic for pair in pairs if pair.origin is Origin.FINISHER} <= {
        "simp_all",
        "grind",
        "assumption",
        "simp",
    }
    assert any(pair.origin is Origin.FINISHER for pair in pairs)


@dataclass
class _Subgoals:
    """A strategy for subgoals alone: what stands in the file itself is left to others."""

    inner: BoundStrategy

    @property
    def type(self) -> StrategyType:
        return StrategyType.MICRO

    def available(self, goal: Goal) -> str:
        return "" if goal.within is not None else "for subgoals only"

    async def run(self, goal: Goal, timeout: float) -> Result:
        return await self.inner.run(goal, timeout)
