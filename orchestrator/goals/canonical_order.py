"""A numbering of a goal's hypotheses that depends neither on their names nor on the order given. Pure.

Colour refinement: hypotheses start out by what they say, and are told apart round by round by what they mention and
where they are mentioned. What still looks alike is told apart by trying each as the first (individualisation), and
the numbering whose printed goal is smallest wins; hypotheses that can be swapped without a trace need no trying.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Word = str | int
"""Text, or the index of a hypothesis or metavariable."""

Colours = tuple[int, ...]


@dataclass(frozen=True)
class GoalLineWords:
    """One hypothesis or the target.

    Attributes:
        name: the hypothesis's name when it may not be renamed, else "".
        needs: indices of the hypotheses that have to stand before this one.
    """

    words: tuple[Word, ...]
    name: str = ""
    needs: frozenset[int] = field(default=frozenset())


def canonical_labels(
    hypotheses: Sequence[GoalLineWords], target: GoalLineWords, *, metavariables: int, limit: int
) -> list[int]:
    """New number of each hypothesis, from 0 and in an order that keeps dependencies, then of each metavariable.

    Args:
        hypotheses: in the order given; words and needs refer to it.
        metavariables: how many there are; their indices follow those of the hypotheses.
        limit: how many complete numberings to compare at most.
    """
    lines = [*hypotheses, *(GoalLineWords(("?",)) for _ in range(metavariables)), target]
    search = _OrderSearch(lines, len(hypotheses), limit)
    search.explore(search.refine((0,) * (len(lines) - 1)))
    return search.best_labels


class _OrderSearch:
    def __init__(self, lines: Sequence[GoalLineWords], hypotheses: int, limit: int) -> None:
        self._lines = lines
        self._hypotheses = hypotheses
        self._left = limit
        self._best: list[tuple[str, ...]] = []
        self._mentioned_in: list[set[int]] = [set() for _ in lines]
        for number, line in enumerate(lines):
            for word in line.words:
                if isinstance(word, int):
                    self._mentioned_in[word].add(number)
        self.best_labels: list[int] = []

    def explore(self, colours: Colours) -> None:
        """Compare the numberings that a stable colouring allows."""
        alike = self._first_class(colours)
        if not alike:
            self._left -= 1
            labels = self._number(colours)
            printed = self._print(labels)
            if not self.best_labels or printed < self._best:
                self._best, self.best_labels = printed, labels
            return
        if all(self._can_swap(alike[0], other) for other in alike[1:]):
            self.explore(self.refine(_told_apart(colours, alike)))
            return
        for count, index in enumerate(alike):
            if not count or self._left > 0:
                self.explore(self.refine(_told_apart(colours, [index])))

    def refine(self, colours: Colours) -> Colours:
        """Split colours by what each hypothesis says and where it is mentioned, until nothing splits any more."""
        while True:
            says = [tuple(f"#{colours[w]}" if isinstance(w, int) else w for w in line.words) for line in self._lines]
            rank = {text: index for index, text in enumerate(sorted(set(says)))}
            mentions: list[dict[int, list[int]]] = [{} for _ in colours]
            for number, line in enumerate(self._lines):
                for position, word in enumerate(line.words):
                    if isinstance(word, int):
                        mentions[word].setdefault(number, []).append(position)
            own = [colours[n] if n < len(colours) else -1 for n in range(len(self._lines))]
            keys = [
                (
                    colours[index],
                    self._lines[index].name,
                    rank[says[index]],
                    sorted(
                        (own[number], rank[says[number]], positions) for number, positions in mentions[index].items()
                    ),
                )
                for index in range(len(colours))
            ]
            order = _ranks(keys)
            if max(order, default=0) == max(_ranks(list(colours)), default=0):
                return tuple(order)
            colours = tuple(order)

    def _first_class(self, colours: Colours) -> list[int]:
        """The members of the smallest colour that several have; none when all differ."""
        counts: dict[int, list[int]] = {}
        for index, colour in enumerate(colours):
            counts.setdefault(colour, []).append(index)
        return next((members for _, members in sorted(counts.items()) if len(members) > 1), [])

    def _can_swap(self, one: int, other: int) -> bool:
        """Exchanging two hypotheses changes nothing at all."""
        swap = {one: other, other: one}

        def swapped(number: int) -> tuple[Word, ...]:
            return tuple(swap.get(w, w) if isinstance(w, int) else w for w in self._lines[number].words)

        concerned = {one, other} | self._mentioned_in[one] | self._mentioned_in[other]
        return all(swapped(n) == self._lines[swap.get(n, n)].words for n in concerned)

    def _number(self, colours: Colours) -> list[int]:
        """Hypotheses by colour, each as soon as those it needs have a number; then metavariables by colour."""
        labels = [-1] * len(colours)
        waiting = sorted(range(self._hypotheses), key=colours.__getitem__)
        while waiting:
            free = [i for i in waiting if all(labels[j] >= 0 for j in self._lines[i].needs)]
            labels[free[0]] = self._hypotheses - len(waiting)
            waiting.remove(free[0])
        others = sorted(range(self._hypotheses, len(colours)), key=colours.__getitem__)
        for offset, index in enumerate(others):
            labels[index] = self._hypotheses + offset
        return labels

    def _print(self, labels: Sequence[int]) -> list[tuple[str, ...]]:
        order = sorted(range(self._hypotheses), key=labels.__getitem__)
        return [
            tuple(f"#{labels[w]}" if isinstance(w, int) else w for w in self._lines[number].words)
            for number in (*order, len(self._lines) - 1)
        ]


def _told_apart(colours: Colours, chosen: Sequence[int]) -> Colours:
    """The chosen ones get colours of their own, in the order given, in front of the others of their class."""
    step = len(chosen) + 1
    position = {index: number for number, index in enumerate(chosen)}
    return tuple(step * colour + position.get(index, step - 1) for index, colour in enumerate(colours))


def _ranks(keys: Sequence[object]) -> list[int]:
    """The rank of each key among the distinct ones."""
    texts = [repr(key) for key in keys]
    position = {text: index for index, text in enumerate(sorted(set(texts)))}
    return [position[text] for text in texts]
