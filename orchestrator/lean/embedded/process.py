"""One Lean server process: started in its own process group, spoken to by lines, killed whole."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from orchestrator.errors import LeanNotFound, MalformedReply, SessionDied, SessionTimeout

LINE_LIMIT = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a server: an argument list, its whole environment, its working folder."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    start_timeout: float = 60.0


class ServerProcess:
    """A running server. Use `start`; after any error it is dead and a new one must be started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, launch: Launch) -> ServerProcess:
        """Start a server and wait until it says that it is ready.

        Raises:
            LeanNotFound: the program cannot be executed.
            SessionDied: it ended before it was ready.
            SessionTimeout: it was not ready within `launch.start_timeout` seconds.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=dict(launch.environment),
                cwd=launch.folder,
                limit=LINE_LIMIT,
                start_new_session=True,
            )
        except OSError as error:
            raise LeanNotFound(
                f"The Lean server cannot be started: {error.strerror}",
                where=launch.command[0],
                hint="Run `orchestrator lean install` to set the embedded Lean up again.",
            ) from error
        server = cls(process)
        try:
            async with asyncio.timeout(launch.start_timeout):
                while "ready" not in await server._read():
                    pass
        except TimeoutError as error:
            await server.kill()
            raise SessionTimeout(
                f"The Lean server was not ready within {launch.start_timeout:g} s",
                hint="Give it more with ORCH_START_TIMEOUT if this machine is slow.",
            ) from error
        except BaseException:
            await server.kill()
            raise
        return server

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.returncode is None

    def resident_megabytes(self) -> float:
        """Resident memory, MB (0 when the process is gone)."""
        try:
            return float(psutil.Process(self.pid).memory_info().rss) / 1e6
        except psutil.Error:
            return 0.0

    async def request(self, value: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
        """Send one JSON value and read one back; any failure, cancellation included, kills the process.

        Raises:
            SessionDied: end of file, or the request could not be written.
            SessionTimeout: no reply within `timeout` seconds.
            MalformedReply: a line that is not a JSON object.
        """
        # Code of a repository could print something that looks like a reply; it cannot know this.
        identity = secrets.token_hex(8)
        try:
            async with asyncio.timeout(timeout):
                await self._write(json.dumps({**value, "id": identity}, ensure_ascii=False))
                envelope = await self._read(f'{{"id":"{identity}"'.encode())
            reply = envelope.get("reply")
            if envelope.get("id") != identity or not isinstance(reply, dict):
                raise MalformedReply("Lean answered something else than was asked", where=str(envelope)[:120])
            return reply
        except TimeoutError as error:
            await self.kill()
            raise SessionTimeout(f"Lean gave no reply within {timeout:g} s and was stopped") from error
        except BaseException:
            await self.kill()
            raise

    async def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode("utf-8", "replace") + b"\n")
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise SessionDied(_DEAD, hint=_AGAIN) from error

    async def _read(self, mark: bytes = b"") -> dict[str, Any]:
        """The next line that is an object; where `mark` is in a line, what is in front of it does not count."""
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError as error:
                raise MalformedReply("Lean wrote a line without end") from error
            if not line:
                raise SessionDied(_DEAD, hint=_AGAIN)
            # Tasks that Lean code starts at elaboration time may print, whole lines and parts of lines.
            line = line[max(0, line.find(mark)) :]
            if not line.startswith(b"{"):
                continue
            try:
                value = json.loads(line)
            except RecursionError as error:
                raise MalformedReply("Lean answered what is nested too deeply to be read") from error
            except ValueError as error:
                raise MalformedReply("Lean answered a line that is not JSON", where=repr(line[:120])) from error
            if not isinstance(value, dict):
                raise MalformedReply("Lean answered JSON that is not an object", where=repr(line[:120]))
            return value

    async def kill(self) -> None:
        """Kill the whole process group and wait until it is gone. Safe to call at any time, more than once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await asyncio.shield(self._process.wait())
        transport = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()

    async def end(self, *, grace: float = 2.0) -> None:
        """Ask the server to end by closing its input; kill it when it does not within `grace` seconds."""
        if self.alive and self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._process.wait()
        await self.kill()


_DEAD = "The Lean process ended: it ran out of memory or stack, or was killed"
_AGAIN = "The next request starts a new one."
