"""What the dashboard shows and does, put together: the ledger, the marketplace with Lean behind it, premises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Protocol

from orchestrator.config import Paths, Settings
from orchestrator.dashboard.tickets import Board
from orchestrator.errors import OrchestratorError
from orchestrator.goals.result import GoalStatus
from orchestrator.lean.embedded.install import inspect_embedded
from orchestrator.lean.embedded.steps import InstallStatus
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import GoalFilter
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.marketplace.of_repository import open_market
from orchestrator.premises.bm25 import Lexical
from orchestrator.premises.retrieval import Query, Retriever
from orchestrator.premises.store import DEFAULT_IMPORTS, known_corpus
from orchestrator.run.service.opening import Services
from orchestrator.run.service.service import ProofService
from orchestrator.source.project import Project
from orchestrator.strategies.policy.bandit import CostAware, SeedUcb
from orchestrator.strategies.registry import make_policy


@dataclass(frozen=True, slots=True)
class Hit:
    """A premise found: its name, its type as Lean prints it, and where it is from."""

    name: str
    statement: str
    origin: str


class PremiseSearch:
    """Finds the library's theorems, and declarations with goals in the ledger, the proved first.

    Args:
        open_library: what was collected of the library, None when nothing was yet; asked until there is something.
    """

    def __init__(self, ledger: Ledger, open_library: Callable[[], Retriever | None] = lambda: None) -> None:
        self._ledger = ledger
        self._open = open_library
        self._library: Retriever | None = None
        self._opening = Lock()

    @property
    def words(self) -> str:
        """What is searched, in words."""
        if self._opened() is None:
            return "declarations with goals in the ledger; `orchestrator premises build` adds the library's theorems"
        return "the library's theorems, and declarations with goals in the ledger"

    def find(self, query: str, count: int) -> Sequence[Hit]:
        """At most `count` premises that may help with a goal or a name, two thirds of them from the library."""
        library = self._opened()
        ranked = () if library is None else library.retrieve(Query(query), 2 * count // 3)
        found = [Hit(each.premise.name, each.premise.statement, each.premise.module) for each in ranked]
        lines = self._ledger.goal_page(GoalFilter(text=query), limit=count - len(found)).goals
        proved_first = sorted(lines, key=lambda line: line.status is not GoalStatus.SOLVED)
        return [*found, *(Hit(one.declaration, one.target, f"{one.status.words}, {one.file}") for one in proved_first)]

    def _opened(self) -> Retriever | None:
        with self._opening:  # requests come in threads, and reading it takes seconds
            if self._library is None:
                self._library = self._open()
            return self._library


class OpenServices(Protocol):
    """The services of repositories, with Lean behind them."""

    def of(self, repo: str) -> AbstractAsyncContextManager[ProofService]:
        """The service of a repository that the ledger knows, while it is used; "" where it knows one alone."""

    async def close(self) -> None:
        """Close them all."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the pages are made from.

    Attributes:
        services: what judges proofs for programs.
        policy: how runs choose the next strategy, for the orders shown.
    """

    ledger: Ledger
    board: Board
    search: PremiseSearch
    services: OpenServices
    policy: CostAware | SeedUcb = field(default_factory=CostAware)


def make_site(ledger: Ledger, settings: Settings, paths: Paths) -> Site:
    """What the pages are made from."""

    @asynccontextmanager
    async def market(repo: str) -> AsyncIterator[Marketplace]:
        async with open_market(repo, ledger, settings, paths) as opened:
            yield opened.market

    return Site(
        ledger=ledger,
        board=Board(ledger, market),
        search=PremiseSearch(ledger, partial(open_library, settings, paths)),
        services=Services(settings, ledger),
        policy=make_policy(settings),
    )


def open_library(settings: Settings, paths: Paths) -> Retriever | None:
    """The library's theorems, if `orchestrator premises build` has collected them. Installs nothing."""
    if not paths.premises.is_dir():
        return None
    try:
        if inspect_embedded(paths).status is not InstallStatus.COMPLETE:
            return None
        servers = provision(settings, paths, choose_lean(settings, paths, Project("none", "")))
        corpus = known_corpus(paths, servers, DEFAULT_IMPORTS)
    except OrchestratorError:
        return None
    return None if corpus is None else Lexical(corpus.premises)
