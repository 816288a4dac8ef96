"""What can be seen of one premise by itself: how it is named, how long it is, what it concludes. Pure."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from orchestrator.premises.retrieval import Premise

TRAITS = (
    "length",
    "name_length",
    "depth",
    "joints",
    "instances",
    "functions",
    "order",
    "equation",
    "partial",
    "constants",
    "primed",
    "core",
    "spread",
)
"""Names of what `traits` answers, in its order."""

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W_a-zA-Z\d]+")
_PIECE = re.compile(r"[\[\](){}⟨⟩]|[^\s\[\](){}⟨⟩]+")
_OPENING, _CLOSING = "([{⟨", ")]}⟩"
_CORE = frozenset({"Init.Prelude", "Init.Core"})
# The loosest first: what stands outermost in a conclusion is its relation.
_RELATIONS = {"↔": "↔", "∨": "∨", "∧": "∧", "=": "=", "≠": "≠", "≤": "≤", "<": "<", "≥": "≤", ">": "<", "∣": "∣"}
_MEMBERSHIP = {"∈": "∈", "∉": "∈"}
RELATIONS = ("", *dict.fromkeys((*_RELATIONS.values(), *_MEMBERSHIP.values())), "∃", "¬")
"""What `relation` answers."""


@lru_cache(maxsize=200_000)
def parts(name: str) -> tuple[str, ...]:
    """The words in a name, in lower case: `Nat.dvd_of_mulLeft` → nat, dvd, of, mul, left."""
    return tuple(word.lower() for word in _PART.findall(name))


def last(name: str) -> str:
    """The last component: `Nat.add_comm` → add_comm."""
    return name.rpartition(".")[2]


def root(name: str) -> str:
    """The first component of a name that has several, else "": what `Nat.add_comm` is about is `Nat`."""
    return name.partition(".")[0] if "." in name else ""


def conclusion(statement: str) -> str:
    """What stands behind the binders and hypotheses of a statement."""
    depth, start = 0, 0
    for position, char in enumerate(statement):
        if char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
        elif depth == 0 and (char == "→" or (char == "," and statement[start:].lstrip().startswith("∀"))):
            start = position + 1
    return statement[start:].strip()


def relation(statement: str) -> str:
    """The outermost relation of what a statement concludes, one of `RELATIONS`; ≥ counts as ≤, ∉ as ∈."""
    end = conclusion(statement)
    depth, found = 0, set()
    for piece in _PIECE.findall(end):
        if piece in _OPENING:
            depth += 1
        elif piece in _CLOSING:
            depth -= 1
        elif depth == 0:
            found.add(piece)
    for sign, name in (*_RELATIONS.items(), *_MEMBERSHIP.items()):
        if sign in found:
            return name
    return end[:1] if end[:1] in ("∃", "¬") else ""


def traits(premise: Premise, spread: int) -> tuple[float, ...]:
    """The `TRAITS` of a premise; `spread` premises share the last component of its name."""
    statement, name = premise.statement, last(premise.name)
    end = conclusion(statement)
    return (
        math.log1p(len(statement)),
        math.log1p(len(premise.name)),
        premise.name.count("."),
        name.count("_"),
        min(statement.count("[inst") + statement.count("[Lawful"), 3),
        "fun " in statement,
        " ≤ " in end or " < " in end,
        " = " in end,
        "?" in name or "!" in name,
        math.log1p(len(set(premise.mentions))),
        name.endswith("'"),
        premise.module in _CORE,
        math.log(max(1, spread)),
    )
