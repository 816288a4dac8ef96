"""A list of a finished folder's files with their sizes: enough to see within milliseconds that nothing is missing."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

NAME = "manifest.json"
_FRESH_SECONDS = 3600.0


def write_manifest(folder: Path) -> None:
    """List the files of `folder`; to be done last, since a manifest says that the folder is finished."""
    files = {
        str(file.relative_to(folder)): file.stat().st_size
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != NAME
    }
    partial = folder / f"{NAME}.partial"
    partial.write_text(json.dumps({"files": files}), encoding="utf-8")
    partial.replace(folder / NAME)


def find_damage(folder: Path) -> str:
    """The first file of `folder` that is not as the manifest says, as a sentence; "" when all is well."""
    try:
        files = json.loads((folder / NAME).read_bytes())["files"]
        for name, size in files.items():
            if os.stat(f"{folder}/{name}").st_size != size:
                return f"{folder}/{name} has another size than it should"
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{folder} cannot be read: {error}"
    return ""


def mark_used(folder: Path) -> None:
    """Note that `folder` is in use now (at most once an hour; not at all where we may not write)."""
    manifest = folder / NAME
    try:
        if time.time() - manifest.stat().st_mtime > _FRESH_SECONDS:
            os.utime(manifest)
    except OSError:
        return


def seconds_unused(folder: Path) -> float:
    """How long ago `folder` was used last; infinite when it was never finished."""
    try:
        return time.time() - (folder / NAME).stat().st_mtime
    except OSError:
        return float("inf")
