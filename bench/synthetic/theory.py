"""A synthetic theory: a piece of Lean with theorems whose proofs are known because both were made together."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bench.renaming import NAMES

VARIABLES = {
    **NAMES,
    "constant": (
        *("double", "total", "size", "count", "sum", "height", "mirror", "swap", "eval", "rev", "app", "len", "go"),
        *("step", "turn", "twice", "acc", "weight", "depth", "walk", "norm", "gather", "join", "scale", "foo", "bar"),
    ),
    "type": ("Tree", "Term", "Shape", "Path", "Expr", "Bush", "Chain", "Code", "Form", "Stack", "Wood", "Cell"),
    "constructor": (
        *("leaf", "node", "nil", "cons", "tip", "bin", "lit", "neg", "add", "mul", "pair", "one", "unit", "fork"),
        *("snoc", "mk", "last", "more", "up", "both", "base", "push", "link", "join2"),
    ),
}
"""Names by what they stand for."""


@dataclass(frozen=True, slots=True)
class Theorem:
    """A statement and its proof.

    Attributes:
        statement: binders, a colon and the claim, without `theorem` and its name.
        proof: the lines of the tactic block.
    """

    statement: str
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Theory:
    """Definitions, and theorems about them. `text` is one Lean file that Lean accepts as it is."""

    theorems: tuple[Theorem, ...]
    context: str = ""

    def text(self, prefix: str) -> str:
        """The file, its theorems called `<prefix>_0`, `<prefix>_1`, …"""
        parts = [textwrap.dedent(self.context).strip("\n")] if self.context else []
        for number, theorem in enumerate(self.theorems):
            proof = textwrap.indent("\n".join(theorem.proof), "  ")
            parts.append(f"theorem {prefix}_{number} {theorem.statement} := by\n{proof}")
        return "\n\n".join(parts) + "\n"


class Names:
    """Hands out names, none twice.

    Args:
        dice: the source of chance.
    """

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._taken: set[str] = set()

    def fresh(self, kind: str) -> str:
        """A name of a kind of `VARIABLES` that was not handed out yet."""
        left = [name for name in VARIABLES[kind] if name not in self._taken]
        name = self._dice.choice(left) if left else f"{VARIABLES[kind][0]}{len(self._taken)}"
        self._taken.add(name)
        return name

    def several(self, kind: str, count: int) -> list[str]:
        """`count` names of a kind."""
        return [self.fresh(kind) for _ in range(count)]


def bullets(*blocks: Sequence[str]) -> list[str]:
    """Each block behind a bullet of its own."""
    return [("  " if number else "· ") + line for block in blocks for number, line in enumerate(block)]


def alternatives(head: str, *cases: tuple[str, Sequence[str]]) -> list[str]:
    """`head` (up to `with`) with an alternative for each (pattern, lines)."""
    lines = [head]
    for pattern, block in cases:
        lines += [f"| {pattern} =>", *(f"  {line}" for line in block)]
    return lines
