"""The dashboard as a web application, and the server that runs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from orchestrator import __version__
from orchestrator.dashboard.api import STATS_TOPIC, make_api, stats_json
from orchestrator.dashboard.live import Hub, Topic
from orchestrator.dashboard.pages import STATIC, Pages, make_pages
from orchestrator.dashboard.security import Guarded, WriteAccess
from orchestrator.dashboard.site import Site
from orchestrator.errors import LedgerError
from orchestrator.run.service.listening import LOCAL_NAMES, listen


class Dashboard:
    """The application.

    Args:
        token: what must be known to change anything; "" for a read-only dashboard.
        hosts: the host names it answers to.
    """

    def __init__(self, site: Site, *, token: str = "", hosts: frozenset[str] = LOCAL_NAMES) -> None:
        pages = Pages(site)

        def render(topic: Topic) -> str | None:
            return stats_json(site) if topic[0] == STATS_TOPIC else pages.part(topic)

        self.hub = hub = Hub(site.ledger.changes, render)
        access = WriteAccess(token)

        @contextlib.asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            pushing = asyncio.create_task(hub.run())
            try:
                yield
            finally:
                hub.close()
                await pushing
                await site.services.close()

        self.api = api = FastAPI(
            title="lean-orchestrator",
            version=__version__,
            description="What the ledger knows of goals, attempts, proofs and runs.",
            openapi_url="/api/openapi.json",
            docs_url=None,
            redoc_url=None,
            lifespan=lifespan,
        )
        api.include_router(make_api(site, hub, access))
        api.include_router(make_pages(site, pages, hub, access))
        api.mount("/static", StaticFiles(directory=STATIC))

        def failed(request: Request, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
            if request.url.path.startswith("/api/"):
                return JSONResponse({"detail": words}, status_code=status, headers=headers)
            page = pages.render("failure.html", status=status, words=words, session=None, can_write=False)
            return HTMLResponse(page, status_code=status, headers=headers)

        @api.exception_handler(HTTPException)
        async def refused(request: Request, error: HTTPException) -> Response:
            return failed(request, error.status_code, str(error.detail), dict(error.headers or {}))

        @api.exception_handler(LedgerError)
        async def unreadable(request: Request, error: LedgerError) -> Response:
            return failed(request, 503, f"The ledger cannot be used right now: {error}")

        @api.exception_handler(RequestValidationError)
        async def malformed(_: Request, error: RequestValidationError) -> Response:
            found = [{"where": list(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()]
            return JSONResponse({"detail": found}, status_code=422)

        self.application: ASGIApp = Guarded(api, hosts)


class _DashboardServer(uvicorn.Server):
    """A server that ends its streams when it is told to stop, instead of waiting for their clients to go."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._hub.close()
        super().handle_exit(sig, frame)


def serve(dashboard: Dashboard, *, host: str, port: int, ready: Callable[[str], None] = lambda url: None) -> None:
    """Serve until SIGINT or SIGTERM; `ready` hears the address as soon as it can be asked.
    Raises ConfigError: it is not possible to listen there.
    """
    config = uvicorn.Config(
        dashboard.application,
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=3,
        lifespan="on",
    )
    with contextlib.closing(listen(host, port)) as listener:
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{listener.getsockname()[1]}/")
        _DashboardServer(config, dashboard.hub).run(sockets=[listener])
