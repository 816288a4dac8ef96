"""Makes the marks tell the truth: adds and removes `\\leanok`, and touches no other byte. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from orchestrator.blueprint.loading import load
from orchestrator.blueprint.marks import MarkChange, Style, add_to_proof, add_to_statement, remove, runs, styles
from orchestrator.blueprint.nodes import Blueprint, Node, Part, line_of
from orchestrator.blueprint.status import (
    STANDARD_AXIOMS,
    BlueprintStatus,
    DeclarationTruth,
    MarkPosition,
    NodeStatus,
    Truth,
    evaluate,
)
from orchestrator.errors import BlueprintError
from orchestrator.source.diff import unified_diff


class EditKind(StrEnum):
    """What an edit does."""

    ADD = "add"
    REMOVE = "remove"
    LEAN_DECLS = "lean_decls"


@dataclass(frozen=True, slots=True)
class MarkEdit:
    """One replacement in one file: the text from `start` up to `end`, in code points, becomes `text`.

    `key` and `place` say which node's mark it is (empty and None for the list of declaration names).
    """

    file: str
    start: int
    end: int
    text: str
    kind: EditKind
    key: str = ""
    place: MarkPosition | None = None


def plan(
    blueprint: Blueprint, status: BlueprintStatus, *, remove_undecided: bool = False, lean_decls: bool = False
) -> tuple[MarkEdit, ...]:
    """The edits that make the marks true, by file and place. None when they are true already.

    Args:
        blueprint: as read.
        status: of this very blueprint.
        remove_undecided: take away marks of declarations nobody could elaborate. By default those marks stay as they
            are; either way none is added.
        lean_decls: also bring the generated list of declaration names up to date, if it is there.

    Raises:
        BlueprintError: the status is of another blueprint.
    """
    if [node.key for node in blueprint.nodes] != [node.key for node in status.nodes]:
        raise BlueprintError("the status is not of this blueprint", where=blueprint.root, hint="Evaluate it again")
    style_of = styles(blueprint)
    edits = [
        edit
        for node, truth in zip(blueprint.nodes, status.nodes, strict=True)
        if not truth.mathlib
        for edit in _node_edits(blueprint, node, truth, style_of(node.file), remove_undecided)
    ]
    if lean_decls and status.stale_lean_decls and blueprint.lean_decls is not None:
        names = "\n".join(blueprint.declarations)
        edits.append(MarkEdit(blueprint.lean_decls_path, 0, len(blueprint.lean_decls), names, EditKind.LEAN_DECLS))
    # A file that is input twice gives the same edits twice.
    return tuple(sorted(dict.fromkeys(edits), key=lambda edit: (edit.file, edit.start, edit.end)))


def apply(edits: Iterable[MarkEdit], texts: Mapping[str, str]) -> dict[str, str]:
    """The texts with the edits made; files without edits are passed on as they are.

    Args:
        edits: from `plan`, in any order.
        texts: path → text the edits were planned on.

    Raises:
        BlueprintError: an edit is of a file that is not in `texts`, lies outside its text, or overlaps another.
    """
    result = dict(texts)
    by_file: dict[str, list[MarkEdit]] = {}
    for edit in edits:
        by_file.setdefault(edit.file, []).append(edit)
    for file, own in by_file.items():
        if file not in texts:
            raise BlueprintError("an edit is of a file that is not there", where=file, hint="Plan the edits again")
        result[file] = _apply_all(own, file, texts[file])
    return result


def _apply_all(edits: list[MarkEdit], file: str, text: str) -> str:
    pieces: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not position <= edit.start <= edit.end <= len(text):
            hint = "Plan the edits again on the text as it is"
            raise BlueprintError("edits overlap or lie outside the text", where=file, hint=hint)
        pieces += (text[position : edit.start], edit.text)
        position = edit.end
    return "".join((*pieces, text[position:]))


def _node_edits(
    blueprint: Blueprint, node: Node, status: NodeStatus, style: Style, remove_undecided: bool
) -> Iterable[MarkEdit]:
    for place, truth, parts in (
        (MarkPosition.STATEMENT, status.statement, (node.statement,)),
        (MarkPosition.PROOF, status.proof, node.proofs),
    ):
        unfounded = truth is Truth.FALSE or (truth is Truth.UNDECIDED and remove_undecided)
        if unfounded:
            for mark in runs(blueprint, (mark for part in parts for mark in part.marks)):
                yield _edit(remove(blueprint, mark), EditKind.REMOVE, node, place)
        elif truth is Truth.TRUE and parts and not parts[-1].marks:
            yield _edit(_addition(blueprint, parts[-1], place, style), EditKind.ADD, node, place)


def _addition(blueprint: Blueprint, part: Part, place: MarkPosition, style: Style) -> MarkChange:
    if place is MarkPosition.STATEMENT:
        return add_to_statement(blueprint, part, style)
    return add_to_proof(blueprint, part, style)


def _edit(change: MarkChange, kind: EditKind, node: Node, place: MarkPosition) -> MarkEdit:
    return MarkEdit(change.span.file, change.span.start, change.span.end, change.text, kind, node.key, place)


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


def _mark(edit: MarkEdit, blueprint: Blueprint) -> Mark:
    return Mark(
        label=edit.key,
        file=edit.file,
        line=line_of(blueprint.files[edit.file], edit.start),
        part=edit.place.value if edit.place is not None else "",
        change="added" if edit.kind is EditKind.ADD else "removed",
    )
