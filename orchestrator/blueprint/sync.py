"""Makes the marks tell the truth: adds and removes `\\leanok`, and touches no other byte. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.blueprint.marks import Style, add_to_proof, add_to_statement, remove, runs, styles
from orchestrator.blueprint.nodes import Blueprint, MarkPosition, Node, Span, line_of
from orchestrator.blueprint.status import BlueprintStatus, DeclarationTruth, NodeStatus, Truth, evaluate
from orchestrator.errors import BlueprintError
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.source.diff import unified_diff


class EditKind(StrEnum):
    """What an edit does."""

    ADD = "add"
    REMOVE = "remove"
    LEAN_DECLS = "lean_decls"


@dataclass(frozen=True, slots=True)
class MarkEdit:
    """One replacement in one file: the text of `span` becomes `text`.

    `key` and `position` say which node's mark it is (empty and None for the list of declaration names).
    """

    span: Span
    text: str
    kind: EditKind
    key: str = ""
    position: MarkPosition | None = None


def plan(
    blueprint: Blueprint, status: BlueprintStatus, *, remove_undecided: bool = False, lean_decls: bool = False
) -> tuple[MarkEdit, ...]:
    """The edits that make the marks true, by file and place. None when they are true already.

    Args:
        remove_undecided: take away marks of declarations nobody could elaborate. By default those marks stay as they
            are; either way none is added.
        lean_decls: also bring the generated list of declaration names up to date, if it is there.

    Raises BlueprintError: the status is of another blueprint.
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
        edits.append(
            MarkEdit(Span(blueprint.lean_decls_path, 0, len(blueprint.lean_decls)), names, EditKind.LEAN_DECLS)
        )
    # A file that is input twice gives the same edits twice.
    return tuple(sorted(dict.fromkeys(edits), key=lambda edit: edit.span))


def apply(edits: Iterable[MarkEdit], texts: Mapping[str, str]) -> dict[str, str]:
    """The texts with the edits made; files without edits are passed on as they are.

    Raises BlueprintError: an edit is of a file that is not in `texts`, lies outside its text, or overlaps another.
    """
    pieces: dict[str, list[str]] = {}
    done: dict[str, int] = {}
    for edit in sorted(edits, key=lambda edit: edit.span):
        file, start, end = edit.span.file, edit.span.start, edit.span.end
        if file not in texts:
            raise BlueprintError("an edit is of a file that is not there", where=file, hint="Plan the edits again")
        if not done.get(file, 0) <= start <= end <= len(texts[file]):
            hint = "Plan the edits again on the text as it is"
            raise BlueprintError("edits overlap or lie outside the text", where=file, hint=hint)
        pieces.setdefault(file, []).extend((texts[file][done.get(file, 0) : start], edit.text))
        done[file] = end
    return {file: "".join((*pieces.get(file, ()), text[done.get(file, 0) :])) for file, text in texts.items()}


def _node_edits(
    blueprint: Blueprint, node: Node, status: NodeStatus, style: Style, remove_undecided: bool
) -> Iterable[MarkEdit]:
    for position, parts in node.parts.items():
        truth = status.truth(position)
        if truth is Truth.FALSE or (truth is Truth.UNDECIDED and remove_undecided):
            for mark in runs(blueprint, (mark for part in parts for mark in part.marks)):
                yield MarkEdit(*remove(blueprint, mark), EditKind.REMOVE, node.key, position)
        elif position in status.unmarked:
            add = add_to_statement if position is MarkPosition.STATEMENT else add_to_proof
            yield MarkEdit(*add(blueprint, parts[-1], style), EditKind.ADD, node.key, position)


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
    """What makes the blueprint true. `texts`: new content of the files that change, by path."""

    blueprint: Blueprint
    status: BlueprintStatus
    marks: tuple[Mark, ...] = ()
    patch: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be taken as meant, in words; nothing where there is no blueprint."""
        return tuple(str(problem) for problem in self.blueprint.problems) if self.blueprint.found else ()


def update_blueprint(
    blueprint: Blueprint,
    facts: Mapping[str, DeclarationTruth],
    *,
    allowed_axioms: Collection[str] = STANDARD_AXIOMS,
) -> BlueprintUpdate:
    """Compare a blueprint with the facts; nothing is written."""
    status = evaluate(blueprint, facts, allowed_axioms=allowed_axioms)
    edits = plan(blueprint, status)
    after = apply(edits, blueprint.files)
    texts = {path: text for path, text in after.items() if text != blueprint.files[path]}
    patch = unified_diff({path: (blueprint.files[path], text) for path, text in texts.items()})
    return BlueprintUpdate(blueprint, status, tuple(_mark(edit, blueprint) for edit in edits), patch, texts)


def _mark(edit: MarkEdit, blueprint: Blueprint) -> Mark:
    return Mark(
        label=edit.key,
        file=edit.span.file,
        line=line_of(blueprint.files[edit.span.file], edit.span.start),
        part=edit.position.value if edit.position is not None else "",
        change="added" if edit.kind is EditKind.ADD else "removed",
    )
