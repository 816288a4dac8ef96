"""Writes changes of files as one patch that `git apply` takes. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

_CONTEXT_LINES = 3
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
    yield from (
        f"{mark} {name}" + ("\t\n" if " " in name else "\n") for mark, name in (("---", before), ("+++", after))
    )
    yield from _hunks(_lines(old), _lines(new))


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    same_start = _common(old, new)
    same_end = _common(old[same_start:][::-1], new[same_start:][::-1])
    first = max(0, same_start - _CONTEXT_LINES)
    behind = max(0, same_end - _CONTEXT_LINES)
    matcher = difflib.SequenceMatcher(None, old[first : len(old) - behind], new[first : len(new) - behind])
    for group in matcher.get_grouped_opcodes(_CONTEXT_LINES):
        old_range = _range(first + group[0][1], first + group[-1][2])
        new_range = _range(first + group[0][3], first + group[-1][4])
        yield f"@@ -{old_range} +{new_range} @@\n"
        for tag, old_start, old_stop, new_start, new_stop in group:
            if tag == "equal":
                yield from (_line(" ", line) for line in old[first + old_start : first + old_stop])
                continue
            yield from (_line("-", line) for line in old[first + old_start : first + old_stop])
            yield from (_line("+", line) for line in new[first + new_start : first + new_stop])


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _lines(text: str) -> list[str]:
    """Lines with their line feeds; a carriage return is part of its line."""
    *complete, last = text.split("\n")
    return [line + "\n" for line in complete] + ([last] if last else [])


def _line(mark: str, line: str) -> str:
    return mark + line if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"


def _range(start: int, stop: int) -> str:
    """A range of lines as git writes it: an empty one names the line before it."""
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


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
