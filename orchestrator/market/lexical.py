"""Texts ranked by the words they share with a question: Okapi BM25 over Lean's words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import bm25s

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
    ranked = [(place, float(score) / best) for place, score in enumerate(scores)]
    return sorted(ranked, key=lambda item: (-item[1], item[0]))


def words(text: str) -> list[str]:
    """The words of a Lean text: identifiers taken apart at dots, underscores and capitals; symbols one by one."""
    return [part.lower() for word in _WORD.findall(text) for part in _CAMEL.split(word)]
