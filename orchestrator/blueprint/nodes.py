"""What a blueprint claims, as values: its nodes, their macros with positions, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of a TeX file, in code points of its text."""

    file: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """A statement or a proof environment, with what the macros directly in it say.

    `labels`, `lean` and `uses` are what its macros name, in order and without repetition. `begin` spans `\\begin{...}`
    and its optional argument, which is the title; the other spans are of macros, `marks` of every `\\leanok`. `line`
    counts from 1.
    """

    environment: str
    begin: Span
    line: int = 1
    title: str = ""
    labels: tuple[str, ...] = ()
    lean: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    notready: bool = False
    marks: tuple[Span, ...] = ()
    mathlib_marks: tuple[Span, ...] = ()
    lean_macros: tuple[Span, ...] = ()
    label_macros: tuple[Span, ...] = ()

    @property
    def mathlibok(self) -> bool:
        """It is said to be in Mathlib."""
        return bool(self.mathlib_marks)

    @property
    def leanok(self) -> bool:
        """It is said to be formalised, by `\\leanok` or by `\\mathlibok`."""
        return bool(self.marks) or self.mathlibok


class MarkPosition(StrEnum):
    """Where a mark stands."""

    STATEMENT = "statement"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Node:
    """One statement of the blueprint, and the proofs that belong to it in document order.

    `generated`: it stands in a Lean file, and LeanArchitect writes its TeX and its marks.
    """

    statement: Part
    proofs: tuple[Part, ...] = ()
    generated: bool = False

    @property
    def proof(self) -> Part | None:
        """The last proof, which is the one that leanblueprint reads."""
        return self.proofs[-1] if self.proofs else None

    @property
    def label(self) -> str:
        """The statement's first label ("" when it has none)."""
        return self.statement.labels[0] if self.statement.labels else ""

    @property
    def key(self) -> str:
        """The label, or the statement's position when it has no label: distinct for every unlabelled node."""
        return self.label or f"{self.file}@{self.statement.begin.start}"

    @property
    def statement_leanok(self) -> bool:
        """The statement is marked as formalised."""
        return self.statement.leanok

    @property
    def proof_leanok(self) -> bool:
        """The proof leanblueprint reads is marked as formalised."""
        return self.proof is not None and self.proof.leanok

    @property
    def file(self) -> str:
        """File the statement begins in."""
        return self.statement.begin.file

    @property
    def parts(self) -> Mapping[MarkPosition, tuple[Part, ...]]:
        """The statement and the proofs by where a mark in them stands."""
        return {MarkPosition.STATEMENT: (self.statement,), MarkPosition.PROOF: self.proofs}


class ProblemKind(StrEnum):
    """What can be wrong with a blueprint's source."""

    NO_BLUEPRINT = "no_blueprint"
    MISSING_FILE = "missing_file"
    UNREADABLE_FILE = "unreadable_file"
    INPUT_CYCLE = "input_cycle"
    UNRESOLVED_INPUT = "unresolved_input"
    GENERATED = "generated"
    UNCLOSED = "unclosed"
    UNOPENED = "unopened"
    MALFORMED = "malformed"
    MISPLACED = "misplaced"
    HIDDEN_MACRO = "hidden_macro"
    LOOSE_PROOF = "loose_proof"
    SEVERAL_PROOFS = "several_proofs"
    UNKNOWN_LABEL = "unknown_label"
    DUPLICATE_LABEL = "duplicate_label"


@dataclass(frozen=True, slots=True)
class BlueprintProblem:
    """Something in the source that we, or leanblueprint, cannot take as meant. `line` counts from 1; 0 means none."""

    kind: ProblemKind
    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.message}"


@dataclass(frozen=True)
class Blueprint:
    """A blueprint as written.

    Attributes:
        files: text of every TeX file read, by path from `base` with forward slashes.
        root: the file reading began with ("" when there is no blueprint).
        declarations: every name in a `\\lean` macro anywhere, in document order, with repetitions.
        uses: how many labels all `\\uses` name.
        complete: every file that could hold nodes was read.
        lean_decls: content of the generated file of declaration names; None when it is not there.
        lean_decls_path: where leanblueprint writes that file.
    """

    nodes: tuple[Node, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[BlueprintProblem, ...] = ()
    root: str = ""
    declarations: tuple[str, ...] = ()
    uses: int = 0
    complete: bool = True
    lean_decls: str | None = None
    lean_decls_path: str = ""
    base: str = ""

    @property
    def found(self) -> bool:
        """There is a blueprint at all."""
        return bool(self.root)

    @property
    def editable(self) -> bool:
        """Some of its marks are written by people, not by LeanArchitect."""
        return not self.nodes or any(not node.generated for node in self.nodes)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every declaration it names, in TeX or in Lean files, once."""
        generated = (name for node in self.nodes if node.generated for name in node.statement.lean)
        return tuple(dict.fromkeys((*self.declarations, *generated)))

    @cached_property
    def by_label(self) -> Mapping[str, Node]:
        """Nodes by each of their labels; of several nodes with one label, the first."""
        return {label: node for node in reversed(self.nodes) for label in node.statement.labels}


def line_of(text: str, offset: int) -> int:
    """Line number, from 1, of an offset in a text."""
    return text.count("\n", 0, offset) + 1
