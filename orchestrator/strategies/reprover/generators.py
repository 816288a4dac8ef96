"""Where tactics come from: a fixed list, goals solved before, premises as templates, and mixtures of generators.

The generator that asks a trained model follows the same protocol, and is in `strategy.py`.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tactic to try.

    Attributes:
        tactic: its text, without white space around it.
        log_probability: how likely it is to help, as a natural logarithm, at most 0.
    """

    tactic: str
    log_probability: float

    def __post_init__(self) -> None:
        if not self.tactic or math.isnan(self.log_probability) or self.log_probability > 0:
            raise ValueError(f"no suggestion: {self.tactic!r} with log-probability {self.log_probability}")


class TacticGenerator(Protocol):
    """Suggests tactics for a state."""

    async def suggest(self, state: str, count: int) -> Sequence[Suggestion]:
        """At most `count` tactics for the goals that `state` prints, the likeliest first, none twice.

        Raises ModelError: the model behind it failed.
        """


class ListGenerator:
    """Tactics from a function of the state, such as the portfolio's; likelier the earlier they come.

    The n-th tactic gets the share 1/(n + 1) of the first one's, and all of them together at most 1.
    """

    def __init__(self, tactics: Callable[[str], Iterable[str]]) -> None:
        self._tactics = tactics

    async def suggest(self, state: str, count: int) -> Sequence[Suggestion]:
        return ranked(list(dict.fromkeys(self._tactics(state)))[:count])


class Mixture:
    """Several generators as one: each suggestion's probability is weighted, and the best of duplicates is kept.

    `parts`: generators with their weights, which are scaled to a sum of 1.

    Raises ValueError: no parts, or a weight that is not above 0.
    """

    def __init__(self, parts: Sequence[tuple[TacticGenerator, float]]) -> None:
        if not parts or any(weight <= 0 for _, weight in parts):
            raise ValueError("a mixture needs parts, each with a weight above 0")
        total = sum(weight for _, weight in parts)
        self._parts = [(generator, math.log(weight / total)) for generator, weight in parts]

    async def suggest(self, state: str, count: int) -> Sequence[Suggestion]:
        answers = await asyncio.gather(*(generator.suggest(state, count) for generator, _ in self._parts))
        best: dict[str, float] = {}
        for (_, weight), suggestions in zip(self._parts, answers, strict=True):
            for suggestion in suggestions:
                log_probability = min(0.0, weight + suggestion.log_probability)
                best[suggestion.tactic] = max(best.get(suggestion.tactic, -math.inf), log_probability)
        ordered = sorted(best.items(), key=lambda item: (-item[1], item[0]))
        return [Suggestion(tactic, log_probability) for tactic, log_probability in ordered[:count]]


@dataclass(frozen=True, slots=True)
class SolvedGoal:
    """A goal that was proved, and the tactics that did it."""

    text: str
    tactics: tuple[str, ...]


class SolvedGoals:
    """The tactics of the goals solved before that are most like the state, by the words they share.

    Similarity is the sum of the inverse document frequencies of the common words over that of all words (weighted
    Jaccard). A script of several tactics counts by its first one alone, too: the others follow on later states.
    """

    def __init__(self, solved: Iterable[SolvedGoal], *, neighbours: int = 8) -> None:
        self._solved = tuple(goal for goal in solved if goal.tactics)
        self._words = [words_of(goal.text) for goal in self._solved]
        self._neighbours = neighbours
        seen = Counter(word for words in self._words for word in words)
        self._weights = {word: math.log(1 + len(self._solved) / number) for word, number in seen.items()}

    async def suggest(self, state: str, count: int) -> Sequence[Suggestion]:
        words = words_of(state.partition("\n\n")[0])
        scored = [(self._similarity(words, known), i) for i, known in enumerate(self._words)]
        nearest = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], pair[1]))
        shares: dict[str, float] = {}
        for similarity, index in nearest[: self._neighbours]:
            tactics = self._solved[index].tactics
            for tactic in dict.fromkeys((tactics[0], "\n".join(tactics))):
                shares[tactic] = shares.get(tactic, 0.0) + similarity
        total = sum(shares.values())
        ordered = sorted(shares.items(), key=lambda item: -item[1])[:count]
        return [Suggestion(tactic, math.log(share / total)) for tactic, share in ordered]

    def _similarity(self, words: frozenset[str], known: frozenset[str]) -> float:
        union = sum(self._weights.get(word, 1.0) for word in words | known)
        return sum(self._weights.get(word, 1.0) for word in words & known) / union if union else 0.0


PREMISE_TEMPLATES = ("exact {0}", "apply {0}", "simp [{0}]", "rw [{0}]", "rw [← {0}]", "simp_all [{0}]", "grind [{0}]")
"""How a lemma is used, the likelier ways first."""


class PremiseTemplates:
    """Tactics made of the premises retrieved for a state.

    `retrieve`: names of premises for a state, the best first, at most as many as asked for.
    """

    def __init__(self, retrieve: Callable[[str, int], Sequence[str]], *, premises: int = 8) -> None:
        self._retrieve = retrieve
        self._premises = premises

    async def suggest(self, state: str, count: int) -> Sequence[Suggestion]:
        names = await asyncio.to_thread(self._retrieve, state, self._premises)
        together = [f"simp [{', '.join(names[:4])}]", f"grind [{', '.join(names[:4])}]"] if len(names) > 1 else []
        # Diagonally: the best lemma in an unlikely way comes beside a worse lemma in the likeliest.
        places = sorted((i + j, i, j) for i in range(len(names)) for j in range(len(PREMISE_TEMPLATES)))
        single = [PREMISE_TEMPLATES[j].format(names[i]) for _, i, j in places]
        return ranked([*together, *single][:count])


def ranked(tactics: Sequence[str]) -> list[Suggestion]:
    """Suggestions whose probabilities fall as 1, 1/2, 1/3, …, with the sum 1."""
    total = sum(1 / (place + 1) for place in range(len(tactics)))
    return [Suggestion(tactic, -math.log(total * (place + 1))) for place, tactic in enumerate(tactics)]


_WORD = re.compile(r"[^\W\d]\w*(?:\.\w+)*|[^\w\s]+")


def words_of(text: str) -> frozenset[str]:
    """Identifiers, their parts, and symbols of a goal's text."""
    found = set(_WORD.findall(text))
    return frozenset(found | {part for word in found if "." in word for part in word.split(".")})
