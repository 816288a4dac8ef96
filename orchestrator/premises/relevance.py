"""Premises by the constants they share with a goal: a linear model over features that can be read.

After Meng and Paulson's relevance filter (Journal of Applied Logic, 2009): rare constants in common count for a
premise, constants that the goal does not have count against it; what induction and case distinctions bring is held
against nobody. `python -m bench.fit_retrieval` learns the weights on goals of the bank that nothing is reported on.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.premises.index import Floats, Index
from orchestrator.premises.retrieval import Query, Ranked
from orchestrator.premises.symbols import instances_of, symbols_in
from orchestrator.premises.traits import RELATIONS, TRAITS, last, parts, relation, root

SHARED = (
    "shared",  # weight of the constants in common, the goal's own only
    "rarest",  # the weightiest of them
    "rarest_behind",  # the same for those in the definitions behind
    "shared_behind",
    "induction",
    "complete",
    "missing_share",  # weight of the constants that the goal does not have, over that of all
    "missing",
    "missing_count",
    "root",  # the name begins with a type, or namespace, of the goal
    "root_behind",
    "words",  # share of the name's words that occur in names of the goal's constants
    "relation",  # concludes what the goal concludes
)
"""What a premise has in common with a query; `Relevance.shared` answers a column of each."""
USED = ("used", "used_alike")
"""How often proofs use it, and others whose name ends alike (`Int.add_comm` for `Nat.add_comm`): log(1 + times)."""
FEATURES = (*TRAITS, *USED, *SHARED)

_CONNECTIVES = ("Eq", "Iff", "And", "Or", "Not", "Exists", "Ne", "True", "False", "Bool.true", "Bool", "Decidable")
_INDUCTION = {
    "Nat": ("Nat.succ", "Nat.zero", "HAdd.hAdd", "instHAdd", "instAddNat", "OfNat.ofNat", "instOfNatNat"),
    "List": ("List.cons", "List.nil"),
}
_MOST_MISSING = 6
_DEEPER = 5
_SAME_ROOT = 0.4
"""How much a premise loses for those before it whose names begin alike, times log(1 + their number).

