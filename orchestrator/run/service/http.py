"""The MCP server on streamable HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from orchestrator.run.service.listening import LOCAL_NAMES, listen
from orchestrator.run.service.mcp_server import Access, TokenNeeded

MOST_SESSIONS = 256


class _Quiet(uvicorn.Server):
    """A server among other work: signals are for whoever started that."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class ServedHttp:
    """A server that listens at `url`."""

    url: str
    running: asyncio.Task[None]

    async def ended(self) -> None:
        """Wait until it ends."""
        await asyncio.shield(self.running)


@asynccontextmanager
async def serve_http(
    server: MCPServer[Any],
    access: Access,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    names: Iterable[str] = LOCAL_NAMES,
) -> AsyncIterator[ServedHttp]:
    """Serve to whoever has a token of `access`, under `names`, until the block ends; port 0 stands for a free one.
    Raises ConfigError: it is not possible to listen there.
    """
    written = {f"[{name}]" if ":" in name else name for name in names}
    security = TransportSecuritySettings(
        allowed_hosts=[shown for name in written for shown in (name, f"{name}:*")],
        allowed_origins=[f"http://{name}:*" for name in written],
    )
    application = server.streamable_http_app(transport_security=security, max_sessions=MOST_SESSIONS, host=host)
    config = uvicorn.Config(
        TokenNeeded(application, access),
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=3,
        lifespan="on",
    )
    with contextlib.closing(listen(host, port)) as listener:
        running = _Quiet(config)
        task = asyncio.create_task(running.serve(sockets=[listener]))
        name = f"[{host}]" if ":" in host else host
        try:
            yield ServedHttp(f"http://{name}:{listener.getsockname()[1]}/mcp", task)
        finally:
            running.should_exit = True
            await task
