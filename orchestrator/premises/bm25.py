"""Texts ranked by the words they share with a question: Okapi BM25 over Lean's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import bm25s
import numpy as np

from orchestrator.goals.tokens import WORD
from orchestrator.premises.retrieval import Premise, Query, Ranked
from orchestrator.premises.traits import parts

_WORD = re.compile(r"[^\W_]+|[^\s\w]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def rank(question: Sequence[str], texts: Sequence[str]) -> list[tuple[int, float]]:
    """Indices into `texts`, the best first, with scores relative to the best (0 to 1)."""
    if not texts:
        return []
    corpus = [words(text) or ["∅"] for text in texts]
    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    asked = [word for text in question for word in words(text)]
    scores = index.get_scores(asked) if asked else [0.0] * len(texts)
    best = max(map(float, scores)) or 1.0
    ranked = [(number, float(score) / best) for number, score in enumerate(scores)]
    return sorted(ranked, key=lambda item: (-item[1], item[0]))


def words(text: str) -> list[str]:
    """The words of a Lean text: identifiers taken apart at dots, underscores and capitals; symbols one by one."""
    return [part.lower() for word in _WORD.findall(text) for part in _CAMEL.split(word)]


_TOKEN = re.compile(rf"{WORD}|\d+|[^\s\w(){{}}\[\],:⟨⟩.]+")
_DULL = frozenset({"∀", "→", "fun", "=>", "⊢", "Type", "Prop", "Sort", "α", "β", "γ", "inst", "x", "h", "u", "v"})


def words_of_text(text: str) -> list[str]:
    """Tokens of a statement or a goal: identifiers, each of their components, operators."""
    words: list[str] = []
    for token in _TOKEN.findall(text):
        if token in _DULL or "✝" in token:
            continue
        words.append(token)
        if token[0].isalpha() and len(token) > 2:
            words += _marked_parts(token)
    return words


def _marked_parts(name: str) -> list[str]:
    return [f"~{part}" for part in parts(name) if len(part) > 1]


def words_of_premise(premise: Premise) -> list[str]:
    """Tokens of a premise: its name counts as a document of its own beside the statement and the constants."""
    name = _marked_parts(premise.name)
    return [*name, *name, *(f"={constant}" for constant in premise.mentions), *words_of_text(premise.statement)]


def words_of_query(query: Query) -> list[str]:
    """Tokens of a query; the constants count as much as the text."""
    constants = [f"={constant}" for constant in query.mentions]
    named = [part for constant in query.mentions for part in _marked_parts(constant)]
    return [*constants, *named, *words_of_text(query.state)]


class Lexical:
    """BM25 over a fixed set of premises, as a `Retriever`.

    Theorems only are answered: automation unfolds definitions by itself.
    """

    def __init__(self, premises: Sequence[Premise]) -> None:
        self._premises = tuple(p for p in premises if p.kind == "theorem")
        self._modules = np.array([p.module for p in self._premises], dtype=object)
        self._index: bm25s.BM25 | None = None
        self._vocabulary: dict[str, int] = {}
        if self._premises:
            self._index = bm25s.BM25(k1=1.2, b=0.6)
            ids = [self._ids(words_of_premise(premise)) for premise in self._premises]
            self._index.index((ids, self._vocabulary), show_progress=False)
        self._masks: dict[frozenset[str], np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._premises)

    def retrieve(self, query: Query, count: int) -> tuple[Ranked, ...]:
        known = [self._vocabulary[word] for word in dict.fromkeys(words_of_query(query)) if word in self._vocabulary]
        if self._index is None or not known or count <= 0:
            return ()
        scores = self._index.get_scores_from_ids(known)
        if query.modules is not None:
            scores = np.where(self._mask(query.modules), scores, 0.0)
        wanted = min(len(scores), count + len(query.without))
        best = np.argpartition(-scores, wanted - 1)[:wanted]
        ordered = best[np.lexsort((best, -scores[best]))]
        ranked = (Ranked(self._premises[i], float(scores[i])) for i in ordered if scores[i] > 0)
        return tuple(r for r in ranked if r.premise.name not in query.without)[:count]

    def _ids(self, words: Iterable[str]) -> list[int]:
        return [self._vocabulary.setdefault(word, len(self._vocabulary)) for word in words]

    def _mask(self, modules: frozenset[str]) -> np.ndarray:
        if modules not in self._masks:
            self._masks[modules] = np.isin(self._modules, list(modules))
        return self._masks[modules]
