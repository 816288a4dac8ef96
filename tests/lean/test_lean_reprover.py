"""`reprover` end to end: the shipped model suggests, search steps, the declaration takes it, and the gate passes it.

Portfolio and premises are left out, so that what is proved is proved by the model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from real_lean import Goals, project

from orchestrator.gate.gate import Gate
from orchestrator.gate.verdict import VerdictStatus
from orchestrator.goals.result import StrategyType
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project
from orchestrator.source.splice import splice_all
from orchestrator.strategies.base import BoundStrategy
from orchestrator.strategies.reprover.model import SHIPPED, Generator
from orchestrator.strategies.reprover.strategy import Sources, Weights, run_reprover

FILE = """def twice : Nat → Nat
  | 0 => 0
  | n + 1 => twice n + 2

theorem paired (p q : Prop) (hp : p) (hq : q) : q ∧ p := by sorry

theorem either (p q : Prop) (hp : p) : q ∨ p := by sorry

theorem twice_mono (x y : Nat) (h : x = y) : twice x ≤ twice y + 1 := by sorry
"""
MODEL_ALONE = Weights(portfolio=0.0, premises=0.0, solved=0.0)


@pytest.mark.timeout(900)
@pytest.mark.slow
async def test_what_the_shipped_model_proves_alone_passes_the_gate(lean: EmbeddedSession) -> None:
    small = project(A=FILE)
    extraction = await extract(Workspace(lean, small), small.modules)
    goals = Goals(Workspace(lean, small), extraction.goals)
    strategy = BoundStrategy(
        StrategyType.REPROVER,
        partial(
            run_reprover,
            prover=goals,
            sources=Sources(model=Generator(folder=SHIPPED, device="cpu"), weights=MODEL_ALONE),
        ),
    )
    places = []
    for goal in extraction.goals:
        assert strategy.available(goal) == ""
        result = await strategy.run(goal, 300.0)
        assert result.success, (goal.declaration, result)
        assert result.strategy is StrategyType.REPROVER
        assert goal.span is not None
        places.append((goal.span, "\n".join(result.tactics), goal.kind))

    @asynccontextmanager
    async def workspace(patched: Project) -> AsyncIterator[Workspace]:
        await lean.recycle_if_grown()
        yield Workspace(lean, patched)

    report = await Gate(small, extraction, workspace).verify({"A.lean": splice_all(FILE, places)})
    assert report.errors == {}
    assert {verdict.declaration: verdict.status for verdict in report.verdicts} == dict.fromkeys(
        ("paired", "either", "twice_mono"), VerdictStatus.PASSED
    )
