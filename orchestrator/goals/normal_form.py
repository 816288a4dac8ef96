"""Canonical form of a goal's text, and the hash under which the ledger knows the goal. Pure.

Two texts have the same normal form when they differ only in white space, `case` lines, the names of hypotheses and of
bound variables, the order of hypotheses, the order of implicit binders that stand side by side behind a ∀, and the
numbers of metavariables. A name is renamed only when a hypothesis declares it or a known binder binds it, and never
when it may be a constant; where that is in doubt, two texts of one goal get two hashes. What Lean's printer leaves out
we cannot see, and a word of somebody's notation that is spelled like a hypothesis is taken for it, unless it touches
the notation's symbols (`→o`, `=O[l]`, `C(X, Y)`, `R[X]`).
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile

from orchestrator.goals.binders import ScopeReader, TooDeep, sort_implicit
from orchestrator.goals.canonical_order import GoalLineWords, Word, canonical_labels
from orchestrator.goals.hypotheses import split_goal
from orchestrator.goals.names import Atom, NameReader, Notes, Variable
from orchestrator.goals.tokens import Token, TokenKind, tokenize

VERSION = 1
"""Part of every hash: to be raised whenever a normal form changes."""

MAX_ORDERS = 64
"""How many orders of look-alike hypotheses are compared before the first best is taken."""

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def normalize(text: str) -> str:
    """The canonical form of a goal, or of several separated by blank lines, which keep their order. Never raises."""
    text = textwrap.dedent(text.replace("\r\n", "\n")).strip("\n")
    blocks = _BLANK_LINE.split(text)
    return "\n\n".join(_normalize_one(block, alone=len(blocks) == 1) for block in blocks)


@lru_cache(maxsize=2048)
def goal_hash(text: str) -> str:
    """SHA-256 of the normal form and of the version of this algorithm, 64 hex digits."""
    return hashlib.sha256(f"goal {VERSION}\n{normalize(text)}".encode("utf-8", "surrogatepass")).hexdigest()


def hypothesis_names(text: str) -> tuple[str, ...]:
    """The names of a goal's hypotheses in the order of the normal form.

    Goals with the same normal form have as many, and like hypotheses stand at the same index. () for several goals, and
    where the normal form does without binders.
    """
    text = textwrap.dedent(text.replace("\r\n", "\n")).strip("\n")
    if len(_BLANK_LINE.split(text)) != 1:
        return ()
    try:
        declared, _, target, notes = _read(text, alone=True, with_binders=True)
    except TooDeep:
        return ()
    _, _, labels = _numbered(declared, target, notes)
    by_label = sorted(range(len(declared)), key=labels.__getitem__)
    return tuple(declared[index][0].spelling for index in by_label)


def _normalize_one(text: str, *, alone: bool) -> str:
    try:
        return _print(*_read(text, alone=alone, with_binders=True))
    except TooDeep:
        return _print(*_read(text, alone=alone, with_binders=False))


Declared = Sequence[tuple[Variable, list[Atom]]]


def _read(text: str, *, alone: bool, with_binders: bool) -> tuple[Declared, str, list[Atom], Notes]:
    """Hypotheses, turnstile and target of one goal, and what was noted on the way."""
    notes = Notes()
    scope: dict[str, Variable] = {}
    declared: list[tuple[Variable, list[Atom]]] = []
    hypotheses, turnstile, target = split_goal(text)

    def read(tokens: Sequence[Token]) -> list[Atom]:
        if not with_binders:
            return NameReader(tokens, scope, notes).read_flat()
        return ScopeReader(tokens, scope, notes).read()

    for hypothesis in hypotheses:
        tokens = tokenize(hypothesis)
        names = [token.text for token in takewhile(lambda token: token.kind is TokenKind.NAME, tokens)]
        if not names or len(names) == len(tokens) or tokens[len(names)].text != ":":
            names = [""]  # not a line of Lean's: a statement without a name
        start = len(names) if names[0] else 0
        variables = [notes.new_variable(name, is_hypothesis=True) for name in names]
        declared += [(variable, read(tokens[start:])) for variable in variables]
        scope.update(zip(names, variables, strict=True))
    target_atoms = read(tokenize(target))
    notes.settle()
    if not alone:
        notes.frozen.update(notes.metavariables)  # several goals may share them
    if with_binders:
        declared = [(variable, sort_implicit(atoms, notes.frozen)) for variable, atoms in declared]
        target_atoms = sort_implicit(target_atoms, notes.frozen)
    return declared, turnstile, target_atoms, notes


def _numbered(
    declared: Declared, target: list[Atom], notes: Notes
) -> tuple[list[GoalLineWords], GoalLineWords, list[int]]:
    """The hypotheses and the target as lines, and the canonical number of each hypothesis and metavariable."""
    number = {variable: index for index, (variable, _) in enumerate(declared)}
    number |= {meta: index for index, meta in enumerate(notes.metavariables.values(), len(declared))}
    ordered = notes.order_matters or any(not variable.spelling for variable, _ in declared)
    lines = [
        GoalLineWords(
            words=tuple(_words(atoms, number, notes.frozen)),
            name=variable.spelling if variable.spelling in notes.frozen else "",
            needs=frozenset(range(index) if ordered else (number[a] for a in atoms if a in number and a.is_hypothesis)),
        )
        for index, (variable, atoms) in enumerate(declared)
    ]
    goal = GoalLineWords(tuple(_words(target, number, notes.frozen)))
    return lines, goal, canonical_labels(lines, goal, metavariables=len(notes.metavariables), limit=MAX_ORDERS)


def _print(declared: Declared, turnstile: str, target: list[Atom], notes: Notes) -> str:
    lines, goal, labels = _numbered(declared, target, notes)

    def name(index: int) -> str:
        if index >= len(lines):
            return f"?{labels[index] - len(lines)}"
        return lines[index].name or f"#{labels[index]}"

    def body(line: GoalLineWords) -> str:
        return " ".join(word if isinstance(word, str) else name(word) for word in line.words)

    by_label = sorted(range(len(lines)), key=labels.__getitem__)
    return "\n".join([*(f"{name(i)} {body(lines[i])}" for i in by_label), f"{turnstile or '⊢'} {body(goal)}"])


def _words(atoms: Sequence[Atom], number: dict[Variable, int], frozen: set[str]) -> list[Word]:
    """Atoms as text, hypotheses and metavariables as numbers, bound variables counted by first appearance."""
    bound: dict[Variable, int] = {}
    words: list[Word] = []
    for atom in atoms:
        if isinstance(atom, str):
            words.append(atom)
        elif atom.spelling in frozen:
            words.append(atom.spelling)
        elif atom in number:
            words.append(number[atom])
        else:
            words.append(f"%{bound.setdefault(atom, len(bound))}")
    return words
