"""A library's theorems and a project's own as one set, ranked by relevance, and by meaning where a model does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from orchestrator.lean.toolchain import EMBEDDED_LIBRARIES
from orchestrator.premises.index import Index, build_index
from orchestrator.premises.relevance import Relevance, RelevanceModel
from orchestrator.premises.retrieval import Fused, Premise, Query, Ranked, Retriever

_FILES = 64


class Library:
    """What goals of any project may use. Safe to use from several threads.

    Args:
        model: how features count; what comes with this package unless given.
        dense: finds premises of the library by meaning, beside; None for none.
    """

    def __init__(self, index: Index, *, model: RelevanceModel | None = None, dense: Retriever | None = None) -> None:
        self._index = index
        self._model = model
        self._library = Relevance(index, model)
        self._dense = dense
        self._beside = lru_cache(_FILES)(self._indexed)
        self._modules = lru_cache(_FILES)(self._modules_of)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def relevance(self) -> Relevance:
        """The library's own theorems alone."""
        return self._library

    @property
    def by_meaning(self) -> bool:
        """Whether premises are found by meaning, too."""
        return self._dense is not None

    def find(
        self,
        query: Query,
        count: int,
        *,
        own: Sequence[Premise] = (),
        libraries: frozenset[str] | None = None,
        brought: frozenset[str] | None = None,
    ) -> tuple[Ranked, ...]:
        """At most `count` premises, the best first, no name twice.

        Args:
            query: the goal; its `modules` are set here.
            own: premises of the goal's project; those that it does not see are in `query.without`.
            libraries: first components of the modules that the goal sees; None for all.
            brought: the modules themselves, where they are known.
        """
        query = replace(query, modules=None if libraries is None else self._modules(libraries, brought))
        rankings: list[Retriever] = [self._library, *([self._beside(tuple(own))] if own else [])]
        together: Retriever = ByScore(rankings)
        if self._dense is not None:
            together = Fused((together, self._dense))
        return together.retrieve(query, count)

    def _modules_of(self, libraries: frozenset[str], brought: frozenset[str] | None) -> frozenset[str]:
        if brought is None:
            return frozenset({"", *(name for name in self._index.modules if _first(name) in libraries)})
        own = EMBEDDED_LIBRARIES & (libraries | set(map(_first, brought)))
        return frozenset({"", *(n for n in self._index.modules if n in brought or _first(n) in own)})

    def _indexed(self, own: tuple[Premise, ...]) -> Relevance:
        return Relevance(build_index(own, world=self._index), self._model)


def _first(module: str) -> str:
    return module.partition(".")[0]


class ByScore:
    """Retrievers whose scores compare, as one."""

    def __init__(self, retrievers: Sequence[Retriever]) -> None:
        self._retrievers = tuple(retrievers)

    def retrieve(self, query: Query, count: int) -> tuple[Ranked, ...]:
        found: dict[str, Ranked] = {}
        everything = [ranked for one in self._retrievers for ranked in one.retrieve(query, count)]
        for ranked in sorted(everything, key=lambda ranked: -ranked.score):
            found.setdefault(ranked.premise.name, ranked)
        return tuple(found.values())[:count]
