"""Just enough of Lean's lexical grammar to read attributes: comments, doc comments, strings, names, symbols. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_NAME_PART = r"(?:«[^»]*»|[^\W\d][\w'!?]*)"
_TOKEN = re.compile(
    r"(?P<blank>\s+|--[^\n]*)"
    r"|(?P<block>/-[-!]?)"
    r"|r(?P<hashes>#*)\""
    r"|\"(?P<string>(?:\\.|[^\"\\])*)\""
    r"|'(?:\\[^']+|[^'\\\n])'"
    rf"|(?P<name>{_NAME_PART}(?:\.{_NAME_PART})*)"
    r"|(?P<number>\d+)"
    r"|(?P<symbol>@\[|:=|.)",
    re.S,
)
_COMMENT_EDGE = re.compile(r"/-|-/")
_ESCAPE = re.compile(r"\\(\r?\n\s*|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class TokenKind(StrEnum):
    """What a token is. Ordinary comments and blanks are none."""

    NAME = "name"
    STRING = "string"
    DOC = "doc"
    NUMBER = "number"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Token:
    """A token: a string's or doc comment's `text` is its content, anything else's is as written."""

    kind: TokenKind
    text: str
    start: int

    def is_symbol(self, *texts: str) -> bool:
        """It is one of these symbols."""
        return self.kind is TokenKind.SYMBOL and self.text in texts

    def is_name(self, *texts: str) -> bool:
        """It is one of these names or keywords."""
        return self.kind is TokenKind.NAME and self.text in texts


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a Lean file. Never fails: what is not understood comes as one-character symbols."""
    position = 0
    while match := _TOKEN.match(text, position):
        position = match.end()
        start = match.start()
        if match["block"]:
            position = _block_end(text, position)
            if match["block"] == "/--":
                yield Token(TokenKind.DOC, text[match.end() : position].removesuffix("-/").strip(), start)
        elif match["hashes"] is not None:
            closing = '"' + match["hashes"]
            end = text.find(closing, position)
            content = text[position:] if end < 0 else text[position:end]
            position = len(text) if end < 0 else end + len(closing)
            yield Token(TokenKind.STRING, content, start)
        elif match["string"] is not None:
            yield Token(TokenKind.STRING, _ESCAPE.sub(_unescaped, match["string"]), start)
        else:
            for kind in (TokenKind.NAME, TokenKind.NUMBER, TokenKind.SYMBOL):
                if match[kind.value] is not None:
                    yield Token(kind, match[kind.value], start)


def _block_end(text: str, position: int) -> int:
    """End of a block comment whose opening ends at `position`; the comments nest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(text, position):
        depth += 1 if edge.group() == "/-" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    return "" if code.isspace() else _ESCAPED.get(code, code)
