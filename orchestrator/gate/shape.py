"""The first two questions of one file: is it the original with its sorries filled, and are these proofs? Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.gate.fillings import Allowance, refusals
from orchestrator.gate.syntax import Difference, Fillings, TreeNode, fillings, subtrees, text_of, tree_of
from orchestrator.lean.protocol import CommandPair, ComparisonReply, Severity

_DECLARATION, _THEOREM = "Lean.Parser.Command.declaration", "Lean.Parser.Command.theorem"


@dataclass(frozen=True, slots=True)
class FilledCommand:
    """A command of which sorries are filled.

    Attributes:
        made: exact names of all constants that the original command makes.
        declared: the name in its text, "" when there is none.
        refused: what its fillings hold that no proof may, each in words with its line.
        replaces: whether tactics before a sorry were replaced with it.
        line, original_line: where it begins in the patched and in the original file.
    """

    made: tuple[str, ...]
    declared: str
    refused: tuple[str, ...] = ()
    replaces: bool = False
    line: int = 1
    original_line: int = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """What a patched file is beside its original.

    Attributes:
        filled: the commands of which sorries are filled.
        added: names of the helper lemmas that it adds.
        problems: what else differs, each in words with its line.
        refused: what helper lemmas and fillings hold that no proof may, each in words with its line.
    """

    filled: tuple[FilledCommand, ...] = ()
    added: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether it may be elaborated."""
        return not self.problems and not self.refused


def shape_of(found: ComparisonReply, named: frozenset[str], allowed: Allowance) -> Shape:
    """The shape of a patched file; `named` are the helper lemmas that may be added.

    Raises:
        MalformedReply: a tree is none.
    """
    wrong = [f"line {m.start.line}: {m.text}" for m in found.messages if m.severity is Severity.ERROR]
    refused: list[str] = []
    filled: list[FilledCommand] = []
    added: list[str] = []
    for pair in found.pairs:
        line = pair.start.line if pair.start is not None else 1
        own: tuple[str, ...] = ()
        replaces = False
        try:
            found_here = _fillings(pair, named)
            if isinstance(found_here, Difference):
                wrong.append(f"line {line}: {found_here.words}")
            else:
                replaces = found_here.replaces
                parts = found_here.parts
                own = tuple(f"line {line}: `{text_of(p)}`: {why}" for p in parts for why in refusals(p, allowed))
        except RecursionError:
            wrong.append(f"line {line}: a command that is nested too deeply to be read")
        refused += own
        if pair.original is None:
            added.append(pair.declared)
        else:
            before = pair.original_start.line if pair.original_start is not None else 1
            filled.append(FilledCommand(pair.made, pair.declared, own, replaces, line, before))
    return Shape(tuple(filled), tuple(added), tuple(wrong), tuple(refused))


def _fillings(pair: CommandPair, named: frozenset[str]) -> Fillings | Difference:
    """What of a command is the patch's own: the fillings, or the whole of a helper lemma."""
    patched = tree_of(pair.patched)
    if pair.original is not None:
        return fillings(tree_of(pair.original), patched)
    if pair.declared not in named:
        return Difference(
            f"new declaration `{pair.declared}`; a `Helper-lemma:` line of the patch names those it needs"
        )
    return (
        Fillings((patched,)) if _is_plain_theorem(patched) else Difference(f"`{pair.declared}` is more than a theorem")
    )


def _is_plain_theorem(tree: object) -> bool:
    """Whether a command declares a theorem, without modifiers; it may have a docstring."""
    if not isinstance(tree, TreeNode) or tree.kind != _DECLARATION:
        return False
    modifiers, body = tree.children
    after_docstring = modifiers.children[1:] if isinstance(modifiers, TreeNode) else ()
    plain = all(one is None or isinstance(one, TreeNode) for part in after_docstring for one in subtrees(part))
    return plain and isinstance(body, TreeNode) and body.kind == _THEOREM
