"""A goal as Lean's elaborated terms, node by node, with implicit binders in a canonical order. Pure.

Lean writes each different subterm as a line: a letter for what it is, then the numbers of the lines of its parts.
Bound variables are de Bruijn indices, so no binder's name is left; notation, opened namespaces and printer options
never were in a term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

_IMPLICIT = ("f i", "f s", "f c")


@dataclass(frozen=True, slots=True)
class TermHypothesis:
    """A hypothesis: its name, and the lines of its type and, where it is a local definition, of its value.

    `hidden` ones are the elaborator's own, which Lean does not print.
    """

    name: str
    type: int
    value: int | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class GoalTerms:
    """One goal, in lines that stand for terms; a line speaks of earlier lines only.

    Lines: `b` bound variable, `v` hypothesis by number, `?` metavariable, `u` sort, `c` constant, `n` and `t` literals,
    `a` application, `l` λ, `f` ∀, `z` let, `j` projection, `P` a proof by its statement, `S` a sorry by its type.
    """

    hypotheses: tuple[TermHypothesis, ...]
    target: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TermNode:
    """A term: what it is, its parts, and how many of the innermost binders around it its loose variables reach."""

    head: str
    parts: tuple[int, ...] = ()
    loose: int = 0

    @property
    def binds(self) -> bool:
        """The last part stands under one binder more than the term itself."""
        return self.head[0] in "lfz"

    @property
    def index(self) -> int:
        """Of a bound variable: how many binders stand between."""
        return int(self.head[2:])


class Terms:
    """Terms by number, equal terms under one number. Raises ValueError: the lines are not what Lean writes."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.nodes: list[TermNode] = []
        self._numbers: dict[tuple[str, tuple[int, ...]], int] = {}
        self._of_line: list[int] = []
        for line in lines:
            head, parts = read_line(line)
            if any(part >= len(self._of_line) for part in parts):
                raise ValueError(f"a term speaks of a later one: {line}")
            number = self._make(head, tuple(self._of_line[part] for part in parts))
            self._of_line.append(self._sorted(number) if head in _IMPLICIT else number)

    def of_line(self, line: int) -> int:
        """The term that a line stands for."""
        return self._of_line[line]

    def _make(self, head: str, parts: tuple[int, ...]) -> int:
        known = self._numbers.get((head, parts))
        if known is not None:
            return known
        node = TermNode(head, parts)
        if head[0] == "b":
            loose = node.index + 1
        else:
            reaches = [self.nodes[part].loose for part in parts]
            if node.binds:
                reaches[-1] = max(0, reaches[-1] - 1)
            loose = max(reaches, default=0)
        self.nodes.append(TermNode(head, parts, loose))
        return self._numbers.setdefault((head, parts), len(self.nodes) - 1)

    def _sorted(self, number: int) -> int:
        """The implicit binders that stand side by side at the front of a ∀, each behind those it mentions."""
        heads, types = list[str](), list[int]()
        body = number
        while self.nodes[body].head in _IMPLICIT:
            heads.append(self.nodes[body].head)
            types.append(self.nodes[body].parts[0])
            body = self.nodes[body].parts[1]
        needs = [{i - 1 - j for j in self._mentioned(one) if j < i} for i, one in enumerate(types)]
        rank: dict[int, int] = {}
        while len(rank) < len(types):
            ready = [i for i, needed in enumerate(needs) if i not in rank and needed <= rank.keys()]
            chosen = min(ready, key=lambda i: (heads[i], self._shape(types[i], i, rank)))
            rank[chosen] = len(rank)
        if all(one < other for one, other in pairwise(rank)):
            return number
        count = len(types)
        # Of the binders around the whole run, the nearest stands behind all that are in front of the term.
        result = self._renamed(body, lambda j: count - 1 - rank[count - 1 - j] if j < count else j)
        for old, new in reversed(rank.items()):
            moved = self._renamed(types[old], partial(_moved, old, new, rank))
            result = self._make(heads[old], (moved, result))
        return result

    def _mentioned(self, number: int) -> set[int]:
        """Loose variables of a term."""
        found: set[int] = set()
        seen: set[tuple[int, int]] = set()
        todo = [(number, 0)]
        while todo:
            one, depth = todo.pop()
            node = self.nodes[one]
            if node.loose <= depth or (one, depth) in seen:
                continue
            seen.add((one, depth))
            if node.head[0] == "b":
                found.add(node.index - depth)
            todo += self._inner(node, depth)
        return found

    def _inner(self, node: TermNode, depth: int) -> list[tuple[int, int]]:
        """The parts of a term that stands under `depth` binders, with how many each of them stands under."""
        last = len(node.parts) - 1
        return [(part, depth + (node.binds and rank == last)) for rank, part in enumerate(node.parts)]

    def _renamed(self, number: int, new: Callable[[int], int]) -> int:
        """The term with its loose variables renamed."""
        made: dict[tuple[int, int], int] = {}
        todo = [(number, 0)]
        while todo:
            key = one, depth = todo[-1]
            node = self.nodes[one]
            if key in made or node.loose <= depth:
                made[key] = made.get(key, one)
                todo.pop()
            elif node.head[0] == "b":
                made[key] = self._make(f"b {new(node.index - depth) + depth}", ())
            else:
                inner = self._inner(node, depth)
                missing = [one for one in inner if one not in made]
                if missing:
                    todo += missing
                else:
                    made[key] = self._make(node.head, tuple(made[one] for one in inner))
        return made[number, 0]

    def _shape(self, number: int, before: int, rank: dict[int, int]) -> list[str]:
        """A binder's type as words that depend neither on hypotheses nor on where the binder stood."""
        words = list[str]()
        numbers: dict[tuple[int, int], int] = {}
        todo = [(number, 0)]
        while todo:
            key = one, depth = todo.pop()
            if key in numbers:
                words.append(f"={numbers[key]}")
                continue
            numbers[key] = len(numbers)
            node = self.nodes[one]
            if node.head[0] in "v?":
                words.append("*")
            elif node.head[0] == "b" and node.index >= depth:
                loose = node.index - depth
                words.append(f"${rank[before - 1 - loose]}" if loose < before else f"^{loose - before}")
            else:
                words.append(node.head)
            todo += reversed(self._inner(node, depth))
        return words


def _moved(old: int, new: int, rank: Mapping[int, int], index: int) -> int:
    """A variable in the type of a binder that moves from position `old` of its run to `new`."""
    return new - 1 - rank[old - 1 - index] if index < old else index - old + new


def read_line(line: str) -> tuple[str, tuple[int, ...]]:
    """What a line is, and the lines it speaks of."""
    words = line.split(" ")
    kind = words[0]
    match kind:
        case "a" | "z":
            return kind, tuple(map(int, words[1:]))
        case "l":  # how a λ takes its argument is a matter of how it is written
            return kind, (int(words[1]), int(words[2][:-1]))
        case "f":
            return f"f {words[2][-1]}", (int(words[1]), int(words[2][:-1]))
        case "j":
            start, part = line.rsplit(" ", 1)
            return start, (int(part),)
        case "P" | "S" | "M" if len(words) > 1:
            return " ".join([kind, *words[2:]]), (int(words[1]),)
        case "b" | "v" | "?" | "!" | "u" | "c" | "n" | "t" | "M" | "S":
            return line, ()
    raise ValueError(f"no line of a term: {line[:40]!r}")
