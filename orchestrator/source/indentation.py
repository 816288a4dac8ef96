"""What stands around a stretch of Lean text, and which columns a block that replaces it may use. Pure.

Lean remembers the column at which a tactic block, a structure instance or an alternative starts; whatever is nested in
it must start further right. `Stretch.anchor` is the innermost such column, so a block two columns right of it is valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.source.commands import DECLARATION_WORDS
from orchestrator.source.lexer import RegionKind, code_mask

CLOSERS = frozenset({")", "]", "}", "⟩"})
_OPENERS = frozenset({"(", "[", "{", "⟨"})
# After these words and symbols Lean notes the column of what follows.
_BLOCK_STARTS = frozenset({"by", "·", "then", "else", "do", "calc", "where"})
_ARROWS = frozenset({"=>", "↦"})
_TOKEN = re.compile(rf'{IDENTIFIER}|[0-9]++|"[^"\\]*+(?:\\.[^"\\]*+)*"|<;>|:=|=>|<\||\|>|\S', re.DOTALL)
_LAST_TOKEN = re.compile(rf"(?:{IDENTIFIER}|<;>|:=|=>|<\||\|>|\S)\Z")
_LAST_TOKEN_REACH = 300
_HEADER = re.compile(
    r"[ ]*(?:·[ ]*)*(?P<start>(?:@\[[^\n]*\][ ]*)?"
    r"(?:(?:private|protected|public|local|scoped|noncomputable|nonrec|unsafe)[ ]+)*"
    r"(?:theorem|lemma|def|abbrev|instance|example|have|let|suffices|obtain|set)\b)"
)
_COMMAND = re.compile(r"^\S", re.MULTILINE)
_DECLARATION = re.compile(rf"(?<![\w.«'!?])(?:{'|'.join(sorted(DECLARATION_WORDS))})(?![\w.'!?])")
_LOCAL = frozenset({"have", "let", "show", "suffices", "fun", "λ", "by", "from"})
_NOT_IN_HEADERS = _BLOCK_STARTS | _ARROWS | {"|", "with", "fun", "λ"}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The token before or behind a stretch; `text` is "" at the end of the file, `column` counts from 0."""

    text: str
    same_line: bool
    column: int = 0


