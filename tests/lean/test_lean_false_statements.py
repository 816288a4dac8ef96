"""False statements are refuted, and true ones never: over numbers, lists, trees, functions and predicates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from real_lean import PATIENT

from bench.bank import bank_project, load_bank
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project, SourceModule
from orchestrator.strategies.refute.counterexample import attempts_on, find_counterexample
from orchestrator.strategies.refute.values import declared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

TEXT = (Path(__file__).parent / "statements.lean").read_text(encoding="utf-8")
SECONDS = 5.0
ENOUGH = 40
"""Of the fifty false ones: some machines are slow."""
OWN = 36
"""True ones of our own; those of the bank make them more than three hundred."""


async def refuted(session: EmbeddedSession, project: Project) -> Mapping[str, str]:
    """What is said of each goal of a project, "" for what is not refuted."""
    workspace = Workspace(session, project)
    found = await extract(workspace, project.modules)
    known = declared(module.text for module in project.modules)
    told = {}
    for goal in found.goals:
        opened = OpenGoal(workspace, goal, PATIENT)
        await opened.ready()
        told[goal.declaration] = await find_counterexample(attempts_on(opened), goal.text, known, seconds=SECONDS)
        await opened.release()
    return told


async def test_false_statements_are_refuted_and_those_that_only_look_false_are_not(lean: EmbeddedSession) -> None:
    told = await refuted(lean, Project("own", "/nowhere", modules=(SourceModule("A", "A.lean", TEXT, ()),)))
    true = {name: words for name, words in told.items() if name.startswith("true_")}
    false = {name: words for name, words in told.items() if name not in true}
    assert (len(true), len(false)) == (OWN, 50)
    assert not any(true.values())
    assert sum(map(bool, false.values())) >= ENOUGH, sorted(name for name, words in false.items() if not words)


async def test_no_statement_of_the_bank_is_refuted(lean: EmbeddedSession) -> None:
    told = await refuted(lean, bank_project(load_bank()))
    assert len(told) + OWN >= 300
    assert not {name: words for name, words in told.items() if words}
