"""The community REPL as a process: one JSON request, one JSON reply, each ended by a blank line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from orchestrator.errors import LeanNotFound, MalformedReply, SessionDied, SessionTimeout
from orchestrator.lean.embedded.process import LINE_LIMIT, ServerProcess
from orchestrator.lean.lake import PACKAGES, lake_variables
from orchestrator.lean.native.ready_repl import BINARY
from orchestrator.lean.sandbox.walls import confined
from orchestrator.lean.toolchain import native_environment

Json = dict[str, Any]
_LAST_LINES = 20
_SEARCHED = ("LEAN_PATH", "LD_LIBRARY_PATH")
_FILE_MEGABYTES = 2000
"""What a tactic may write to its folder for temporary files: `bv_decide` hands a proof to a solver in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplLaunch:
    """How to start a REPL.

    Attributes:
        folder: the Lake project whose toolchain and compiled modules are used.
        lake: the program `lake`.
        repl: folder of a built copy of the REPL.
        folders: what else it may read and write.
    """

    folder: Path
    lake: Path
    repl: Path
    folders: tuple[Path, ...] = ()

    def command(self, variables: Mapping[str, str], scratch: Path) -> list[str]:
        """Inside the walls: it reads the toolchain, the project, its packages and LeanCopilot's models, and writes to
        `scratch`. `variables`: its environment.
        """
        searched = [part for name in _SEARCHED for part in variables.get(name, "").split(os.pathsep) if part]
        read = (variables["LEAN_SYSROOT"], ".", PACKAGES, _models(variables), *searched)
        return confined(
            [str(self.repl / BINARY)],
            read=[self.repl, *((self.folder / path).resolve() for path in read)],
            write=(scratch, *self.folders),
            file_megabytes=_FILE_MEGABYTES,
        )


class Repl(ServerProcess):
    """A running REPL. After any error it is dead."""

    def __init__(self, process: asyncio.subprocess.Process, scratch: Path) -> None:
        super().__init__(process)
        self._scratch = scratch
        self._last_words: deque[str] = deque(maxlen=_LAST_LINES)
        # A talkative Lean would stop at a full pipe.
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def begin(cls, launch: ReplLaunch) -> Repl:
        """Start one.

        Raises:
            LeanNotFound: `lake` cannot be run.
        """
        said = await asyncio.to_thread(lake_variables, launch.folder, launch.lake)
        variables = {**native_environment(), **said}
        scratch = Path(tempfile.mkdtemp(prefix="lean-"))
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.command(variables, scratch),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**variables, "TMPDIR": str(scratch)},
                cwd=launch.folder,
                limit=LINE_LIMIT,
                start_new_session=True,
            )
        except BaseException as error:
            shutil.rmtree(scratch, ignore_errors=True)
            if not isinstance(error, OSError):
                raise
            words = error.strerror or "it cannot be run"
            raise LeanNotFound(f"The Lean REPL cannot be started: {words}", where=str(launch.repl)) from error
        return cls(process, scratch)

    def private_megabytes(self) -> float:
        """Memory of the process and its children that no other process shares, MB; 0 when it has ended."""
        total = 0
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self.pid)
            for one in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += one.memory_full_info().uss
        return total / 1e6

    async def request(self, value: Mapping[str, Any], *, timeout: float) -> Json:
        try:
            async with asyncio.timeout(timeout):
                await self._write(json.dumps(value, ensure_ascii=False) + "\n")
                return await self._read()
        except TimeoutError as error:
            await self.kill()
            raise SessionTimeout(f"Lean gave no reply within {timeout:g} s and was stopped") from error
        except SessionDied as error:
            await self.kill()
            raise SessionDied(error.what, where=" ".join(self._last_words)[-300:], hint=error.hint) from error
        except BaseException:
            await self.kill()
            raise

    async def kill(self) -> None:
        try:
            await super().kill()
            await asyncio.wait([self._listening], timeout=1)
            self._listening.cancel()
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    async def _read(self, mark: bytes = b"") -> Json:
        assert self._process.stdout is not None
        lines: list[bytes] = []
        async for line in self._process.stdout:
            if line.strip():
                lines.append(line)
            elif text := b"".join(lines):
                # What Lean code prints stands in front of the reply.
                try:
                    value = json.loads(text[max(0, text.find(b"{")) :])
                except (ValueError, RecursionError) as error:
                    words = repr(text[:120])
                    raise MalformedReply(
                        "Lean answered something that is not the REPL's protocol", where=words
                    ) from error
                if not isinstance(value, dict):
                    raise MalformedReply("Lean answered JSON that is not an object", where=repr(text[:120]))
                return value
        raise SessionDied("The Lean process ended", hint=_WHY_DEAD)

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError):
            async for line in self._process.stderr:
                self._last_words.append(line.decode("utf-8", "replace").rstrip())


def _models(variables: Mapping[str, str]) -> str:
    """Where LeanCopilot looks for its models, which it keeps outside of every project."""
    home = variables.get("HOME", "/nonexistent")
    return variables.get("LEAN_COPILOT_CACHE_DIR", f"{home}/.cache/lean_copilot/models")


_WHY_DEAD = "It ran out of memory or stack, or was killed; the next request starts a new one."
