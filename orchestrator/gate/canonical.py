"""The texts that terms are compared by (`Fingerprint.type` and `value`): one numbered line for each subterm. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def _number(line: str) -> int:
    return int(line.removeprefix("= "))
