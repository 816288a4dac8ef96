"""Writes changes of files as one patch that `git apply` takes. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from io import StringIO

_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def unified_diff(changes: Mapping[str, tuple[str, str]]) -> str:
    """The patch that turns each old text into the new one; `changes` maps path → (old, new).

    Paths have forward slashes and are sorted; files that stay as they are do not appear. Every file is taken to exist
    before and after.
    """
    return "".join(
        part for path in sorted(changes) if changes[path][0] != changes[path][1] for part in _file(path, *changes[path])
    )


def _file(path: str, old: str, new: str) -> Iterator[str]:
    before, after = _quoted("a/" + path), _quoted("b/" + path)
    yield f"diff --git {before} {after}\n"
    # Without a tab behind it, a name with blanks in it would be cut at the first.
    before, after = (name + "\t" * (" " in name) for name in (before, after))
    for line in difflib.unified_diff(_lines(old), _lines(new), before, after):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Lines with their line feeds; a carriage return is part of its line."""
    return StringIO(text, newline="\n").readlines()


def _quoted(name: str) -> str:
    """A file name as git writes it: in quotes, with octal bytes, as soon as it holds anything unusual."""
    raw = name.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in _ESCAPES for byte in raw):
        return name
    return '"' + "".join(_escaped(byte) for byte in raw) + '"'


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
