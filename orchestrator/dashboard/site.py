"""What the dashboard shows and does, put together: the ledger, the marketplace with Lean behind it, premises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from threading import Lock

from orchestrator.config import Paths, Settings
from orchestrator.dashboard.tickets import Board
from orchestrator.dashboard.views import GoalSearch, Hit, Site
from orchestrator.errors import OrchestratorError
from orchestrator.lean.embedded.install import inspect_embedded
from orchestrator.lean.embedded.steps import InstallStatus
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.ledger.store import Ledger
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.marketplace.of_repository import open_market
from orchestrator.premises.bm25 import Lexical
from orchestrator.premises.retrieval import Query, Retriever
from orchestrator.premises.store import DEFAULT_IMPORTS, known_corpus
from orchestrator.source.project import Project


def make_site(ledger: Ledger, settings: Settings, paths: Paths) -> Site:
    """What the pages are made from."""

    @asynccontextmanager
    async def market(repo: str) -> AsyncIterator[Marketplace]:
        async with open_market(repo, ledger, settings, paths) as opened:
            yield opened.market

    return Site(
        ledger=ledger,
        board=Board(ledger, market),
        search=LibrarySearch(partial(open_library, settings, paths), GoalSearch(ledger)),
        exploration=settings.exploration,
    )


class LibrarySearch:
    """Finds the library's theorems, and behind them what `others` finds in the ledger. See `Search`.

    Args:
        open_library: what was collected of the library, None when nothing was yet; asked until there is something.
        others: what is searched besides.
    """

    def __init__(self, open_library: Callable[[], Retriever | None], others: GoalSearch) -> None:
        self._open = open_library
        self._others = others
        self._library: Retriever | None = None
        self._opening = Lock()

    @property
    def words(self) -> str:
        """See `Search`."""
        if self._opened() is None:
            return f"{self._others.words}; `orchestrator premises build` adds the library's theorems"
        return f"the library's theorems, and {self._others.words}"

    def find(self, query: str, count: int) -> Sequence[Hit]:
        """See `Search`. Two thirds of the places are for the library."""
        library = self._opened()
        found: Sequence[Hit] = ()
        if library is not None:
            ranked = library.retrieve(Query(query), 2 * count // 3)
            found = [Hit(r.premise.name, r.premise.statement, r.premise.module) for r in ranked]
        return [*found, *self._others.find(query, count - len(found))]

    def _opened(self) -> Retriever | None:
        with self._opening:  # requests come in threads, and reading it takes seconds
            if self._library is None:
                self._library = self._open()
            return self._library


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
