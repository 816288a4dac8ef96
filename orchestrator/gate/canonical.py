"""The texts that terms are compared by (`Fingerprint.type` and `value`): one numbered line for each subterm. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestrator.goals.terms import read_line

_CONSTANT = re.compile(r"(?:c|j) ((?:«[^»]*»|[^\s«])+)")


def constants(text: str) -> Iterator[str]:
    """Names of the constants in a term."""
    return (found[1] for line in text.split("\n") if (found := _CONSTANT.match(line)))


def has_data_sorry(text: str) -> bool:
    """Whether data is missing from a term, and not a proof alone."""
    return any(line == "S" or line.startswith("S ") for line in text.split("\n"))


def same_but_for_sorries(original: str, patched: str) -> bool:
    """Whether a term is the original one with something in place of each sorry."""
    before, after = original.split("\n"), patched.split("\n")
    todo = [(_number(before[-1]), _number(after[-1]))]
    seen = set(todo)
    while todo:
        i, j = todo.pop()
        what, below = read_line(before[i])
        if what == "S":
            continue
        other, other_below = read_line(after[j])
        if what != other or len(below) != len(other_below):
            return False
        fresh = {*zip(below, other_below, strict=True)} - seen
        seen |= fresh
        todo.extend(fresh)
    return True


def under_more_binders(original: str, patched: str, *, but_for_sorries: bool = False) -> bool:
    """Whether a term is the original one under more binders at its front, none of which it speaks of further in."""
    before, after = original.split("\n"), patched.split("\n")
    comparison = _UnderBinders(before[:-1], after[:-1], but_for_sorries)
    return comparison.front(_number(before[-1]), _number(after[-1]), (), 0)


_MOST_STEPS = 200_000
_BINDERS = ("f", "l")


class _UnderBinders:
    """Two terms, of which the second has more binders at its front."""

    def __init__(self, before: Sequence[str], after: Sequence[str], but_for_sorries: bool) -> None:
        self._before, self._after = list(map(read_line, before)), list(map(read_line, after))
        self._but_for_sorries = but_for_sorries
        self._steps = 0

    def front(self, i: int, j: int, kept: tuple[int, ...], depth: int) -> bool:
        """Terms under binders: `kept` are those of the second term that the first has, too, of its `depth`."""
        (what, below), (other, other_below) = self._before[i], self._after[j]
        if not other.startswith(_BINDERS):
            return self._same(i, j, kept, depth)
        shared = what == other and self._same(below[0], other_below[0], kept, depth)
        if shared and self.front(below[1], other_below[1], (*kept, depth), depth + 1):
            return True
        return self._steps < _MOST_STEPS and self.front(i, other_below[1], kept, depth + 1)

    def _same(self, i: int, j: int, kept: tuple[int, ...], depth: int) -> bool:
        todo = [(i, j, 0)]
        seen = set(todo)
        while todo:
            self._steps += 1
            i, j, inner = todo.pop()
            (what, below), (other, other_below) = self._before[i], self._after[j]
            if what == "S" and self._but_for_sorries:
                continue
            if what.startswith("b ") and int(what[2:]) >= inner:
                what = f"b {depth + inner - 1 - kept[len(kept) + inner - 1 - int(what[2:])]}"
            if what != other or len(below) != len(other_below) or self._steps > _MOST_STEPS:
                return False
            last = len(below) - 1
            binds = what[0] in "flz"
            parts = enumerate(zip(below, other_below, strict=True))
            fresh = {(a, b, inner + (binds and k == last)) for k, (a, b) in parts}
            todo.extend(fresh - seen)
            seen |= fresh
        return True


def _number(line: str) -> int:
    return int(line.removeprefix("= "))
