"""The files a run leaves in its output folder, each written in one step."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from orchestrator.errors import OrchestratorError

PATCH = "proofs.patch"
BLUEPRINT_PATCH = "blueprint.patch"
KEPT_RUNS = 30
"""Of a repository, where runs name no folder of their own."""


def check_folder(folder: str) -> None:
    """Make `folder` unless it is there, and see whether files can be written to it ("" stands for none).

    A new one tells git to ignore it, so that results inside a repository are no changes of it.

    Raises OrchestratorError: they cannot.
    """
    if not folder:
        return
    path = Path(folder)
    with _explained(path):
        if not path.exists():
            path.mkdir(parents=True)
            (path / ".gitignore").write_text("*\n", encoding="utf-8")
        with tempfile.TemporaryFile(dir=path):
            pass


def runs_folder(data: Path, repo: str) -> Path:
    """Where the results of a repository's runs are kept that name no folder of their own."""
    name = re.sub(r"[^\w.-]+", "-", repo.rstrip("/").removesuffix(".git").rpartition("/")[2]).strip(".-")
    return data / "runs" / f"{name or 'repository'}-{hashlib.sha256(repo.encode()).hexdigest()[:8]}"


def new_folder(runs: Path) -> Path:
    """A folder for the results of one more run; names sort by time."""
    return runs / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def prune_folders(runs: Path) -> None:
    """Remove all but the newest results, and what is older than those. What cannot be removed stays."""
    complete = sorted(path.parent.name for path in runs.glob("*/summary.json"))
    for folder in runs.iterdir():
        if complete and folder.name < complete[-KEPT_RUNS:][0]:
            shutil.rmtree(folder, ignore_errors=True)


def write_outputs(folder: Path, files: Mapping[str, str]) -> tuple[Path, ...]:
    """Write `files` (name → content) into `folder`, which is made if it is not there.

    A file is replaced as a whole or not at all, so that a run that dies leaves no half of one.

    Raises OrchestratorError: the folder or a file cannot be written.
    """
    check_folder(str(folder))
    for name, content in files.items():
        with replaced_file(folder / name) as file:
            file.write(content)
    return tuple(folder / name for name in files)


@contextmanager
def replaced_file(path: Path) -> Iterator[TextIO]:
    """A text to be written to `path`, which is replaced at the end of the block, or not at all.

    Bytes that are not UTF-8, which `surrogateescape` keeps, and line ends are written as they are.

    Raises OrchestratorError: it cannot be written.
    """
    with _explained(path):
        handle, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    try:
        with _explained(path), os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield file
        with _explained(path):
            os.chmod(scratch, 0o644)
            os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OrchestratorError(
            f"The results cannot be written: {error.strerror or error}",
            where=str(folder),
            hint="Name another folder with --out, or free some space.",
        ) from error
