"""The REPL that fits a toolchain, fetched and built once.

lean-interact says which REPL; fetching and building are ours, so that whatever is missing is said with the command that
brings it, and a REPL of the same minor version may stand in for one that was never released.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock
from packaging.version import InvalidVersion, parse

from orchestrator.errors import CheckoutError, LeanNotFound, RepositoryError
from orchestrator.git.command import must_succeed, run_git
from orchestrator.lean.lake import build

BINARY = ".lake/build/bin/repl"
_CONSTANT = re.compile(r'^(DEFAULT_REPL_\w+) = "([^"]+)"', re.MULTILINE)
_BUILD_SECONDS = 1800.0
_OWN = "or name a built copy of the REPL with ORCH_REPL"


def repl_release() -> tuple[str, str]:
    """The address of the REPL and its release, as the source of lean-interact has them.

    It is read, not imported: importing makes a folder beside its files, which belong to whoever installed the package.
    """
    package = find_spec("lean_interact")
    assert package is not None
    assert package.origin is not None
    said = dict(_CONSTANT.findall(Path(package.origin).with_name("utils.py").read_text(encoding="utf-8")))
    return said["DEFAULT_REPL_GIT_URL"], said["DEFAULT_REPL_VERSION"]


def ready_repl(version: str, lake: Path, cache: Path, own: Path | None = None) -> Path:
    """The folder of a built REPL for a version of Lean: `own` if given, else one in the cache; may take minutes once.

    Raises:
        LeanNotFound: there is none; the hint is the command that helps.
    """
    if own is not None:
        if not (own / BINARY).is_file():
            raise LeanNotFound("The REPL is not built", where=f"ORCH_REPL={own}", hint=f"Run `cd {own} && lake build`")
        return own
    address, revision = repl_release()
    folder = cache / f"{revision}-v{version}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):
        if (folder / BINARY).is_file():
            return folder
        if not folder.is_dir():
            _fetch(folder, address, revision, version)
        try:
            build(folder, lake, seconds=_BUILD_SECONDS)
        except RepositoryError as error:
            hint = f"Run `cd {folder} && lake build`, {_OWN}"
            raise LeanNotFound(f"The REPL is not built: {error.what}", where=str(folder), hint=hint) from error
    return folder


def nearest_tag(tags: Iterable[str], revision: str, version: str) -> str:
    """The tag of the REPL for a version of Lean, else that of the nearest version with the same minor; "" for none."""
    try:
        wanted = parse(version)
    except InvalidVersion:
        return ""
    found = {}
    for tag in tags:
        name, mark, release = tag.partition("_lean-toolchain-v")
        if name == revision and mark and release.startswith(f"{wanted.major}.{wanted.minor}."):
            found[parse(release)] = tag
    below, above = [v for v in found if v <= wanted], [v for v in found if v > wanted]
    return found[max(below)] if below else found[min(above)] if above else ""


def _fetch(folder: Path, address: str, revision: str, version: str) -> None:
    try:
        listed = run_git(["ls-remote", "--tags", "--refs", address], folder=folder.parent)
        must_succeed(listed, doing="its releases cannot be listed", source=address)
        tag = nearest_tag((line.rpartition("/")[2] for line in listed.output.splitlines()), revision, version)
        if not tag:
            hint = f"Build {address} with the project's toolchain and name its folder with ORCH_REPL"
            raise LeanNotFound(f"There is no REPL for Lean {version or 'of this toolchain'}", where=address, hint=hint)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            clone = ["clone", "--quiet", "--depth", "1", "--branch", tag, "--", address, "repl"]
            must_succeed(run_git(clone, folder=Path(made)), doing="it cannot be fetched", source=address)
            # What was compiled by another release, even one of the same minor version, cannot be imported.
            (Path(made) / "repl/lean-toolchain").write_text(f"leanprover/lean4:v{version}\n", encoding="utf-8")
            shutil.move(Path(made) / "repl", folder)
    except CheckoutError as error:
        hint = f"Run again while {address} can be reached, {_OWN}"
        raise LeanNotFound(f"There is no REPL yet, and {error.what}", where=error.where, hint=hint) from error
