"""Writes changes of files as one patch that `git apply` takes. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

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
    for group in _grouped(_edits(old, new)):
        old_range = _range(group[0].old.start, group[-1].old.stop)
        new_range = _range(group[0].new.start, group[-1].new.stop)
        yield f"@@ -{old_range} +{new_range} @@\n"
        for edit in group:
            if edit.same:
                yield from (_line(" ", old[place]) for place in edit.old)
                continue
            yield from (_line("-", old[place]) for place in edit.old)
            yield from (_line("+", new[place]) for place in edit.new)


class _Edit(NamedTuple):
    """Lines of the old text in the place of lines of the new one; `same` where they are the same."""

    same: bool
    old: range
    new: range


def _edits(old: Sequence[str], new: Sequence[str]) -> list[_Edit]:
    """All of both texts, in order. What they begin and end with alike is not searched."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    matcher = difflib.SequenceMatcher(None, old[start : len(old) - end], new[start : len(new) - end])
    edits = [_Edit(True, range(start), range(start))]
    for tag, i, j, k, m in matcher.get_opcodes():
        edits.append(_Edit(tag == "equal", range(start + i, start + j), range(start + k, start + m)))
    edits.append(_Edit(True, range(len(old) - end, len(old)), range(len(new) - end, len(new))))
    return [edit for edit in edits if edit.old or edit.new]


def _grouped(edits: Sequence[_Edit]) -> Iterator[list[_Edit]]:
    """Edits that share context, each group with its context and no more.

    Context is cut short only by an end of the file: git takes a hunk with less behind it for one at the file's end.
    """
    group: list[_Edit] = []
    changed = False
    for edit in edits:
        if not edit.same:
            group.append(edit)
            changed = True
        elif changed and len(edit.old) > 2 * _CONTEXT_LINES:
            yield [*group, _Edit(True, edit.old[:_CONTEXT_LINES], edit.new[:_CONTEXT_LINES])]
            group, changed = [_last_lines(edit)], False
        elif changed:
            group.append(edit)
        else:
            group = [_last_lines(edit)]
    if changed:
        if group[-1].same:
            group[-1] = _Edit(True, group[-1].old[:_CONTEXT_LINES], group[-1].new[:_CONTEXT_LINES])
        yield group


def _last_lines(edit: _Edit) -> _Edit:
    return _Edit(True, edit.old[-_CONTEXT_LINES:], edit.new[-_CONTEXT_LINES:])


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
