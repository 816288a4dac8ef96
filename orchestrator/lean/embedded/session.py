"""A session over the embedded Lean: starts a server when needed, replaces it when it breaks or grows."""

from __future__ import annotations

from orchestrator.errors import SessionClosed, SessionError
from orchestrator.lean.embedded.process import Launch, ServerProcess
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.protocol import Reply, Request
from orchestrator.lean.replies import parse_reply


class EmbeddedSession:
    """A `Session` over one embedded server at a time.

    The process is started by the first request. A broken one (dead, hung, talking nonsense) is killed, its error
    raised, and the next request starts another; `generation` tells. One that has grown beyond `rss_limit_megabytes` is
    replaced between pieces of work.
    """

    compiled = None

    def __init__(self, launch: Launch, *, rss_limit_megabytes: float = 1500.0, meter: LeanMeter | None = None) -> None:
        self._launch = launch
        self._meter = meter or LeanMeter()
        self._rss_limit = rss_limit_megabytes
        self._server: ServerProcess | None = None
        self._started = 0
        self._closed = False

    @property
    def generation(self) -> int:
        """The number of the running server, or of the one to be started."""
        return self._started if self.pid is not None else self._started + 1

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when none runs."""
        return self._server.pid if self._server is not None and self._server.alive else None

    @property
    def resident_megabytes(self) -> float:
        """Resident memory of the server, MB; 0 when none runs."""
        return self._server.resident_megabytes() if self._server is not None else 0.0

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        if self._closed:
            raise SessionClosed("The Lean session is closed")
        with self._meter.running():
            server = await self._ready()
            try:
                value = await server.request(request.to_json(), timeout=timeout)
                return parse_reply(request, value)
            except SessionError:
                await self.kill()
                raise

    async def recycle_if_grown(self) -> bool:
        """Replace the server if it has grown beyond its limit; true when it was. For between pieces of work."""
        if self._server is not None and self._server.resident_megabytes() > self._rss_limit:
            await self.kill()
            return True
        return False

    async def close(self) -> None:
        """End the server."""
        self._closed = True
        server, self._server = self._server, None
        if server is not None:
            await server.end()

    async def _ready(self) -> ServerProcess:
        if self._server is not None and not self._server.alive:
            await self.kill()
        if self._server is None:
            self._meter.count_start()
            self._server = await ServerProcess.start(self._launch)
            self._started += 1
        return self._server

    async def kill(self) -> None:
        """Kill the server at once; the next request starts another."""
        server, self._server = self._server, None
        if server is not None:
            await server.kill()
