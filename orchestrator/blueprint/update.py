"""A repository's blueprint against the facts: what changes, as a patch and as a list of marks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.blueprint.disk import load
from orchestrator.blueprint.nodes import Blueprint, line_of
from orchestrator.blueprint.status import (
    STANDARD_AXIOMS,
    BlueprintStatus,
    DeclarationTruth,
    evaluate,
)
from orchestrator.blueprint.sync import Edit, EditKind, apply, plan
from orchestrator.diff import unified_diff


@dataclass(frozen=True, slots=True)
class Mark:
    """A `\\leanok` that is set or taken away: of which node, in its statement or proof, and where."""

    label: str
    file: str
    line: int
    part: str
    change: str


@dataclass(frozen=True, slots=True)
class BlueprintUpdate:
    """What makes the blueprint true.

    Attributes:
        found: there is a blueprint.
        blueprint: as read.
        status: what is true of each node.
        marks: what is set and taken away.
        patch: one diff over the TeX files ("" when nothing changes).
        texts: new content of the files that change, by path.
        problems: what could not be taken as meant, in words.
    """

    found: bool
    blueprint: Blueprint
    status: BlueprintStatus
    marks: tuple[Mark, ...] = ()
    patch: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def update_blueprint(
    blueprint: Blueprint,
    facts: Mapping[str, DeclarationTruth],
    *,
    allowed_axioms: Collection[str] = STANDARD_AXIOMS,
) -> BlueprintUpdate:
    """Compare a blueprint with the facts; nothing is written. Pure."""
    status = evaluate(blueprint, facts, allowed_axioms=allowed_axioms)
    edits = plan(blueprint, status)
    texts = apply(edits, blueprint.files)
    patch = unified_diff({path: (blueprint.files[path], text) for path, text in texts.items()})
    problems = tuple(str(problem) for problem in blueprint.problems) if blueprint.found else ()
    marks = tuple(_mark(edit, blueprint) for edit in edits if edit.kind is not EditKind.LEAN_DECLS)
    changed = {path: text for path, text in texts.items() if text != blueprint.files[path]}
    return BlueprintUpdate(blueprint.found, blueprint, status, marks, patch, changed, problems)


def read_blueprint(root: str) -> Blueprint:
    """The blueprint of the repository at `root`, empty when there is none.

    Raises:
        BlueprintError: there is one, but it cannot be read.
    """
    return load(Path(root))


def _mark(edit: Edit, blueprint: Blueprint) -> Mark:
    return Mark(
        label=edit.key,
        file=edit.file,
        line=line_of(blueprint.files[edit.file], edit.start),
        part=edit.place.value if edit.place is not None else "",
        change="added" if edit.kind is EditKind.ADD else "removed",
    )
