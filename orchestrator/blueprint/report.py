"""A blueprint's status in words and as data for programs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from orchestrator.blueprint.graph import DependencyGraph
from orchestrator.blueprint.nodes import Blueprint, Node
from orchestrator.blueprint.status import BlueprintStatus, NodeStatus, Truth, believed
from orchestrator.text import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How often each thing is said, over all statements and proofs of nodes; labels in Lean files are nodes, too."""

    nodes: int = 0
    proofs: int = 0
    declarations: int = 0
    statement_marks: int = 0
    proof_marks: int = 0
    not_ready: int = 0
    mathlib: int = 0
    uses: int = 0


def count(blueprint: Blueprint) -> Counts:
    """The numbers of a blueprint; where LeanArchitect writes the marks, there are none to count."""
    parts = [part for node in blueprint.nodes for part in (node.statement, *node.proofs)]
    return Counts(
        nodes=len(blueprint.nodes),
        proofs=sum(len(node.proofs) for node in blueprint.nodes),
        declarations=len(blueprint.declarations)
        + sum(len(node.statement.lean) for node in blueprint.nodes if node.generated),
        statement_marks=sum(len(node.statement.marks) for node in blueprint.nodes),
        proof_marks=sum(len(proof.marks) for node in blueprint.nodes for proof in node.proofs),
        not_ready=sum(node.statement.notready for node in blueprint.nodes),
        mathlib=sum(len(part.mathlib_marks) for part in parts),
        uses=blueprint.uses,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLine:
    """One node for people: where it is, what is true of its two parts, what is wrong, and all there is to say.

    `refuted`: a counterexample to what it still needs is known.
    """

    key: str
    where: str
    declarations: tuple[str, ...]
    statement: str
    proof: str
    wrong: tuple[str, ...]
    notes: tuple[str, ...]
    done: bool
    refuted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole blueprint.

    Attributes:
        root: the file reading began with, or "Lean files".
        by: what was gone by: "lean", "partly" where Lean could elaborate some files only, or "text".
        not_seen: declarations that the project's text does not show (they may come from a library or a macro).
        ready: nodes whose proof can be begun now, those that most others wait for first, with how many wait.
        marks, unchecked: places with a mark, and those of them on which nobody could decide.
        editable: the marks are ours to edit (they are not where LeanArchitect writes them).
    """

    root: str
    by: str
    counts: Counts
    lines: tuple[NodeLine, ...]
    missing: tuple[str, ...]
    not_seen: tuple[str, ...]
    problems: tuple[str, ...]
    false_marks: int = 0
    unmarked: int = 0
    marks: int = 0
    unchecked: int = 0
    stale_lean_decls: bool = False
    ready: tuple[tuple[str, int], ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()
    editable: bool = True

    @property
    def true(self) -> bool | None:
        """No mark is false or missing, every declaration exists, the generated list is up to date; None: not known."""
        if self.false_marks or self.unmarked or self.missing or self.stale_lean_decls:
            return False
        return None if self.unchecked or (self.by != "lean" and self.counts.declarations) else True

    @property
    def words(self) -> str:
        """Whether the blueprint is true, in a sentence."""
        said = {True: "The blueprint tells the truth", False: "The blueprint is not true", None: ""}[self.true]
        if self.unchecked:
            said += f"{'; ' if said else ''}{self.unchecked} of {counted(self.marks, 'mark')} could not be checked"
        return f"{said or 'No mark is seen to be false, but Lean has not seen every declaration'}."

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "true": self.true}


def report(blueprint: Blueprint, status: BlueprintStatus, *, by: str, not_seen: Sequence[str] = ()) -> Report:
    """A blueprint compared with what is true."""
    graph = DependencyGraph.of(blueprint)
    basis = believed(blueprint, status)
    ready = sorted(((key, graph.unblocks(key, basis)) for key in graph.ready(basis)), key=lambda pair: -pair[1])
    nodes = {node.key: node for node in blueprint.nodes}
    lines = [_line(each, nodes[each.key]) for each in status.nodes]
    return Report(
        root=blueprint.root,
        by=by,
        counts=count(blueprint),
        lines=tuple(lines),
        false_marks=sum(len(node.false_marks) for node in status.nodes),
        unmarked=sum(len(node.unmarked) for node in status.nodes),
        marks=sum(node.marks for node in status.nodes),
        unchecked=sum(len(node.unchecked) for node in status.nodes),
        missing=status.missing,
        not_seen=tuple(not_seen),
        stale_lean_decls=status.stale_lean_decls,
        ready=tuple(ready),
        cycles=graph.cycles(),
        problems=tuple(str(problem) for problem in blueprint.problems),
        editable=blueprint.editable,
    )


def _line(status: NodeStatus, node: Node) -> NodeLine:
    marked = None if node.generated else (node.statement_leanok, node.proof_leanok)
    wrong = {
        f"false mark in the {' and the '.join(status.false_marks)}": status.false_marks,
        f"mark missing in the {' and the '.join(status.unmarked)}": status.unmarked,
        f"no such declaration: {', '.join(status.missing)}": status.missing,
    }
    unmarked = [place for place, parts in node.parts.items() if marked and parts and not parts[-1].marks]
    notes = {
        f"counterexample to a goal of {', '.join(status.refuted)}": status.refuted,
        f"conditional on {', '.join(status.rests_on)}": status.conditional,
        f"sorry in {', '.join(status.open_here)}": status.open_here,
        f"rests on the axioms {', '.join(status.forbidden_axioms)}": status.forbidden_axioms,
        f"mark missing in the {' and the '.join(unmarked)}, if Lean accepts what is written": status.written
        and unmarked,
        "not ready": node.statement.notready,
        "names no declaration": not status.declarations and not status.mathlib,
    }
    complaints = tuple(note for note, holds in wrong.items() if holds)
    proof = "conditional" if status.conditional else _word(status.proved, "proved", marked and marked[1])
    return NodeLine(
        key=status.key,
        where=f"{node.file}:{node.statement.line}",
        declarations=status.declarations,
        statement="in Mathlib" if status.mathlib else _word(status.statement, "formalised", marked and marked[0]),
        proof="" if status.mathlib else proof,
        wrong=complaints,
        notes=(*complaints, *(note for note, holds in notes.items() if holds)),
        done=status.done,
        refuted=bool(status.refuted),
    )


def _word(truth: Truth, good: str, marked: bool | None) -> str:
    undecided = "?" if marked is None else "marked, not seen" if marked else "unmarked"
    return {Truth.TRUE: good, Truth.FALSE: f"not {good}", Truth.UNDECIDED: undecided}[truth]
