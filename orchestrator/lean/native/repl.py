"""The community REPL as a process, driven by lean-interact: one JSON request, one JSON reply.

What lean-interact leaves to its caller is done here. It does not read the REPL's standard error, so that a talkative
Lean would stop at a full pipe: a thread reads it. Its memory limit is one of address space, which memory-mapped
libraries fill at once: none is set, and resident memory is looked at between requests instead. Its errors become ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from orchestrator.errors import LeanNotFound, MalformedReply, SessionDied, SessionTimeout
from orchestrator.lean.native.ready_repl import library

Json = dict[str, Any]
_LAST_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplLaunch:
    """How to start a REPL.

    Attributes:
        folder: the Lake project whose toolchain and libraries are used.
        lake: the program `lake`.
        repl: folder of a built copy of the REPL.
        cache: where lean-interact keeps what it writes.
    """

    folder: Path
    lake: Path
    repl: Path
    cache: Path


class LeanInteractRepl:
    """One REPL process, over lean-interact; one that cannot be started, fetched or built raises `LeanNotFound`."""

    def __init__(self, launch: ReplLaunch) -> None:
        """Start it; blocks until the process runs, or until the REPL is built if there was none."""
        library(launch.cache)
        from lean_interact import LeanREPLConfig, LeanServer, LocalProject
        from lean_interact.utils import logger

        # What it warns of on the console, we say ourselves where it matters.
        logger.setLevel(logging.ERROR)
        try:
            project = LocalProject(directory=launch.folder, lake_path=launch.lake, auto_build=False)
            config = LeanREPLConfig(
                project=project,
                lake_path=launch.lake,
                enable_parallel_elaboration=False,
                local_repl_path=launch.repl,
                build_repl=False,
            )
            self._server = LeanServer(config)
        except Exception as error:  # lean-interact raises what git, lake, pathlib and it itself come across
            raise LeanNotFound(
                f"The Lean REPL cannot be started: {str(error).strip() or type(error).__name__}",
                where=str(launch.repl),
                hint=f"Run `cd {launch.repl} && lake build` with the project's toolchain.",
            ) from error
        self._last_words: deque[str] = deque(maxlen=_LAST_LINES)
        assert self._server._proc is not None
        threading.Thread(target=self._listen, args=(self._server._proc.stderr,), daemon=True).start()

    def _listen(self, stream: Any) -> None:
        # The stream is closed under us when the server is killed.
        with contextlib.suppress(ValueError, OSError):
            for line in stream:
                self._last_words.append(line.rstrip())

    @property
    def pid(self) -> int | None:
        """Its process id, None when it has ended."""
        process = self._server._proc
        return process.pid if process is not None and process.poll() is None else None

    def resident_megabytes(self) -> float:
        """Resident memory of the process and its children, MB. Pages that servers share are counted for each."""
        if self.pid is None:
            return 0.0
        total = 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            for one in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += one.memory_info().rss
        return total / 1e6

    async def run(self, request: Mapping[str, Any], *, timeout: float) -> Json:
        """One request. After an error (a `SessionError`), or when cancelled, the process is gone."""
        work = asyncio.create_task(asyncio.to_thread(self._run, request, timeout))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await self.kill()
            await asyncio.wait([work])
            work.exception()
            raise

    def _run(self, request: Mapping[str, Any], timeout: float) -> Json:
        from lean_interact import Command, ProofStep
        from lean_interact.interface import LeanError as ReplError

        typed = (ProofStep if "tactic" in request else Command).model_validate(dict(request))
        try:
            reply = self._server.run(typed, timeout=timeout)
        except TimeoutError as error:
            raise SessionTimeout(f"Lean gave no reply within {timeout:g} s and was stopped") from error
        except (json.JSONDecodeError, ValidationError) as error:
            self._server.kill()
            raise MalformedReply(
                "Lean answered something that is not the REPL's protocol", where=str(error)[:200]
            ) from error
        # lean-interact trips over its own process (None) where that is killed in the middle of a request.
        except (ConnectionError, ChildProcessError, ValueError, AssertionError, AttributeError, OSError) as error:
            self._server.kill()
            words = " ".join(self._last_words)[-300:]
            raise SessionDied("The Lean process ended", where=words, hint=_WHY_DEAD) from error
        if isinstance(reply, ReplError):
            return {"message": reply.message}
        value: Json = reply.model_dump(by_alias=True, exclude_none=True)
        return value

    async def kill(self) -> None:
        """End it at once. Lean has nothing to put in order: no second is spent on asking it to end."""
        process = self._server._proc
        if process is not None and process.poll() is None:
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(process.pid)
                for one in (*root.children(recursive=True), root):
                    with contextlib.suppress(psutil.Error):
                        one.kill()
        await asyncio.shield(asyncio.to_thread(self._server.kill))


_WHY_DEAD = "It ran out of memory or stack, or was killed; the next request starts a new one."
