"""Random goals as trees, printed with random names in a random order: the material of the normalisation tests."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from hypothesis import strategies as st

Term = tuple[Any, ...]
"""("hyp", number) | ("bound", binders between) | ("const", name) | ("app", f, x) | (operator, left, right) |
(binder, type, body) | ("if", condition, then, else) | ("let", value, body)"""

OPERATORS = {"∧": 35, "=": 50, "<": 50, "+": 65, "*": 70}
BINDERS = ("∑", "∀", "fun", "∑", "{|}", "∃")
CONSTANTS = ("Nat", "Int", "f", "g", "0")
NAMES = ("a", "x'", "h₁✝¹", "hx.left", "n")


@dataclass(frozen=True)
class Tree:
    """Hypotheses, each over the ones before it, and a target."""

    hypotheses: tuple[Term, ...]
    target: Term


@st.composite
def terms(draw: st.DrawFn, hypotheses: int, bound: int = 0, *, size: int) -> Term:
    """Terms over so many hypotheses, under so many binders; `size` is how deep they nest."""

    def part(more: int = 0, smaller: int = 1) -> Term:
        return draw(terms(hypotheses, bound + more, size=max(size - smaller, 0)))

    kinds = ["const", *["hyp"] * (2 * bool(hypotheses)), *["bound"] * (3 * bool(bound))]
    kind = draw(
        st.sampled_from(kinds if size == 0 else ["operator", "operator", "binder", "binder", "app", "let", "if"])
    )
    if kind == "const":
        return (kind, draw(st.sampled_from(CONSTANTS)))
    if kind in ("hyp", "bound"):
        return (kind, draw(st.integers(0, (hypotheses if kind == "hyp" else bound) - 1)))
    if kind == "operator":
        # A binder's reach shows on the left of an operator: keep the right side short.
        return (draw(st.sampled_from(sorted(OPERATORS))), part(), part(smaller=3))
    if kind == "binder":
        return (draw(st.sampled_from(BINDERS)), part(smaller=3), part(1))
    if kind == "let":
        return (kind, part(smaller=2), part(1))
    return (kind, part(), part()) if kind == "app" else (kind, part(smaller=2), part(1), part(1, smaller=2))


@st.composite
def trees(draw: st.DrawFn, most: int = 4) -> Tree:
    """Goals with up to `most` hypotheses."""
    count = draw(st.integers(0, most))
    size = draw(st.integers(0, 3))
    return Tree(tuple(draw(terms(i, size=min(size, 1))) for i in range(count)), draw(terms(count, size=size)))


def rename(term: Term, places: dict[int, int]) -> Term:
    """The same term with hypotheses renumbered."""
    if term[0] == "hyp":
        return ("hyp", places[term[1]])
    return tuple(rename(part, places) if isinstance(part, tuple) else part for part in term)


def orders(tree: Tree) -> list[dict[int, int]]:
    """Every renumbering of the hypotheses that keeps each behind those it mentions."""
    count = len(tree.hypotheses)
    found = []
    for order in permutations(range(count)):
        places = dict(enumerate(order))
        if all(places[j] < places[i] for i in range(count) for j in mentioned(tree.hypotheses[i])):
            found.append(places)
    return found


def reordered(tree: Tree, places: dict[int, int]) -> Tree:
    """The same goal with its hypotheses in another order."""
    moved = sorted(range(len(tree.hypotheses)), key=lambda i: places[i])
    return Tree(tuple(rename(tree.hypotheses[i], places) for i in moved), rename(tree.target, places))


def same_goal(one: Tree, other: Tree) -> bool:
    """By brute force: some order of the hypotheses makes them equal."""
    return len(one.hypotheses) == len(other.hypotheses) and any(reordered(one, p) == other for p in orders(one))


def mentioned(term: Term) -> set[int]:
    """The hypotheses that occur in a term."""
    if term[0] == "hyp":
        return {term[1]}
    return {index for part in term if isinstance(part, tuple) for index in mentioned(part)}


class Printer:
    """Prints like Lean does: names at random, a bound name may shadow whatever its body does not mention."""

    def __init__(self, tree: Tree, choose: random.Random) -> None:
        self._choose = choose
        self._tree = tree
        self._names = choose.sample(NAMES, len(tree.hypotheses))

    def text(self) -> str:
        """The goal as text."""
        lines = [f"{self._names[i]} : {self._show(t, ())}" for i, t in enumerate(self._tree.hypotheses)]
        if self._choose.random() < 0.3:
            lines.insert(0, "case inl.intro")
        return "\n".join([*lines, f"⊢ {self._show(self._tree.target, ())}"])

    def _bound_name(self, body: Term, outer: tuple[str, ...]) -> str:
        used = {self._names[i] for i in mentioned(body)} | self._used(body, outer, 1)
        return self._choose.choice([name for name in (*NAMES, "f", "y") if name not in used])

    def _used(self, term: Term, outer: tuple[str, ...], under: int) -> set[str]:
        """Outer bound names and constants in a body."""
        if term[0] == "bound":
            return {outer[term[1] - under]} if term[1] >= under else set()
        if term[0] == "const":
            return {term[1]}
        deeper = [0] * len(term)
        if term[0] in BINDERS or term[0] == "let":
            deeper[2] = 1
        elif term[0] == "if":
            deeper[2] = deeper[3] = 1
        return {
            name
            for part, more in zip(term, deeper, strict=True)
            if isinstance(part, tuple)
            for name in self._used(part, outer, under + more)
        }

    def _show(self, term: Term, outer: tuple[str, ...], floor: int = 0) -> str:
        """Text of a term; in brackets when it binds looser than `floor`."""
        kind = term[0]
        if kind == "hyp":
            return self._names[term[1]]
        if kind == "bound":
            return outer[term[1]]
        if kind == "const":
            return str(term[1])
        text, level = self._compound(term, outer)
        return f"({text})" if level < floor else text

    def _compound(self, term: Term, outer: tuple[str, ...]) -> tuple[str, int]:
        kind = term[0]
        if kind == "app":
            return f"{self._show(term[1], outer, 1000)} {self._show(term[2], outer, 1000)}", 999
        if kind in OPERATORS:
            level = OPERATORS[kind]
            return f"{self._show(term[1], outer, level + 1)} {kind} {self._show(term[2], outer, level + 1)}", level
        if kind == "if":
            name = self._bound_name(("pair", *term[2:]), outer)
            parts = [self._show(term[1], outer), *(self._show(part, (name, *outer), 1) for part in term[2:])]
            return f"if {name} : {parts[0]} then {parts[1]} else {parts[2]}", 0
        name = self._bound_name(term[2], outer)
        first = self._show(term[1], outer, 0)
        if kind == "let":
            return f"let {name} := {first};\n  {self._show(term[2], (name, *outer))}", 0
        if kind == "∑":
            return f"∑ {name} : {first}, {self._show(term[2], (name, *outer), 67)}", 67
        body = self._show(term[2], (name, *outer))
        if kind == "{|}":
            return f"{{{name} : {first} | {body}}}", 1000
        if kind == "fun":
            return f"fun ({name} : {first}) => {body}", 0
        return f"{kind} {name} : {first}, {body}", 0
