"""Which goal this is, from its elaborated terms: the same for every wording, name and order of hypotheses. Pure.

Two goals have the same identity when their terms are the same up to the names of hypotheses, bound variables and
universes, the numbers of metavariables, and the order of hypotheses and of implicit binders that stand side by side.
Goals that print alike and mean different things have different terms. Where very many hypotheses look alike the order
given may show through, which costs a match and never makes one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from orchestrator.goals.canonical_order import GoalLineWords, Word, canonical_labels
from orchestrator.goals.goal import Identity
from orchestrator.goals.normal_form import MAX_ORDERS
from orchestrator.goals.terms import GoalTerms, Terms

VERSION = 1
"""Part of every identity: to be raised whenever the same terms would give another text."""

_UNKNOWN_LEVEL = re.compile(r"\(([p?]) ([^()\s]+)\)")


def identity_of(states: Sequence[GoalTerms]) -> Identity | None:
    """The identity of a sorry, from each state in which it is reached; None without one, or when it cannot be read."""
    try:
        found = list(dict.fromkeys(_one(state) for state in states))
    except (ValueError, IndexError):
        return None
    if not found:
        return None
    text = "\n\n".join(printed for printed, _ in found)
    digest = hashlib.sha256(f"elaborated goal {VERSION}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()
    return Identity(digest, found[0][1] if len(found) == 1 else ())


def _one(state: GoalTerms) -> tuple[str, tuple[str, ...]]:
    """The canonical text of a goal, and its hypotheses' names in canonical order."""
    terms = Terms(state.lines)
    writer = _Writer(terms, len(state.hypotheses))
    written = [writer.write([one.type] if one.value is None else [one.type, one.value]) for one in state.hypotheses]
    target = writer.write([state.target])
    kept = _shown(state, written, target)
    position = {old: new for new, old in enumerate(kept)}
    unknowns = len(writer.unknowns)
    shift = len(kept) - len(state.hypotheses)

    def line(words: Sequence[Word]) -> GoalLineWords:
        new = [w if isinstance(w, str) else position[w] if w in position else w + shift for w in words]
        return GoalLineWords(tuple(new), needs=frozenset(w for w in new if isinstance(w, int) and w < len(kept)))

    lines = [line(written[old]) for old in kept]
    goal = line(target)
    labels = canonical_labels(lines, goal, metavariables=unknowns, limit=MAX_ORDERS)
    by_label = sorted(range(len(lines)), key=labels.__getitem__)

    def text(one: GoalLineWords) -> str:
        return "".join(word if isinstance(word, str) else f"#{labels[word]}" for word in one.words)

    printed = "\n".join([*(text(lines[index]) for index in by_label), f"⊢ {text(goal)}"])
    return printed, tuple(state.hypotheses[kept[index]].name for index in by_label)


def _shown(state: GoalTerms, written: Sequence[Sequence[Word]], target: Sequence[Word]) -> list[int]:
    """Hypotheses by number, without hidden ones that nothing speaks of."""
    kept = {number for number, one in enumerate(state.hypotheses) if not one.hidden}
    todo = [target, *(written[number] for number in kept)]
    while todo:
        for word in todo.pop():
            if isinstance(word, int) and word < len(written) and word not in kept:
                kept.add(word)
                todo.append(written[word])
    return sorted(kept)


class _Writer:
    """Terms as words in which only what may be renamed is a number: hypotheses, then other unknowns."""

    def __init__(self, terms: Terms, hypotheses: int) -> None:
        self._terms = terms
        self._hypotheses = hypotheses
        self.unknowns: dict[str, int] = {}

    def write(self, lines: Sequence[int]) -> list[Word]:
        """The terms of some lines, each subterm once, numbered as they come."""
        words: list[Word] = []
        numbers: dict[int, int] = {}
        for line in lines:
            root = self._terms.of_line(line)
            todo = [root]
            while todo:
                node = self._terms.nodes[todo[-1]]
                missing = [part for part in node.parts if part not in numbers]
                if todo[-1] in numbers:
                    todo.pop()
                elif missing:
                    todo += reversed(missing)
                else:
                    self._head(node.head, words)
                    words.append("".join(f" {numbers[part]}" for part in node.parts) + ";")
                    numbers[todo.pop()] = len(numbers)
            words.append(f"={numbers[root]};")
        return _joined(words)

    def _head(self, head: str, words: list[Word]) -> None:
        if head[0] == "v":
            number = int(head[2:])
            if number >= self._hypotheses:
                raise ValueError(f"no such hypothesis: {number}")
            words += ["v", number]
        elif head[0] == "?":
            words += ["?", self._unknown(head)]
        elif head[0] in "ucP":
            end = 0
            for found in _UNKNOWN_LEVEL.finditer(head):
                words += [head[end : found.start()], f"({found[1]} ", self._unknown(found[0]), ")"]
                end = found.end()
            words.append(head[end:])
        else:
            words.append(head)

    def _unknown(self, spelling: str) -> int:
        return self._hypotheses + self.unknowns.setdefault(spelling, len(self.unknowns))


def _joined(words: Sequence[Word]) -> list[Word]:
    """The words with texts that stand side by side made one."""
    joined: list[Word] = []
    for word in words:
        if isinstance(word, str) and joined and isinstance(joined[-1], str):
            joined[-1] += word
        else:
            joined.append(word)
    return joined
