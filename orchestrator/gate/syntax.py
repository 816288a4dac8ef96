"""Is a patched command the original one with its sorries filled, and nothing else? Answered on syntax trees. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any

from orchestrator.errors import MalformedReply

_PARSER = "Lean.Parser."
SORRY_TACTICS = frozenset(f"{_PARSER}Tactic.{name}" for name in ("tacticSorry", "tacticAdmit", "tacticStop_"))
SORRY_TERM = f"{_PARSER}Term.sorry"
_BY = f"{_PARSER}Term.byTactic"
_NO_NAME = "[anonymous]"
"""What Lean puts where it keeps its book of names; it is not in the text."""
_SEQUENCE = f"{_PARSER}Tactic.tacticSeq"
_SIMPLE_BODY, _EQUATIONS = f"{_PARSER}Command.declValSimple", f"{_PARSER}Command.declValEqns"
_LOCAL = f"{_PARSER}Term.letRecDecl"
_BODIES = {_SIMPLE_BODY: 2, f"{_PARSER}Term.matchAltsWhereDecls": 1, f"{_PARSER}Command.whereStructInst": 2, _LOCAL: 3}
"""Bodies, and which of their children is the first of those that may be missing: termination hints, a `where` block."""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A piece of syntax: its kind, and what it is made of."""

    kind: str
    children: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name in the text, however it is quoted."""

    name: str


Tree = TreeNode | Identifier | str | None
"""A string is a keyword, a symbol or a literal; None is what a parser missed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two commands differ though there is no sorry, in words."""

    words: str


@dataclass(frozen=True, slots=True)
class Fillings:
    """What stands in a patched command where the original has sorries.

    Attributes:
        parts: in the order of the text.
        replaces: whether tactics before a sorry were replaced with it.
    """

    parts: tuple[Tree, ...]
    replaces: bool = False


def tree_of(value: Any) -> Tree:
    """A tree as the server writes it: a list is a node, an object an identifier, a string an atom.

    Raises:
        MalformedReply: it is something else.
    """
    match value:
        case None | str():
            return value
        case {"ident": str(name)}:
            return Identifier(name)
        case [str(kind), *children]:
            return TreeNode(kind, tuple(map(tree_of, children)))
    raise MalformedReply("Lean answered something that is not a syntax tree", where=str(value)[:200])


def subtrees(tree: Tree) -> Iterator[Tree]:
    """A tree and everything in it, in the order of the text."""
    todo = [tree]
    while todo:
        one = todo.pop()
        yield one
        if isinstance(one, TreeNode):
            todo.extend(reversed(one.children))


def fillings(original: Tree, patched: Tree) -> Fillings | Difference:
    """What stands in the patched command where the original has a sorry.

    A hole is a `sorry` term, `by` with nothing but a sorry, or the tactic sequence that a sorry stands in. A body with
    a hole may be given equations instead, a `where` block and termination hints, which are then fillings, too; no
    lemma of such a block has a name that the rest of the body speaks of.
    """
    found: list[tuple[Tree, Tree]] = []
    different = _walk(original, patched, found)
    return different or Fillings(tuple(part for _, part in found), not all(_keeps(*pair) for pair in found))


def has_sorry(tree: Tree) -> bool:
    """Whether a sorry is written somewhere in it."""
    return any(_is_term_hole(one) or _is_sorry_tactic(one) for one in subtrees(tree))


def text_of(tree: Tree, limit: int = 60) -> str:
    """The tokens of a tree with spaces between them, for messages."""
    words = (
        one.name if isinstance(one, Identifier) else one for one in subtrees(tree) if not isinstance(one, TreeNode)
    )
    text = " ".join(word for word in words if word and word != _NO_NAME)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _walk(original: Tree, patched: Tree, found: list[tuple[Tree, Tree]]) -> Difference | None:
    if _is_hole(original):
        found.append((original, patched))
        # A sequence stays a sequence, so that nothing that follows it is read as a part of it.
        if _is(original, _SEQUENCE) and not _is(patched, _SEQUENCE):
            return _different(original, patched)
        return None if patched is not None else _different(original, patched)
    if not isinstance(original, TreeNode) or not isinstance(patched, TreeNode):
        return None if original == patched else _different(original, patched)
    first = _BODIES.get(original.kind)
    if first is not None and any(map(has_sorry, original.children[:first])):
        return _walk_body(original, patched, first, found)
    if original.kind != patched.kind or len(original.children) != len(patched.children):
        return _different(original, patched)
    for before, after in zip(original.children, patched.children, strict=True):
        if different := _walk(before, after, found):
            return different
    return None


def _walk_body(original: TreeNode, patched: TreeNode, first: int, found: list[tuple[Tree, Tree]]) -> Difference | None:
    body = original.children[first - 1]
    if patched.kind == _EQUATIONS and _is_hole(body) and _nothing(*original.children[first:]):
        found.append((body, patched))
        return None
    if patched.kind != original.kind or len(patched.children) != len(original.children):
        return _different(original, patched)
    for index, (before, after) in enumerate(zip(original.children, patched.children, strict=True)):
        if index >= first and _nothing(before) and not _nothing(after):
            if spoken_of := _locals(after) & set(_kept_words(body)):
                return Difference(f"the local lemma `{min(spoken_of)}` has a name that the original speaks of")
            found.append((before, after))
        elif different := _walk(before, after, found):
            return different
    return None


def _locals(block: Tree) -> set[str]:
    """Names of the local lemmas of a `where` block."""
    lemmas = [
        one.children[_BODIES[_LOCAL] - 1] for one in subtrees(block) if isinstance(one, TreeNode) and one.kind == _LOCAL
    ]
    names = (next((one.name for one in subtrees(lemma) if isinstance(one, Identifier)), "") for lemma in lemmas)
    return set(names)


def _kept_words(tree: Tree) -> Iterator[str]:
    """The names that stand beside the holes of a tree, each with all that it begins with."""
    if _is_hole(tree):
        return
    if isinstance(tree, Identifier):
        yield from accumulate(tree.name.split("."), "{}.{}".format)
    elif isinstance(tree, TreeNode):
        for one in tree.children:
            yield from _kept_words(one)


def _is_hole(tree: Tree) -> bool:
    return _is_term_hole(tree) or _is_sorry_tactic(tree) or _is_open_sequence(tree) or _is_by_sorry(tree)


def _is_term_hole(tree: Tree) -> bool:
    if isinstance(tree, TreeNode) and tree.kind == f"{_PARSER}Term.app":
        return _names_sorry(*tree.children[:1])
    return _is(tree, SORRY_TERM) or _names_sorry(tree)


def _names_sorry(tree: Tree = None) -> bool:
    if isinstance(tree, TreeNode) and tree.kind == f"{_PARSER}Term.explicit" and tree.children:
        tree = tree.children[-1]
    return isinstance(tree, Identifier) and tree.name.removeprefix("_root_.") == "sorryAx"


def _is_sorry_tactic(tree: Tree) -> bool:
    return isinstance(tree, TreeNode) and tree.kind in SORRY_TACTICS


def _is_by_sorry(tree: Tree) -> bool:
    if not isinstance(tree, TreeNode) or tree.kind != _BY or not tree.children:
        return False
    tactics = _tactics(tree.children[-1])
    return bool(tactics) and all(map(_is_sorry_tactic, tactics))


def _is_open_sequence(tree: Tree) -> bool:
    return _is(tree, _SEQUENCE) and any(map(_is_sorry_tactic, _tactics(tree)))


def _keeps(original: Tree, patched: Tree) -> bool:
    """Whether the tactics before a sorry are still there."""
    if not _is_open_sequence(original):
        return True
    kept = list(takewhile(lambda tactic: not _is_sorry_tactic(tactic), _tactics(original)))
    return list(_tactics(patched))[: len(kept)] == kept


def _tactics(sequence: Tree) -> Sequence[Tree]:
    """The tactics of a sequence, with or without braces."""
    if not isinstance(sequence, TreeNode) or sequence.kind != _SEQUENCE:
        return (sequence,)
    inner = sequence.children[0] if sequence.children else None
    listed = next((c for c in inner.children if _is(c, "null")), None) if isinstance(inner, TreeNode) else None
    found = listed.children if isinstance(listed, TreeNode) else ()
    return [one for one in found if isinstance(one, TreeNode) and one.kind != "null"]


def _is(tree: Tree, kind: str) -> bool:
    return isinstance(tree, TreeNode) and tree.kind == kind


def _nothing(*trees: Tree) -> bool:
    """Whether no word of the text stands in them."""
    return all(isinstance(one, TreeNode) or one is None for tree in trees for one in subtrees(tree))


def _different(original: Tree, patched: Tree) -> Difference:
    before, after = (f"`{text}`" if (text := text_of(one)) else "nothing" for one in (original, patched))
    return Difference(f"{after} stands where the original has {before}")
