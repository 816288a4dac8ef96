"""A retriever in memory, which answers its premises in their order, whatever is asked."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.premises.retrieval import Premise, Query, Ranked


class ScriptedRetriever:
    """Remembers what it was asked.

    Args:
        premises: what there is, the best first.
    """

    def __init__(self, premises: Sequence[Premise]) -> None:
        self._premises = tuple(premises)
        self.asked: list[Query] = []

    def retrieve(self, query: Query, count: int) -> tuple[Ranked, ...]:
        self.asked.append(query)
        seen = [premise for premise in self._premises if query.sees(premise)][:count]
        return tuple(Ranked(premise, 1.0 / rank) for rank, premise in enumerate(seen, start=1))
