"""Finds what Lean text declares and leaves open before any Lean runs: a prefilter, elaboration decides.

It errs towards listing: `stop` as a variable's name is listed too, since only Lean knows a tactic position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from orchestrator.goals.goal import SourceSpan
from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.source.commands import COMMAND_WORDS, DECLARATION_WORDS, MODIFIERS, SCOPE_NAME
from orchestrator.source.lexer import LineIndex, Word, code_mask, join_name, name_parts, plain_words


class OpenWord(StrEnum):
    """The words that leave a proof open."""

    SORRY = "sorry"
    ADMIT = "admit"
    STOP = "stop"
    SORRY_AX = "sorryAx"


@dataclass(frozen=True, slots=True)
class SorryCandidate:
    """A word that may leave a proof open.

    Attributes:
        span: the word itself, without its arguments.
        declaration: best textual guess of the enclosing declaration's full name ("" when it has none).
        keyword: what introduces that declaration, such as `theorem`, `instance` or `example` ("" outside any).
    """

    word: OpenWord
    span: SourceSpan
    offset: int
    declaration: str = ""
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class ProofWanted:
    """A `proof_wanted`: a statement whose proof nobody has written, with no `sorry` in it.

    `span` covers the keyword and the name.
    """

    declaration: str
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class ScannedDeclaration:
    """A declaration as the text shows it.

    Attributes:
        start, end: offsets from its keyword up to the next declaration's or scope's.
        is_open: a word in between may leave it open.
    """

    name: str
    keyword: str
    start: int
    end: int
    is_open: bool = False


_SCOPES = frozenset({"namespace", "section", "mutual", "end"})
_DECLARATIONS = DECLARATION_WORDS - {"alias"}
_KEYWORDS = (COMMAND_WORDS - MODIFIERS) | {"deriving"}
_OPEN_WORDS = {str(word): word for word in OpenWord} | {"_root_.sorryAx": OpenWord.SORRY_AX}
_PREFILTER = re.compile("sorry|admit|stop")
_NAME = re.compile(rf"\s*(?:\(\s*priority\s*:=[^)]*\)\s*)?({IDENTIFIER})")
_COMMAND_START = re.compile(r"(?:\A|\n)(?:(?:local|scoped)[ ]+)?\Z")  # indented, `open … in` is part of a proof
_LINE_START_REACH = 80


def scan(text: str) -> tuple[SorryCandidate, ...]:
    """Every `sorry`, `admit`, `stop` and `sorryAx` outside comments and strings, in order."""
    if not _PREFILTER.search(text):
        return ()
    lines = LineIndex(text)
    return tuple(
        SorryCandidate(kind, lines.span(word.start, word.end), word.start, scopes.declaration, scopes.keyword)
        for word, scopes in _walk(text)
        if (kind := _open_word(word.text)) is not None
    )


def proofs_wanted(text: str) -> tuple[ProofWanted, ...]:
    """Every `proof_wanted`, in order."""
    if "proof_wanted" not in text:
        return ()
    lines = LineIndex(text)
    found = ((word, scopes) for word, scopes in _walk(text) if word.text == "proof_wanted")
    return tuple(
        ProofWanted(scopes.declaration, lines.span(word.start, name.end() if name else word.end))
        for word, scopes in found
        for name in [_NAME.match(scopes.mask, word.end)]
    )


def declared(text: str) -> tuple[ScannedDeclaration, ...]:
    """Every named declaration, in order. Those that macros and attributes make are not seen."""
    found: list[ScannedDeclaration] = []
    current: ScannedDeclaration | None = None
    before = ("", "")
    for word, scopes in _walk(text):
        now = (scopes.declaration, scopes.keyword)
        begins = word.text in _DECLARATIONS and scopes.keyword == word.text
        if begins or word.text in _SCOPES or now != before:
            if current is not None:
                found.append(replace(current, end=word.start))
            named = begins and scopes.declaration
            current = ScannedDeclaration(scopes.declaration, word.text, word.start, len(text)) if named else None
        elif current is not None and _open_word(word.text) is not None:
            current = replace(current, is_open=True)
        before = now
    return (*found, current) if current is not None else tuple(found)


@dataclass
class _Scopes:
    """Where in the file we are. `names` holds one entry a scope level, "" for sections and `mutual`."""

    mask: str
    names: list[str] = field(default_factory=list)
    declaration: str = ""
    keyword: str = ""

    def enter(self, word: Word) -> None:
        """Take note of a keyword."""
        match word.text:
            case "end":
                name = SCOPE_NAME.match(self.mask, word.end)
                del self.names[max(0, len(self.names) - (len(name_parts(name[1])) if name else 1)) :]
                self.declaration = self.keyword = ""
            case "mutual":
                self.names.append("")
            case "namespace" | "section":
                name = SCOPE_NAME.match(self.mask, word.end)
                parts = name_parts(name[1]) if name and name[1] not in _KEYWORDS else ()
                self.names += parts if word.text == "namespace" else [""] * max(1, len(parts))
                self.declaration = self.keyword = ""
            case text if text in _DECLARATIONS:
                self._declare(word)
            case _ if _COMMAND_START.search(self.mask, max(0, word.start - _LINE_START_REACH), word.start):
                self.declaration, self.keyword = "", word.text
            case _:
                pass

    def _declare(self, word: Word) -> None:
        mask = self.mask
        before = mask[max(0, word.start - _LINE_START_REACH) : word.start].rstrip()
        # `@[instance]`, `attribute [-instance]`, `deriving instance`, `class inductive`, `class abbrev`
        if word.text in ("instance", "class") and before.endswith(("[", ",", "-", "deriving", "local", "scoped")):
            after = mask[word.end : word.end + _LINE_START_REACH].lstrip()
            if after[:1] in ("]", ",") or before.endswith("deriving"):
                return
        self.keyword = word.text
        name = None if word.text == "example" else _NAME.match(mask, word.end)
        parts = name_parts(name[1]) if name and name[1] not in _KEYWORDS else ()
        if parts[:1] == ("_root_",):
            self.declaration = join_name(parts[1:])
        else:
            self.declaration = join_name([*filter(None, self.names), *parts]) if parts else ""


def _walk(text: str) -> Iterator[tuple[Word, _Scopes]]:
    """The words of the code, each with what it stands in; that of a declaration's keyword is the declaration."""
    scopes = _Scopes(code_mask(text))
    for word in plain_words(scopes.mask):
        if word.text in _KEYWORDS:
            scopes.enter(word)
        yield word, scopes


def _open_word(text: str) -> OpenWord | None:
    """`«sorryAx»` is the axiom, while `«sorry»` is a name and not the keyword."""
    if text in _OPEN_WORDS or not text.endswith("sorryAx»"):
        return _OPEN_WORDS.get(text)
    return _OPEN_WORDS.get(join_name(name_parts(text)))
