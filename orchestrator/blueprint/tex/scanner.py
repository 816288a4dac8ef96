"""Walks over TeX text: commands, groups and optional arguments, with comments and verbatim text stepped over."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\\(?:(?P<word>[A-Za-z]+(?:@[A-Za-z@]*)?)|(?P<symbol>.))"
    r"|(?P<comment>%[^\r\n]*)|(?P<brace>[{}])|(?P<close>\])",
    re.S,
)
_FILLER = r"(?:%[^\r\n]*(?:\r\n?|\n|$)|[ \t\f])*"
_SPACE = re.compile(rf"{_FILLER}(?:(?:\r\n?|\n){_FILLER})?")
_COMMENT = re.compile(r"(\\.)|%[^\r\n]*(?:(?:\r\n?|\n)[ \t]*)?", re.S)
_BARE_WORD = re.compile(r"[^\s{}\\%]+")
_DELIMITED = re.compile(r"([^\sA-Za-z*])[^\r\n]*?\1")
_RAW_TOKEN = re.compile(r"\\.|[{}]", re.S)

_INLINE_VERBATIM = frozenset({"verb", "lstinline", "mintinline", "Verb"})
_ADDRESSES = frozenset({"url", "href", "path", "nolinkurl"})


@dataclass(frozen=True, slots=True)
class TexCommand:
    """A control word: `name` without the backslash, and where it stands."""

    name: str
    start: int
    end: int


class Scanner:
    """A position in a TeX text that moves forward. A reading method that finds nothing leaves it unchanged."""

    def __init__(self, text: str, position: int = 0) -> None:
        self.text = text
        self.position = position

    def next_command(self, *, braces: bool = False) -> TexCommand | None:
        """Move past the next control word outside comments and inline verbatim; None at the end of the text.

        With `braces` also past the next `{` or `}`.
        """
        while match := _TOKEN.search(self.text, self.position):
            self.position = match.end()
            name = match["word"]
            if name in _INLINE_VERBATIM:
                self._skip_inline_verbatim(name)
            elif name in _ADDRESSES:
                self._skip_address()
            elif name is not None or (braces and match["brace"]):
                return TexCommand(name or match["brace"], match.start(), match.end())
        self.position = len(self.text)
        return None

    def star(self) -> bool:
        """Step over a `*`."""
        if self.text.startswith("*", self.position):
            self.position += 1
            return True
        return False

    def equals(self) -> bool:
        """Step over a `=`, blanks before it allowed."""
        start = self._after_space()
        if self.text.startswith("=", start):
            self.position = start + 1
            return True
        return False

    def group(self) -> str | None:
        """Read `{...}`, blanks and comments before it allowed; its content without comments, blanks made single."""
        return self._bracketed("{", "}")

    def optional(self) -> str | None:
        """Read `[...]` the same way. None as well when it is not closed before the next `\\end`."""
        return self._bracketed("[", "]")

    def control_word(self) -> str | None:
        """Read a control word that must come next, as after `\\let`; its name."""
        match = _TOKEN.match(self.text, self._after_space())
        if match is None or match["word"] is None:
            return None
        self.position = match.end()
        return match["word"]

    def bare_word(self) -> str | None:
        """Read characters up to a blank, as a file name after a brace-less `\\input`."""
        match = _BARE_WORD.match(self.text, self._after_space())
        if match is None:
            return None
        self.position = match.end()
        return match.group()

    def skip_to_group(self) -> None:
        """Move to the next `{`: over the parameter text of `\\def`."""
        while match := _TOKEN.search(self.text, self.position):
            if match["brace"] == "{":
                self.position = match.start()
                return
            self.position = match.end()

    def skip_environment(self, name: str) -> bool:
        """Move past the literal `\\end{name}` of a verbatim environment; False, and to the end, when there is none."""
        closing = f"\\end{{{name}}}"
        end = self.text.find(closing, self.position)
        self.position = len(self.text) if end < 0 else end + len(closing)
        return end >= 0

    def _after_space(self) -> int:
        match = _SPACE.match(self.text, self.position)
        return match.end() if match else self.position

    def _bracketed(self, opening: str, closing: str) -> str | None:
        start = self._after_space()
        end = self._closing(start + 1, closing) if self.text.startswith(opening, start) else None
        if end is None:
            return None
        self.position = end + 1
        return plain(self.text[start + 1 : end])

    def _closing(self, position: int, wanted: str) -> int | None:
        depth = 0
        while match := _TOKEN.search(self.text, position):
            position = match.end()
            if match["brace"] == "{":
                depth += 1
            elif match["brace"] == "}":
                if depth == 0:
                    return match.start() if wanted == "}" else None
                depth -= 1
            elif wanted == "]" and depth == 0 and (match["close"] or match["word"] == "end"):
                return match.start() if match["close"] else None
        return None

    def _skip_inline_verbatim(self, name: str) -> None:
        before = self.position
        self.star()
        if name != "verb":
            self.optional()
        if name == "mintinline":
            self.group()
        if name != "verb" and self.text.startswith("{", self.position):
            self._skip_raw_group()
            return
        match = _DELIMITED.match(self.text, self.position)
        self.position = match.end() if match else before

    def _skip_address(self) -> None:
        start = self._after_space()
        if self.text.startswith("{", start):
            self.position = start
            self._skip_raw_group()

    def _skip_raw_group(self) -> None:
        depth = 0
        for match in _RAW_TOKEN.finditer(self.text, self.position):
            depth += {"{": 1, "}": -1}.get(match.group(), 0)
            if depth == 0:
                self.position = match.end()
                return


def plain(text: str) -> str:
    """TeX text without its comments, stripped, with every run of blanks made one space."""
    return " ".join(_COMMENT.sub(lambda match: match[1] or "", text).split())


def items(text: str) -> tuple[str, ...]:
    """A comma separated list as leanblueprint reads it, without empty items."""
    return tuple(item for item in (part.strip() for part in text.split(",")) if item)
