"""A dashboard on the ledger of a real run over `examples/`, and Debian's Chromium to look at it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn
from browser_settings import FLAGS, HERE, REQUESTER, TICKET, TOKEN, Served  # type: ignore[import-not-found]
from playwright.sync_api import Browser, Page, sync_playwright
from scripted_checker import ScriptedChecker
from scripted_service import ScriptedServices

from orchestrator.config import load_settings
from orchestrator.dashboard.app import Dashboard
from orchestrator.dashboard.site import PremiseSearch, Site, make_site
from orchestrator.dashboard.tickets import Board
from orchestrator.ledger.store import Ledger
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.run.service.listening import listen


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A dashboard in a thread of its own, on a ledger file that the tests write to through connections of their own."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.db"
    with Ledger.open(file) as ledger:
        with (HERE / "examples_ledger.jsonl").open(encoding="utf-8") as lines:
            ledger.restore(lines)
        ledger.open_ticket(TICKET, REQUESTER)

        @asynccontextmanager
        async def market(repo: str) -> AsyncIterator[Marketplace]:
            yield Marketplace(ledger, ScriptedChecker(), repo=repo)

        site = Site(
            ledger=ledger, board=Board(ledger, market), search=PremiseSearch(ledger), services=ScriptedServices()
        )
        with serving(site) as url:
            yield Served(url, file)


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """A dashboard in a thread; its address."""
    dashboard = Dashboard(site, token=TOKEN)
    config = uvicorn.Config(dashboard.application, log_level="warning", timeout_graceful_shutdown=2, lifespan="on")
    server = uvicorn.Server(config)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.05)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            dashboard.hub.close()
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A dashboard on an empty ledger, with a real Lean behind its marketplace."""
    settings = load_settings()
    file = tmp_path_factory.mktemp("real") / "ledger.db"
    with Ledger.open(file) as ledger, serving(make_site(ledger, settings, settings.paths)) as url:
        yield Served(url, file)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file; Playwright holds an event loop, in which no other test could run one of its own."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium on the PATH; `make browser-test` installs it on Debian")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, served: Served) -> Iterator[Page]:
    """A page in a context of its own; whatever it says on its console fails the test."""
    context = chromium.new_context(base_url=served.url)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    context.close()
    # A refused form is answered with an error status, of which Chromium tells by itself.
    assert [words for words in said if "409 (Conflict)" not in words and "401 (Unauthorized)" not in words] == []
