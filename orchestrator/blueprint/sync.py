"""Makes the marks tell the truth: adds and removes `\\leanok`, and touches no other byte. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.blueprint.nodes import Blueprint, Node, Part
from orchestrator.blueprint.placement import Change, Style, add_to_proof, add_to_statement, remove, runs, styles
from orchestrator.blueprint.status import BlueprintStatus, NodeStatus, Place, Truth
from orchestrator.errors import BlueprintError


class EditKind(StrEnum):
    """What an edit does."""

    ADD = "add"
    REMOVE = "remove"
    LEAN_DECLS = "lean_decls"


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in one file: the text from `start` up to `end`, in code points, becomes `text`.

    `key` and `place` say which node's mark it is (empty and None for the list of declaration names).
    """

    file: str
    start: int
    end: int
    text: str
    kind: EditKind
    key: str = ""
    place: Place | None = None


def plan(
    blueprint: Blueprint, status: BlueprintStatus, *, remove_undecided: bool = False, lean_decls: bool = False
) -> tuple[Edit, ...]:
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
        edits.append(Edit(blueprint.lean_decls_path, 0, len(blueprint.lean_decls), names, EditKind.LEAN_DECLS))
    # A file that is input twice gives the same edits twice.
    return tuple(sorted(dict.fromkeys(edits), key=lambda edit: (edit.file, edit.start, edit.end)))


def apply(edits: Iterable[Edit], texts: Mapping[str, str]) -> dict[str, str]:
    """The texts with the edits made; files without edits are passed on as they are.

    Args:
        edits: from `plan`, in any order.
        texts: path → text the edits were planned on.

    Raises:
        BlueprintError: an edit is of a file that is not in `texts`, lies outside its text, or overlaps another.
    """
    result = dict(texts)
    by_file: dict[str, list[Edit]] = {}
    for edit in edits:
        by_file.setdefault(edit.file, []).append(edit)
    for file, own in by_file.items():
        if file not in texts:
            raise BlueprintError("an edit is of a file that is not there", where=file, hint="Plan the edits again")
        result[file] = _apply_all(own, file, texts[file])
    return result


def _apply_all(edits: list[Edit], file: str, text: str) -> str:
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
) -> Iterable[Edit]:
    for place, truth, parts in (
        (Place.STATEMENT, status.statement, (node.statement,)),
        (Place.PROOF, status.proof, node.proofs),
    ):
        unfounded = truth is Truth.FALSE or (truth is Truth.UNDECIDED and remove_undecided)
        if unfounded:
            for mark in runs(blueprint, (mark for part in parts for mark in part.marks)):
                yield _edit(remove(blueprint, mark), EditKind.REMOVE, node, place)
        elif truth is Truth.TRUE and parts and not parts[-1].marks:
            yield _edit(_addition(blueprint, parts[-1], place, style), EditKind.ADD, node, place)


def _addition(blueprint: Blueprint, part: Part, place: Place, style: Style) -> Change:
    if place is Place.STATEMENT:
        return add_to_statement(blueprint, part, style)
    return add_to_proof(blueprint, part, style)


def _edit(change: Change, kind: EditKind, node: Node, place: Place) -> Edit:
    return Edit(change.span.file, change.span.start, change.span.end, change.text, kind, node.key, place)
