"""The files a run leaves in its output folder, each written in one step."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import OrchestratorError


def write_outputs(folder: Path, files: Mapping[str, str]) -> tuple[Path, ...]:
    """Write `files` (name → content) into `folder`, which is made if it is not there.

    A file is replaced as a whole or not at all, so that a run that dies leaves no half of one.

    Raises:
        OrchestratorError: the folder or a file cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            handle, scratch = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content.encode("utf-8", "surrogateescape"))
                os.chmod(scratch, 0o644)
                os.replace(scratch, folder / name)
            except BaseException:
                os.unlink(scratch)
                raise
            written.append(folder / name)
    except OSError as error:
        raise OrchestratorError(
            f"The results cannot be written: {error.strerror or error}",
            where=str(folder),
            hint="Name another folder with --out, or free some space.",
        ) from error
    return tuple(written)