A goal about the lengths of lists needs one about numbers, too, which twenty about lists would keep out. The value lies
between those (0.2 to 0.6) that were best in cross-validation on the tuning split.
"""


@dataclass(frozen=True)
class RelevanceModel:
    """What is learned. `used`: how often proofs use a premise, by full name."""

    weights: Mapping[str, float]
    used: Mapping[str, int] = field(default_factory=dict)


@cache
def learned_model() -> RelevanceModel:
    """The model that comes with this package."""
    value = json.loads(files("orchestrator.premises").joinpath("learned.json").read_text(encoding="utf-8"))
    return RelevanceModel(value["weights"], value["used"])


class Relevance:
    """A `Retriever` over an index. Safe to use from several threads."""

    def __init__(self, index: Index, model: RelevanceModel | None = None) -> None:
        self._index = index
        self._model = model = learned_model() if model is None else model
        self._shared_weights = np.array([model.weights.get(name, 0.0) for name in SHARED], np.float32)
        trait_weights = np.array([model.weights.get(name, 0.0) for name in TRAITS], np.float32)
        self._alone = _weighed(index.columns.traits, trait_weights)
        if model.used:
            used_weights = np.array([model.weights.get(name, 0.0) for name in USED], np.float32)
            self._alone += _weighed(uses(index.names(), model.used), used_weights)
        self._masks: dict[frozenset[str], NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return len(self._index)

    def retrieve(self, query: Query, count: int) -> tuple[Ranked, ...]:
        """As `Retriever` says; scores may be negative."""
        index, wanted = self._index, _DEEPER * count + len(query.without)
        if count < 1 or not len(index):
            return ()
        scores = self.scores(query)
        if query.modules is not None:
            scores = np.where(self._mask(query.modules)[index.columns.modules], scores, -np.inf)
        best = np.argpartition(-scores, min(wanted, len(scores)) - 1)[:wanted]
        best = best[np.lexsort((best, -scores[best]))]
        found: dict[str, Ranked] = {}
        before: Counter[int] = Counter()
        for row in best.tolist():
            premise = index.premise(row)
            if np.isfinite(scores[row]) and premise.name not in query.without and premise.name not in found:
                alike = int(index.columns.roots[row])
                found[premise.name] = Ranked(premise, float(scores[row]) - _SAME_ROOT * math.log1p(before[alike]))
                before[alike] += 1
        return tuple(sorted(found.values(), key=lambda ranked: -ranked.score))[:count]

    def scores(self, query: Query) -> Floats:
        """The score of every premise, whether the query sees it or not."""
        scores: Floats = self._alone.copy()
        for weight, column in zip(self._shared_weights, self._columns(query), strict=True):
            scores += weight * column
        return scores

    def shared(self, query: Query) -> Floats:
        """The features `SHARED` of every premise, one row each."""
        return np.column_stack(self._columns(query)).astype(np.float32)

    def _columns(self, query: Query) -> tuple[NDArray[Any], ...]:
        index = self._index
        own = list(dict.fromkeys(query.mentions or symbols_in(query.state, index.symbols.numbers)))
        behind = [name for name in dict.fromkeys(query.behind) if name not in own]
        everything = [*own, *behind]
        shared, rarest = self._met(own)
        shared_behind, rarest_behind = self._met(behind)
        excused = [name for typ in _INDUCTION if typ in everything for name in _INDUCTION[typ]]
        guessed = () if query.mentions else instances_of(own, index.symbols.numbers)
        others = dict.fromkeys(name for name in (*excused, *_CONNECTIVES, *guessed) if name not in everything)
        known = shared + shared_behind + self._met(others)[0]
        known_count = np.zeros(len(index), np.float32)
        for name in (*everything, *others):
            known_count[index.symbols.rows_with(name)] += 1
        missing = np.maximum(index.symbols.totals - known, 0)
        words = np.zeros(len(index), np.float32)
        for word in {word for name in everything for word in parts(last(name))}:
            if word in index.words.numbers:
                words[index.words.rows_with(word)] += index.words.weight(word)
        goal = RELATIONS.index(relation(query.state.rpartition("⊢")[2]))
        return (
            shared / 10,
            rarest / 10,
            rarest_behind / 10,
            shared_behind / 10,
            self._met([n for n in excused if n not in everything])[0] / 10,
            index.columns.counts - known_count <= 0,
            missing / np.maximum(index.symbols.totals, 1),
            missing / 10,
            np.minimum(index.columns.counts - known_count, _MOST_MISSING),
            self._rooted(own),
            self._rooted(everything),
            words / np.maximum(index.words.totals, 1),
            index.columns.relations == goal,
        )

    def _met(self, names: Iterable[str]) -> tuple[Floats, Floats]:
        """By premise: the weights of those of the constants that it mentions, summed up, and the greatest of them."""
        symbols = self._index.symbols
        total, greatest = np.zeros(len(self), np.float32), np.zeros(len(self), np.float32)
        for name in sorted((name for name in names if name in symbols.numbers), key=symbols.weight):
            rows, weight = symbols.rows_with(name), symbols.weight(name)
            total[rows] += weight
            greatest[rows] = weight  # in rising order
        return total, greatest

    def _rooted(self, names: Iterable[str]) -> NDArray[np.bool_]:
        wanted = {root(name) or name for name in names}
        chosen = np.zeros(len(self._index.roots), bool)
        chosen[[self._index.roots[name] for name in wanted if name in self._index.roots]] = True
        found: NDArray[np.bool_] = chosen[self._index.columns.roots]
        return found

    def _mask(self, modules: frozenset[str]) -> NDArray[np.bool_]:
        if modules not in self._masks:
            self._masks[modules] = np.array([name in modules for name in self._index.modules], bool)
        return self._masks[modules]


def _weighed(features: Floats, weights: Floats) -> Floats:
    # As a matrix product, BLAS would do this on every core, and its threads then wait for more, busily: 0.1 s of
    # processor time for each query of 2 ms.
    weighed: Floats = np.einsum("ij,j->i", features, weights)
    return weighed


def uses(names: Iterable[str], used: Mapping[str, int]) -> Floats:
    """The features `USED` of premises, one row each, from how often proofs use what."""
    alike: dict[str, int] = {}
    for name, times in used.items():
        alike[last(name)] = alike.get(last(name), 0) + times
    rows = [(own := used.get(name, 0), alike.get(last(name), 0) - own) for name in names]
    return np.log1p(np.array(rows, np.float32).reshape(len(rows), len(USED)))