@dataclass(frozen=True)
class Stretch:
    """The stretch from offset `start` to offset `end` of `text`."""

    text: str
    start: int
    end: int

    @cached_property
    def _mask(self) -> str:
        return code_mask(self.text, keep=(RegionKind.STRING, RegionKind.CHARACTER))

    @property
    def line_start(self) -> int:
        """Offset of the first character of the stretch's line."""
        return self.text.rfind("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """Column of the stretch's first character."""
        return self.start - self.line_start

    @cached_property
    def indentation(self) -> int:
        """Column of the first character of the stretch's line that is not blank."""
        return _indentation(self.text[self.line_start : self.start])

    @cached_property
    def before(self) -> Neighbour:
        """The token in front of the stretch."""
        mask = self._mask
        end = len(mask[: self.start].rstrip())
        found = _LAST_TOKEN.search(mask, max(0, end - _LAST_TOKEN_REACH), end)
        if found is None:
            return Neighbour("", same_line=False)
        return Neighbour(found.group(), found.start() >= self.line_start, found.start() - self.line_start)

    @cached_property
    def behind(self) -> Neighbour:
        """The token behind the stretch."""
        found = _TOKEN.search(self._mask, self.end)
        if found is None:
            return Neighbour("", same_line=False)
        line_start = self._mask.rfind("\n", 0, found.start()) + 1
        return Neighbour(found.group(), line_start <= self.end, found.start() - line_start)

    @property
    def padding(self) -> str:
        """White space that brings a new line to the stretch's column."""
        return _blank(self.text[self.line_start : self.start])

    @cached_property
    def block_padding(self) -> str:
        """White space that brings a new line two columns right of the anchor."""
        header = self._header_padding()
        if header is not None:
            return header + "  "
        line = self.text[self.line_start : self.start]
        return _blank(line[: self.anchor]) + "  "

    @cached_property
    def anchor(self) -> int:
        """Column right of which a nested block has to start."""
        return self._anchors()[-1]

    def _anchors(self) -> list[int]:
        """Columns that Lean noted in the stretch's line and that still count there, after the indentation."""
        frames: list[list[int]] = [[self.indentation]]
        pending = False  # the next token starts a block
        functions = 0  # `fun`s whose arrow has not come yet
        bar: int | None = None
        previous = ""
        for token, column in self._tokens_before(self.line_start):
            if pending and token != "by":
                frames[-1].append(column)
                pending = False
            if token in _OPENERS:
                frames.append([frames[-1][-1]])
                pending = token == "{"
            elif token in CLOSERS and len(frames) > 1:
                frames.pop()
                bar = None
            elif token == "," and len(frames) > 1:
                del frames[-1][1:]
            elif token in _BLOCK_STARTS or (token == "." and column == self.indentation):
                pending = True
            elif token in ("fun", "λ"):
                functions += 1
            elif token == "|":
                bar = column
                functions -= previous in ("fun", "λ")
            elif token in _ARROWS and functions:
                functions -= 1
            elif token in _ARROWS:
                if bar is not None:
                    frames[-1].append(bar)
                bar, pending = None, True
            previous = token
        return frames[-1]

    def _tokens_before(self, start: int) -> Iterator[tuple[str, int]]:
        for match in _TOKEN.finditer(self._mask, start, self.start):
            yield match.group(), match.start() - self.line_start

    def _header_padding(self) -> str | None:
        """Blanks up to the declaration whose header the stretch's line continues, None when it continues none."""
        if self._anchors() != [self.indentation]:
            return None
        smallest = self.indentation
        line_end = self.line_start
        while smallest and line_end:
            line_start = self._mask.rfind("\n", 0, line_end - 1) + 1
            line = self._mask[line_start:line_end].rstrip()
            if line and _indentation(line) < smallest:
                smallest = _indentation(line)
                header = _HEADER.match(line)
                if header is not None:
                    start = line_start + header.start("start")
                    return _blank(line[: header.start("start")]) if self._is_own_value(start) else None
            line_end = line_start
        return None

    def _is_own_value(self, header: int) -> bool:
        """The only `:=` outside brackets since the header is the one right before the stretch (but for a `by`)."""
        depth = 0
        outside: list[str] = []
        for token, _ in self._tokens_before(header):
            depth += (token in _OPENERS) - (token in CLOSERS)
            if not depth:
                outside.append(token)
        if outside[-1:] == ["by"]:
            outside.pop()
        return depth == 0 and outside[-1:] == [":="] and _NOT_IN_HEADERS.union([":="]).isdisjoint(outside[:-1])

    @property
    def in_brackets(self) -> bool:
        """The stretch stands inside a bracket, other than a brace, that its command opened."""
        return len(self._opened) > 1 and self._opened[-1][:1] != ["{"]

    @cached_property
    def is_default(self) -> bool:
        """The stretch is the default of a field or a binder: a `by` there would run wherever no value is given."""
        if self.before.text != ":=":
            return False
        if len(self._opened) == 1:
            words = _DECLARATION.findall(self._mask, 0, self.start)
            return bool(words) and words[-1] in ("structure", "class")
        return self._opened[-1][:1] == ["("] and ":" in self._opened[-1] and _LOCAL.isdisjoint(self._opened[-1])

    @cached_property
    def _opened(self) -> list[list[str]]:
        """The tokens of the command, then of each bracket that is open, up to the stretch; not of those closed."""
        starts = [match.start() for match in _COMMAND.finditer(self._mask, 0, self.start)]
        opened: list[list[str]] = [[]]
        for token, _ in self._tokens_before(starts[-1] if starts else 0):
            if token in _OPENERS:
                opened.append([token])
            elif token in CLOSERS and len(opened) > 1:
                opened.pop()
            else:
                opened[-1].append(token)
        return opened


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _blank(text: str) -> str:
    return "".join("\t" if character == "\t" else " " for character in text)
