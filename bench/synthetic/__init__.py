"""Goals of our own making for training: thousands of short theorems with known proofs, by families and chance."""

from __future__ import annotations

from random import Random

from bench.synthetic import data, logic, numbers
from orchestrator.source.project import Project, SourceModule

FAMILIES = (
    logic.deduction,
    logic.quantifiers,
    logic.equations,
    logic.predicates,
    numbers.linear,
    numbers.witnesses,
    numbers.recursion,
    data.lists,
    data.trees,
    data.relations,
    data.options,
)
"""Each makes a theory from a source of chance."""


def synthetic_project(theories: int, seed: int = 0) -> Project:
    """A module for each of `theories` theories, all families in turn. The same numbers give the same text."""
    dice = Random(seed)
    modules = []
    for number in range(theories):
        family = FAMILIES[number % len(FAMILIES)]
        name = f"Synthetic{seed}_{number}"
        modules.append(SourceModule(name, f"{name}.lean", family(dice).text(f"synthetic_{seed}_{number}")))
    return Project("synthetic", "/nowhere", modules=tuple(modules))
