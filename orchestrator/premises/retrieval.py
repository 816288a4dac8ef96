"""The seam to retrievers, and the fusion of several into one ranking. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.goals.goal import Goal


@dataclass(frozen=True, slots=True)
class Premise:
    """A constant that a proof may use.

    Attributes:
        statement: its type as Lean prints it, on one line.
        module: the module that declares it ("" for one of the goal's own file).
        kind: "theorem", "def", "constructor", …, as Lean's environment has it.
        mentions: full names of the constants in the type, notation resolved.
    """

    name: str
    statement: str
    module: str = ""
    kind: str = "theorem"
    mentions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Name and statement in the form that encoders of premises are trained on: `<a>name</a> : statement`."""
        return f"<a>{self.name}</a> : {self.statement}"


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for.

    Attributes:
        state: the goal as Lean prints it, hypotheses then `⊢ target`.
        modules: modules whose premises the goal can see; None for all of them.
        without: full names that must not be answered, such as the goal's own declaration.
        mentions: full names of the constants in the goal, where Lean was asked for them.
        behind: full names of the constants in the definitions that the goal mentions, and in the definitions of those.
    """

    state: str
    modules: frozenset[str] | None = None
    without: frozenset[str] = field(default_factory=frozenset)
    mentions: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()

    def sees(self, premise: Premise) -> bool:
        """Whether the goal may use `premise`."""
        return premise.name not in self.without and (self.modules is None or premise.module in self.modules)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A premise with its score; scores of one retriever compare with one another only."""

    premise: Premise
    score: float


class Retriever(Protocol):
    """A fixed set of premises, searched by one method."""

    def retrieve(self, query: Query, count: int) -> tuple[Ranked, ...]:
        """At most `count` premises that the query sees, the best first, no name twice.

        Raises OrchestratorError: the retriever cannot answer at all (its model or index is unusable).
        """


_RANK_OFFSET = 60
_DEPTH = 64  # how many premises each is asked for, at least


class Fused:
    """Several retrievers as one, by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).

    A premise scores the sum over the retrievers of 1 / (60 + rank), rank from 1.
    """

    def __init__(self, retrievers: Sequence[Retriever]) -> None:
        self._retrievers = tuple(retrievers)

    def retrieve(self, query: Query, count: int) -> tuple[Ranked, ...]:
        scores: dict[str, float] = {}
        premises: dict[str, Premise] = {}
        for retriever in self._retrievers:
            for rank, ranked in enumerate(retriever.retrieve(query, max(count, _DEPTH)), start=1):
                name = ranked.premise.name
                premises.setdefault(name, ranked.premise)
                scores[name] = scores.get(name, 0.0) + 1 / (_RANK_OFFSET + rank)
        best = sorted(scores, key=lambda name: (-scores[name], name))[:count]
        return tuple(Ranked(premises[name], scores[name]) for name in best)


Retrieve = Callable[[Goal], Retriever | None]
"""The retriever for a goal, None when there is none."""

Choose = Callable[[Goal, Sequence[str]], Sequence[tuple[str, str]]]
"""Names and statements of theorems for a goal that mentions the given constants, the best first."""
