"""Answers that depend on nothing but content, kept under the digest of all of it, so that they are worked out once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from orchestrator import __version__

Value = TypeVar("Value")


class ContentCache:
    """Values of frozen dataclasses in a folder, a file each.

    A file that is missing, damaged or of another version of this program is a miss, never an error; what cannot be
    written is worked out again the next time.

    Args:
        folder: where the files are; made when the first is written.
        keep: how many files stay, the least recently used go first.
    """

    def __init__(self, folder: Path, *, keep: int = 2000) -> None:
        self._folder = folder
        self._keep = keep

    def get(self, key: str, kind: type[Value]) -> Value | None:
        """The value kept under `key`, None when there is none of this kind."""
        file = self._folder / f"{key}.json"
        try:
            value = TypeAdapter(kind).validate_json(file.read_bytes())
            os.utime(file)
        except (OSError, ValidationError, ValueError):
            return None
        return value

    def put(self, key: str, value: object) -> None:
        """Keep `value` under `key`."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, scratch = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(TypeAdapter(type(value)).dump_json(value))
                os.replace(scratch, self._folder / f"{key}.json")
            except BaseException:
                os.unlink(scratch)
                raise
            self._prune()

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[self._keep :]:
            file.unlink(missing_ok=True)


@cache
def program_digest() -> str:
    """SHA-256 over this program's own Python code: for answers that nobody may keep who has mended it since."""
    here = Path(__file__).parents[1]
    code = sorted(here.rglob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in code)).hexdigest()


def content_key(kind: str, parts: Sequence[str]) -> str:
    """SHA-256 over the kind of question, this program's version and everything the answer depends on."""
    return hashlib.sha256(json.dumps([kind, __version__, *parts]).encode()).hexdigest()
