"""The gate's program for the user's own Lean: compiled once for each release, started inside the sandbox.

`Gate.lean` is its text. What Lake says of a project (`lake env`) is all that it needs to know of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock
from packaging.version import InvalidVersion, Version

from orchestrator.errors import InstallError, LeanNotFound, SessionDied
from orchestrator.lean.embedded.node import Finished, run
from orchestrator.lean.embedded.process import Launch
from orchestrator.lean.lake import lake_variables
from orchestrator.lean.lean_sources import assembled
from orchestrator.lean.sandbox.walls import confined
from orchestrator.lean.toolchain import native_environment

_MODULE = "OrchestratorGate"
_RUN = f"import {_MODULE}\nunsafe def main := {_MODULE}.main\n"
_CHOICE = re.compile(
    r"^-- since v(?P<release>[\d.]+)\n(?P<since>.*?)^-- before v[\d.]+\n(?P<before>.*?)^-- end\n",
    re.MULTILINE | re.DOTALL,
)
_STACK_KILOBYTES = 1_000_000
"""Terms of a proof are deep; pages of a stack that nobody touches cost nothing."""
_COMPILE_SECONDS = 600.0
_SHOWN_CHARACTERS = 500
FILE_MEGABYTES = 4000
"""The largest file that a process of the gate may write: an export is larger than the file it is of."""


def program_text(version: str) -> str:
    """The program for a release of Lean ("4.28.0"); the newest, where it is not known which."""
    try:
        release = Version(version).release
    except InvalidVersion:
        release = (999,)

    def chosen(match: re.Match[str]) -> str:
        return match["since" if release >= Version(match["release"]).release else "before"]

    return _CHOICE.sub(chosen, assembled(Path(__file__).with_name("Gate.lean")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """A file to be compiled.

    Attributes:
        source, root: the file, and the folder that its path gives the module's name in.
        compiled: what is to be made.
        path: where compiled modules are found.
        readable: the folder in which all of this is.
    """

    source: Path
    root: Path
    compiled: Path
    path: tuple[Path, ...]
    readable: Path
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateProgram:
    """The compiled program, and the Lean that runs it in one project.

    Attributes:
        folder: with the program, compiled.
        home: of the toolchain.
        path: where compiled modules are, the project's own and its packages'.
        own: those of them that belong to the project itself.
    """

    folder: Path
    home: Path
    path: tuple[Path, ...]
    own: tuple[Path, ...]

    @property
    def lean(self) -> Path:
        """The program `lean`."""
        return self.home / "bin/lean"

    def server(self, mode: str, *, start_timeout: float) -> Launch:
        """How to start a process that compares or judges; it can write nowhere."""
        return Launch(
            command=self._confined(self._running(mode), read=(), write=()),
            environment=self._environment(self.path),
            folder=str(self.folder),
            start_timeout=start_timeout,
        )

    async def export(self, compiled: Path, out: Path, *, seconds: float) -> Finished:
        """Read a compiled file as data, and write what it holds to `out`, which is there and empty."""
        command = self._running("export", str(compiled), str(out))
        walled = self._confined(command, read=(compiled.parent,), write=(out,))
        return await self._run(walled, self.path, seconds)

    async def compile(self, work: Compilation, *, seconds: float) -> Finished:
        """Compile a file, and let it write to the folder of what it makes alone."""
        given = (*work.options, "--json", f"--root={work.root}", "-o", str(work.compiled), str(work.source))
        walled = self._confined((str(self.lean), *given), read=(work.readable,), write=(work.compiled.parent,))
        return await self._run(walled, work.path, seconds)

    def _running(self, *arguments: str) -> tuple[str, ...]:
        return (str(self.lean), f"--tstack={_STACK_KILOBYTES}", "--run", str(self.folder / "Run.lean"), *arguments)

    def _environment(self, path: Sequence[Path]) -> dict[str, str]:
        found = os.pathsep.join(map(str, (*path, self.folder)))
        return {**native_environment(), "LEAN_PATH": found, "LEAN_SYSROOT": str(self.home)}

    def _confined(self, command: Sequence[str], *, read: Sequence[Path], write: Sequence[Path]) -> list[str]:
        readable = [one.resolve() for one in (self.home, self.folder, *self.path, *read)]
        return confined(command, read=readable, write=write, file_megabytes=FILE_MEGABYTES)

    async def _run(self, command: Sequence[str], path: Sequence[Path], seconds: float) -> Finished:
        """What it printed is believed in nothing."""
        work = partial(run, command, environment=self._environment(path), timeout=seconds, folder=self.folder)
        try:
            return await asyncio.to_thread(work)
        except InstallError as error:
            raise SessionDied(f"Lean: {error.what}", where=error.where) from error


def ready_program(folder: Path, lake: Path, cache: Path, version: str) -> GateProgram:
    """The program for the Lean of the project in `folder`, compiled if it is not.

    Args:
        folder: with the compiled project.
        cache: where programs are kept.
        version: of Lean, "" where it is not known.

    Raises:
        LeanNotFound: this Lean does not take it, so that it can judge nothing.
    """
    variables = lake_variables(folder, lake)
    home = Path(variables.get("LEAN_SYSROOT", ""))
    path = tuple(Path(one) for one in variables.get("LEAN_PATH", "").split(os.pathsep) if one)
    path = tuple(one if one.is_absolute() else folder / one for one in path)
    own = tuple(one for one in path if one.resolve().is_relative_to(folder.resolve()))
    text = program_text(version)
    key = hashlib.sha256(f"{home.resolve()}\0{version}\0{text}".encode()).hexdigest()[:16]
    program = GateProgram(cache / key, home, path, own)
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):
        if not (program.folder / f"{_MODULE}.olean").is_file():
            _compile(program, text, version)
    return program


def _compile(program: GateProgram, text: str, version: str) -> None:
    made = program.folder.with_suffix(".partial")
    made.mkdir(exist_ok=True)
    (made / f"{_MODULE}.lean").write_text(text, encoding="utf-8")
    (made / "Run.lean").write_text(_RUN, encoding="utf-8")
    command = (str(program.lean), "-o", str(made / f"{_MODULE}.olean"), str(made / f"{_MODULE}.lean"))
    environment = {**native_environment(), "LEAN_SYSROOT": str(program.home)}
    try:
        done = run(command, environment=environment, timeout=_COMPILE_SECONDS, folder=made)
        words = (done.output + done.errors).strip()[-_SHOWN_CHARACTERS:]
    except InstallError as error:
        done, words = None, str(error)
    if done is None or done.code:
        raise LeanNotFound(
            f"The gate does not know Lean {version or 'of this toolchain'}, so that no proof can be judged: {words}",
            where=str(program.lean),
            hint="Update lean-orchestrator, or move the project to a release of Lean that docs/native-lean.md names.",
        )
    made.rename(program.folder)
