"""Statements of a project's own declarations, read from the canonical text of their types. Pure.

The text is written by the server (`exprText`): a line for each distinct subterm, numbered from 0, and the number of the
whole term at its end. Binders have no names there, so the statement has made-up ones; it is for rankers, models and
people, not for Lean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count

from orchestrator.goals.terms import read_line
from orchestrator.premises.symbols import INFIX

_INFIX = {name: sign for sign, name in INFIX.items()}
_BINDERS = {"d": ("(", ")"), "i": ("{", "}"), "s": ("{", "}"), "c": ("[", "]")}
_QUANTIFIED = re.compile(r"f (\d+) (\d+)([disc])|l (\d+) (\d+)([disc])")
_LONGEST = 4000


def constants_in(canonical: str) -> tuple[str, ...]:
    """Full names of the constants in a term, in order of occurrence."""
    return tuple(dict.fromkeys(line.split(" ")[1] for line in canonical.split("\n") if line.startswith("c ")))


def is_proposition_former(canonical: str) -> bool:
    """Whether the term is the type of an inductive predicate: it ends in `Prop`."""
    return "u 0" in canonical.split("\n")


def is_induction_principle(canonical: str) -> bool:
    """Whether the term says that a motive holds of anything, given that it does in some cases: `∀ n, p n` from `p 0`
    and `∀ n, p n → p (n + 1)`.

    What only carries a motive from one given thing to another, as `a = b → p a → p b` does, is none.
    """
    lines = canonical.split("\n")
    try:
        types, head, targets = _telescope(lines, int(lines[-1].removeprefix("= ")))
        motive = _binder(lines[head], len(types))
        if motive is None or not targets or any(_binder(lines[one], len(types)) is None for one in targets):
            return False
        if not lines[_telescope(lines, types[motive])[1]].startswith("u "):
            return False
        return any(_is_case(lines, typ, place, motive) for place, typ in enumerate(types))
    except (IndexError, ValueError):
        return False


def _is_case(lines: Sequence[str], number: int, place: int, motive: int) -> bool:
    """Whether the type of the binder at `place` says that the motive holds of something that is not given in front."""
    types, head, arguments = _telescope(lines, number)
    depth = place + len(types)
    given = range(place)
    return _binder(lines[head], depth) == motive and any(_binder(lines[one], depth) not in given for one in arguments)


def _telescope(lines: Sequence[str], number: int) -> tuple[list[int], int, list[int]]:
    """The types of a type's binders, the head of what stands behind them, and its arguments, as numbers of lines."""
    types, arguments = list[int](), list[int]()
    while lines[number].startswith("f "):
        _, (typ, number) = read_line(lines[number])
        types.append(typ)
    while lines[number].startswith("a "):
        _, (number, argument) = read_line(lines[number])
        arguments.insert(0, argument)
    return types, number, arguments


def _binder(line: str, depth: int) -> int | None:
    """Which of the `depth` binders in front a bound variable is, counted from 0; None for anything else."""
    index = int(line[2:]) if line.startswith("b ") else depth
    return depth - 1 - index if index < depth else None


def statement_of(canonical: str) -> str:
    """A type as people would write it, as far as the text tells; "" for one that is too long or no such text."""
    lines = canonical.split("\n")
    if not lines[-1].startswith("= "):
        return ""
    try:
        return _Printer(lines).text(int(lines[-1][2:]), [], tight=False)
    except (IndexError, ValueError, RecursionError):
        return ""


class _Printer:
    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._left = _LONGEST

    def text(self, number: int, names: list[str], *, tight: bool = True) -> str:
        """A subterm under the given binder names, the innermost last; in parentheses where `tight` needs them."""
        self._spend()
        line = self._lines[number]
        if binder := _QUANTIFIED.fullmatch(line):
            written = self._binder(binder, names)
        elif line.startswith("a "):
            written = self._application(number, names)
        else:
            return self._atom(line, names)
        return f"({written})" if tight and " " in written else written

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ValueError("too long")

    def _atom(self, line: str, names: list[str]) -> str:
        kind, _, rest = line.partition(" ")
        if kind == "b":
            return names[-1 - int(rest)]
        if kind == "u":
            return "Prop" if rest == "0" else "Type"
        if kind in ("n", "t"):
            return rest
        return rest.split(" ")[0] if kind == "c" else "_"

    def _binder(self, binder: re.Match[str], names: list[str]) -> str:
        first = 1 if binder[1] is not None else 4
        typ, body, kind = binder[first], binder[first + 1], binder[first + 2]
        name = next(name for n in count(len(names) + 1) if (name := f"x{n}") not in names)
        inner = self.text(int(body), [*names, name], tight=False)
        if binder.string.startswith("l "):
            return f"fun {name} => {inner}"
        if kind == "d" and re.search(rf"\b{name}\b", inner) is None:
            return f"{self.text(int(typ), names)} → {inner}"
        opening, closing = _BINDERS[kind]
        bound = f"∀ {opening}{name} : {self.text(int(typ), names, tight=False)}{closing}"
        return f"{bound} {inner[2:]}" if inner.startswith("∀ ") else f"{bound}, {inner}"

    def _application(self, number: int, names: list[str]) -> str:
        arguments: list[int] = []
        while (line := self._lines[number]).startswith("a "):
            self._spend()
            _, function, argument = line.split(" ")
            arguments.insert(0, int(argument))
            number = int(function)
        head = self._lines[number].split(" ")
        name = head[1] if head[0] == "c" else ""
        if name == "OfNat.ofNat" and len(arguments) == 3:
            return self.text(arguments[1], names)
        if name == "Not" and len(arguments) == 1:
            return f"¬{self.text(arguments[0], names)}"
        if name == "Membership.mem" and len(arguments) == 5:
            return f"{self.text(arguments[4], names)} ∈ {self.text(arguments[3], names)}"
        if name in _INFIX and len(arguments) >= 2:
            left, right = (self.text(argument, names) for argument in arguments[-2:])
            return f"{left} {_INFIX[name]} {right}"
        written = [self.text(argument, names) for argument in arguments]
        return " ".join([self.text(number, names), *written])
