"""The header of a Lean file: its imports and whether it is a module. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.source.lexer import comment_end, join_name, name_parts

_BLANK_OR_LINE_COMMENT = re.compile(r"(?:\ufeff|\s++|--[^\n]*+)*")
_WORD = re.compile(IDENTIFIER)
_VISIBILITY = frozenset({"public", "private", "meta"})
_IMPORT_MODIFIERS = frozenset({"all", "runtime"})


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a file's first command.

    Attributes:
        imports: module names in order, written without needless `«»`.
        end: offset behind the header's last word, 0 when there is no header.
    """

    imports: tuple[str, ...] = ()
    is_module: bool = False
    end: int = 0


def parse_header(text: str) -> Header:
    """Read the header; a doc comment or any other command ends it."""
    imports: list[str] = []
    is_module = False
    end = 0
    word, position = _next_word(text, 0)
    if word == "module":
        is_module, end = True, position
        word, position = _next_word(text, position)
    if word == "prelude":
        end = position
        word, position = _next_word(text, position)
    while True:
        while word in _VISIBILITY:
            word, position = _next_word(text, position)
        if word != "import":
            break
        name, position = _next_word(text, position)
        word, after = _next_word(text, position)
        # `import all` alone names a module called `all`; in front of a name it is a modifier.
        while name in _IMPORT_MODIFIERS and word and word not in _VISIBILITY and word != "import":
            name, position = word, after
            word, after = _next_word(text, position)
        if not name:
            break
        imports.append(join_name(name_parts(name)))
        end, position = position, after
    return Header(tuple(imports), is_module, end)


def sees_private_parts(text: str) -> bool:
    """Whether a file may see what modules hide: it is none itself, or imports one with `import all`."""
    header = parse_header(text)
    return not header.is_module or "all" in text[: header.end].split()


def _next_word(text: str, position: int) -> tuple[str, int]:
    """The next identifier and the offset behind it, over blanks and comments; "" when something else comes."""
    while True:
        blank = _BLANK_OR_LINE_COMMENT.match(text, position)
        position = blank.end() if blank else position
        if not text.startswith("/-", position) or text[position + 2 : position + 3] in ("-", "!"):
            break
        position = comment_end(text, position)
    word = _WORD.match(text, position)
    return (word.group(), word.end()) if word else ("", position)
