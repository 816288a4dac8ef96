"""Statements and proofs while they are read, and how proofs find their statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.blueprint.nodes import Node, Part, ProblemKind, Span
from orchestrator.blueprint.tex.definitions import NODE_MACROS


@dataclass(eq=False)
class Draft:
    """A statement or a proof that is being read.

    `theorem` is the theorem type ("" for a proof). `sibling` is, for a proof, the closest statement before it
    among its siblings. `macros` and `said` hold, by the name of a macro directly in it, its spans and what it says.
    """

    environment: str
    begin: Span
    line: int
    title: str = ""
    theorem: str = ""
    sibling: Draft | None = None
    macros: defaultdict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    said: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, macro: str, span: Span, words: Iterable[str] = ()) -> None:
        """A macro stands directly in it and says this."""
        self.macros[macro].append(span)
        if macro == "lean":
            self.said[macro].clear()
        self.said[macro].extend(words)

    @property
    def speaks(self) -> bool:
        """A macro of leanblueprint stands directly in it."""
        return not NODE_MACROS.isdisjoint(self.macros)

    @property
    def proves(self) -> str:
        """The label in its last `\\proves`."""
        return (self.said.get("proves") or [""])[-1]

    def finish(self) -> Part:
        """The value."""
        return Part(
            environment=self.environment,
            begin=self.begin,
            line=self.line,
            title=self.title,
            labels=tuple(dict.fromkeys(self.said["label"])),
            lean=tuple(dict.fromkeys(self.said["lean"])),
            uses=tuple(dict.fromkeys(self.said["uses"])),
            notready="notready" in self.macros,
            marks=tuple(self.macros.get("leanok", ())),
            mathlib_marks=tuple(self.macros.get("mathlibok", ())),
            lean_macros=tuple(self.macros.get("lean", ())),
            label_macros=tuple(self.macros.get("label", ())),
        )


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a draft."""

    kind: ProblemKind
    message: str
    draft: Draft


def pair(
    statements: Sequence[Draft], proofs: Sequence[Draft], *, labels: Collection[str], in_graph: Collection[str]
) -> tuple[tuple[Node, ...], tuple[Complaint, ...]]:
    """Give each proof to its statement, both in document order; the nodes, and what is wrong.

    `in_graph`: theorem types that are nodes even when no macro of leanblueprint stands in them.
    """
    complaints = []
    by_label = {label: statement for statement in reversed(statements) for label in statement.said["label"]}
    owned: dict[Draft, list[Draft]] = {}
    for proof in proofs:
        if proof.proves and proof.proves not in by_label:
            message = f"no statement has the label {proof.proves} of \\proves"
            complaints.append(Complaint(ProblemKind.UNKNOWN_LABEL, message, proof))
        target = by_label.get(proof.proves, proof.sibling)
        if target is None:
            complaints.append(Complaint(ProblemKind.LOOSE_PROOF, "this proof belongs to no statement", proof))
        else:
            owned.setdefault(target, []).append(proof)
    nodes = []
    for statement in statements:
        own = owned.get(statement, [])
        if len(own) > 1:
            message = "it has several proofs, of which leanblueprint reads the last"
            complaints.append(Complaint(ProblemKind.SEVERAL_PROOFS, message, statement))
        if statement.theorem in in_graph or any(draft.speaks for draft in (statement, *own)):
            nodes.append(Node(statement.finish(), tuple(proof.finish() for proof in own)))
    complaints += [
        Complaint(ProblemKind.UNKNOWN_LABEL, f"no label {label}, which \\uses names", draft)
        for draft in (*statements, *proofs)
        for label in dict.fromkeys(draft.said["uses"])
        if label not in labels
    ]
    return tuple(nodes), tuple(complaints)
