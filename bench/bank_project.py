"""The bank as a Lean project: a file for each goal, its theorem left open."""

from __future__ import annotations

from collections.abc import Iterable

from bench.bank import BankGoal, source
from orchestrator.source import Project, SourceModule


def bank_project(goals: Iterable[BankGoal]) -> Project:
    """One module a goal, called as its theorem is."""
    modules = tuple(
        SourceModule(goal.name, f"{goal.name}.lean", source(goal), ("Init", *goal.imports)) for goal in goals
    )
    return Project("bank", "/bank", modules=modules)
