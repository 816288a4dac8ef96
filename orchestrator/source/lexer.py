"""Lean's lexical layer: what is code and what is comment, string or character, identifiers, and positions. Pure.

The rules are those of Lean's own tokenizer: block comments nest, an identifier may hold `'`, `!`, `?` and `«…»` parts,
`r#"…"#` is raw, and in an interpolated string the text between braces is code again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.goals.tokens import CHARACTER, IDENTIFIER, LETTER, NAME_CHARACTERS, PLAIN_PART

_AT_ONCE = 1_000  # what a group repeats is held in memory until it ends


def _lexer(braces: str) -> re.Pattern[str]:
    """One match skips plain code and stops behind the next thing that is not, or at a brace if asked to.

    The look-ahead keeps what it skips. A possessive group would, too, but not before Python 3.11.5 (gh-106052).
    """
    at_braces = r"| (?P<open>\{) | (?P<close>\})" if braces else ""
    return re.compile(
        rf"""
        (?=(?P<code>(?:
            [^{LETTER}"'/\-«<\\{braces}]++ | (?!r\#*+"){IDENTIFIER}
            | // | <- | \\/ | ''                    # tokens whose end must not be taken for a beginning
            | -(?!-) | /(?!-) | (?!{CHARACTER})' | [<\\«]){{0,{_AT_ONCE}}}))
        (?P=code)
        (?: (?P<line>--[^\n]*+) | (?P<doc>/-[-!]) | (?P<block>/-) | (?P<raw>r(?P<hashes>\#*+)")
          | (?P<string>") | (?P<character>{CHARACTER}) {at_braces} )?
        """,
        re.VERBOSE | re.DOTALL,
    )


_CODE = _lexer("")
_CODE_IN_BRACES = _lexer("{}")
_COMMENT_MARK = re.compile(r"/-|-/")
_STRING_END = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*"', re.DOTALL)
_INTERPOLATED_END = re.compile(r'[^"\\{]*+(?:\\.[^"\\{]*+)*(["{])', re.DOTALL)
_INTERPOLATES = re.compile(
    rf"(?:\A|[^{NAME_CHARACTERS}.])(?:[smf]!|(?:throwError|dbg_trace|e?println!|throwErrorAt\s+[^\s\"]+|trace\[[^\]\n]*\])\s*)\Z"
)
_INTERPOLATES_REACH = 120
_PARTS = re.compile(rf"«([^»]*)»|({PLAIN_PART})")
_PLAIN_PART = re.compile(PLAIN_PART)
_WORD = re.compile(rf"0[xX][0-9a-fA-F]++|[0-9]++|(?P<word>{IDENTIFIER})")
_SELECTOR_OWNER = re.compile(rf"[{NAME_CHARACTERS}»)\]}}⟩]")
_BULLET = re.compile(r"(?:\A|\n|\bby|;)[ ]*\Z")


class RegionKind(StrEnum):
    """What a stretch of text is when it is not code."""

    COMMENT = "comment"
    DOC = "doc"
    STRING = "string"
    CHARACTER = "character"


class Region(NamedTuple):
    """A stretch of text that is not code, as offsets; an interpolated string is cut at its braces."""

    kind: RegionKind
    start: int
    end: int


class Word(NamedTuple):
    """An identifier or keyword in code, as offsets.

    `quoted` holds for a name literal such as `` `sorry ``, `selected` for a field behind a dot such as `(x).sorry`.
    """

    text: str
    start: int
    end: int
    quoted: bool
    selected: bool


@dataclass(frozen=True)
class LineIndex:
    """Turns offsets into positions and back. Only a line feed ends a line, as in Lean."""

    text: str

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Offset of each line's first character."""
        return (0, *(match.end() for match in re.finditer("\n", self.text)))

    def position(self, offset: int) -> Position:
        """Line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return Position(line, offset - self.starts[line - 1])

    def span(self, start: int, end: int) -> SourceSpan:
        """The span between two offsets."""
        return SourceSpan(self.position(start), self.position(end))

    def offset(self, position: Position) -> int | None:
        """Offset of a position, or None when the text has no such line or column."""
        if not 1 <= position.line <= len(self.starts) or position.column < 0:
            return None
        offset = self.starts[position.line - 1] + position.column
        last = position.line == len(self.starts)
        return offset if offset <= (len(self.text) if last else self.starts[position.line] - 1) else None


def regions(text: str) -> tuple[Region, ...]:
    """Everything in `text` that is not code, in order.

    What is not closed reaches to the end of the text, but an interpolated string whose braces do not match is read as
    a plain one: a wrong guess about the interpolation must not swallow the file.
    """
    text = _without_open_quotes(text)
    found: list[Region] = []
    braces: list[int] = []  # depth of braces inside each interpolation we are in
    outermost = 0  # where the outermost interpolated string starts, and how many regions there were
    found_before = 0
    interpolate = True
    position = 0
    while braces or position < len(text):
        match = _next(_CODE_IN_BRACES if braces else _CODE, text, position)
        if match is None and not braces:
            break
        if match is None:
            del found[found_before:]
            braces.clear()
            interpolate = False
            position = _string_end(text, outermost + 1)
            found.append(Region(RegionKind.STRING, outermost, position))
            continue
        kind = match.lastgroup
        start, position = match.start(str(kind)), match.end()
        if kind == "open":
            braces[-1] += 1
        elif kind == "close" and braces[-1]:
            braces[-1] -= 1
        elif kind == "close" or (kind == "string" and interpolate and _interpolated(text, start)):
            if kind == "string" and not braces:
                outermost, found_before = start, len(found)
            end = _INTERPOLATED_END.match(text, position)
            position = end.end() if end else len(text)
            found.append(Region(RegionKind.STRING, start, position))
            if kind == "close":
                braces.pop()
            if end and end.group(1) == "{":
                braces.append(0)
        else:
            region = _plain_region(text, match)
            position = region.end
            found.append(region)
    return tuple(found)


def _next(lexer: re.Pattern[str], text: str, position: int) -> re.Match[str] | None:
    """The next thing that is not plain code; None where there is nothing but code."""
    while True:
        match = lexer.match(text, position)
        if match is None or match.lastgroup != "code":
            return match
        if match.end() == position:
            return None
        position = match.end()


def comment_end(text: str, start: int) -> int:
    """Offset behind the block or doc comment that starts at `start`, or the text's end when it is not closed."""
    depth = 1
    # Lean steps over the character behind a plain `/-`, so `/-/` does not close itself.
    position = start + 3
    while depth:
        mark = _COMMENT_MARK.search(text, position)
        if mark is None:
            return len(text)
        depth += 1 if mark.group() == "/-" else -1
        position = mark.end()
    return position


def code_mask(text: str, *, keep: Collection[RegionKind] = ()) -> str:
    """The text with comments, strings and characters blanked: same length, same line breaks.

    Regions of a kind in `keep` stay as they are.
    """
    pieces: list[str] = []
    done = 0
    for region in regions(text):
        if region.kind in keep:
            continue
        pieces += (text[done : region.start], re.sub(r"[^\r\n]", " ", text[region.start : region.end]))
        done = region.end
    return "".join((*pieces, text[done:]))


def outside_brackets(text: str) -> str:
    """`text` with brackets and what is in them, comments and strings blanked: same length."""
    kept, depth = [], 0
    for character in code_mask(text):
        depth += (character in "([{⟨⦃") - (character in ")]}⟩⦄")
        kept.append(character if depth == 0 and character not in ")]}⟩⦄" else " ")
    return "".join(kept)


def words(mask: str) -> Iterator[Word]:
    """Identifiers and keywords of a text that `code_mask` has masked, in order; numbers are left out."""
    for match in _WORD.finditer(_without_open_quotes(mask)):
        if match.lastgroup is not None:
            start = match.start()
            before = mask[start - 1 : start]
            selected = before == "." and _is_selector(mask, start - 1)
            yield Word(match.group(), start, match.end(), before == "`", selected)


def plain_words(mask: str) -> Iterator[Word]:
    """Those of `words` that may be keywords: neither a name literal nor a field."""
    return (word for word in words(mask) if not word.quoted and not word.selected)


def name_parts(name: str) -> tuple[str, ...]:
    """The parts of a Lean name: `a.«b c».d` gives `a`, `b c`, `d`."""
    return tuple(quoted or plain for quoted, plain in _PARTS.findall(name))


def join_name(parts: Collection[str]) -> str:
    """A Lean name from its parts, with `«…»` only around parts that need it."""
    return ".".join(part if _PLAIN_PART.fullmatch(part) else f"«{part}»" for part in parts)


def suffixes(name: str) -> tuple[str, ...]:
    """The names by which `name` can be meant in some namespace, the longest first."""
    parts = name_parts(name)
    return tuple(join_name(parts[index:]) for index in range(len(parts)))


def _plain_region(text: str, match: re.Match[str]) -> Region:
    kind = str(match.lastgroup)
    start, end = match.start(kind), match.end()
    match kind:
        case "line":
            return Region(RegionKind.COMMENT, start, end)
        case "block" | "doc":
            return Region(RegionKind.DOC if kind == "doc" else RegionKind.COMMENT, start, comment_end(text, start))
        case "raw":
            closing = '"' + match.group("hashes")
            found = text.find(closing, end)
            return Region(RegionKind.STRING, start, len(text) if found < 0 else found + len(closing))
        case "string":
            return Region(RegionKind.STRING, start, _string_end(text, end))
        case _:
            return Region(RegionKind.CHARACTER, start, end)


def _string_end(text: str, position: int) -> int:
    end = _STRING_END.match(text, position)
    return end.end() if end else len(text)


def _without_open_quotes(text: str) -> str:
    """The text, same length, each `«` that no `»` follows made a plain symbol: looking for its end costs a pass."""
    last = text.rfind("»") + 1
    return text[:last] + text[last:].replace("«", "<") if "«" in text[last:] else text


def _interpolated(text: str, quote: int) -> bool:
    return _INTERPOLATES.search(text, max(0, quote - _INTERPOLATES_REACH), quote) is not None


def _is_selector(mask: str, dot: int) -> bool:
    """A dot in front of a word selects a field, unless it is a bullet or one of two dots."""
    if dot and _SELECTOR_OWNER.match(mask, dot - 1):
        return True
    return mask[dot - 1 : dot] != "." and _BULLET.search(mask, max(0, dot - 80), dot) is None
