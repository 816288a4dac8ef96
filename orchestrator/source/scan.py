"""Finds open places in Lean text before any Lean runs: a prefilter, elaboration decides.

It errs towards listing: `stop` as a variable's name is listed too, since only Lean knows a tactic position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from orchestrator.goals.goal import SourceSpan
from orchestrator.source.header import parse_header
from orchestrator.source.lexer import (
    IDENTIFIER,
    LineIndex,
    Word,
    code_mask,
    join_name,
    masked_words,
    name_parts,
)


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
        word: which one.
        span: the word itself, without its arguments.
        declaration: best textual guess of the enclosing declaration's full name ("" when it has none).
        keyword: what introduces that declaration, such as `theorem`, `instance` or `example` ("" outside any).
    """

    word: OpenWord
    span: SourceSpan
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
        name: best textual guess of its full name.
        keyword: such as `theorem`.
        start, end: offsets from its keyword up to the next declaration's or scope's.
        is_open: a word in between may leave it open.
    """

    name: str
    keyword: str
    start: int
    end: int
    is_open: bool = False


# fmt: off
_DECLARATIONS = frozenset({
    "theorem", "lemma", "def", "abbrev", "instance", "example", "axiom", "opaque", "structure", "inductive", "class",
    "irreducible_def", "proof_wanted",
})
_OTHER_COMMANDS = frozenset({
    "macro", "macro_rules", "elab", "elab_rules", "syntax", "notation", "infix", "infixl", "infixr", "prefix",
    "postfix", "simproc", "initialize", "builtin_initialize", "run_cmd", "run_elab", "attribute", "variable",
    "universe", "open", "export", "deriving", "alias",
})
# fmt: on
_SCOPES = frozenset({"namespace", "section", "mutual", "end"})
_KEYWORDS = _DECLARATIONS | _OTHER_COMMANDS | _SCOPES
_OPEN_WORDS = {str(word): word for word in OpenWord} | {"_root_.sorryAx": OpenWord.SORRY_AX}
_PREFILTER = re.compile("sorry|admit|stop|proof_wanted")
_NAME = re.compile(rf"\s*(?:\(\s*priority\s*:=[^)]*\)\s*)?({IDENTIFIER})")
_SCOPE_NAME = re.compile(rf"[ \t]+({IDENTIFIER})")
_COMMAND_START = re.compile(r"(?:\A|\n)(?:(?:local|scoped)[ ]+)?\Z")  # indented, `open … in` is part of a proof
_LINE_START_REACH = 80


def scan(text: str) -> tuple[SorryCandidate, ...]:
    """Every `sorry`, `admit`, `stop` and `sorryAx` outside comments and strings, in order."""
    return _walk(text)[0]


def proofs_wanted(text: str) -> tuple[ProofWanted, ...]:
    """Every `proof_wanted`, in order."""
    return _walk(text)[1]


def declared(text: str) -> tuple[ScannedDeclaration, ...]:
    """Every named declaration, in order. Those that macros and attributes make are not seen."""
    mask = code_mask(text)
    scopes = _Scopes()
    found: list[ScannedDeclaration] = []
    current: ScannedDeclaration | None = None
    for word in masked_words(mask):
        if word.quoted or word.selected:
            continue
        if word.text in _KEYWORDS:
            before = (scopes.declaration, scopes.keyword)
            scopes.enter(word, mask)
            begins = word.text in _DECLARATIONS and scopes.keyword == word.text
            if begins or word.text in _SCOPES or before != (scopes.declaration, scopes.keyword):
                if current is not None:
                    found.append(replace(current, end=word.start))
                named = begins and scopes.declaration
                current = ScannedDeclaration(scopes.declaration, word.text, word.start, len(text)) if named else None
        elif current is not None and (word.text in _OPEN_WORDS or _unquoted_axiom(word.text) in _OPEN_WORDS):
            current = replace(current, is_open=True)
    return (*found, current) if current is not None else tuple(found)


@dataclass
class _Scopes:
    """Where in the file we are. `names` holds one entry a scope level, "" for sections and `mutual`."""

    names: list[str] = field(default_factory=list)
    declaration: str = ""
    keyword: str = ""

    def enter(self, word: Word, mask: str) -> None:
        """Take note of a keyword."""
        match word.text:
            case "end":
                name = _SCOPE_NAME.match(mask, word.end)
                del self.names[max(0, len(self.names) - (len(name_parts(name[1])) if name else 1)) :]
                self.declaration = self.keyword = ""
            case "mutual":
                self.names.append("")
            case "namespace" | "section":
                name = _SCOPE_NAME.match(mask, word.end)
                parts = name_parts(name[1]) if name and name[1] not in _KEYWORDS else ()
                self.names += parts if word.text == "namespace" else [""] * max(1, len(parts))
                self.declaration = self.keyword = ""
            case text if text in _DECLARATIONS:
                self._declare(word, mask)
            case _ if _COMMAND_START.search(mask, max(0, word.start - _LINE_START_REACH), word.start):
                self.declaration, self.keyword = "", word.text
            case _:
                pass

    def _declare(self, word: Word, mask: str) -> None:
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


def _walk(text: str) -> tuple[tuple[SorryCandidate, ...], tuple[ProofWanted, ...]]:
    if not _PREFILTER.search(text):
        return (), ()
    mask = code_mask(text)
    if not _PREFILTER.search(mask):
        return (), ()
    lines = LineIndex(text)
    scopes = _Scopes()
    candidates: list[SorryCandidate] = []
    wanted: list[ProofWanted] = []
    for word in masked_words(mask):
        if word.quoted or word.selected:
            continue
        if word.text in _KEYWORDS:
            scopes.enter(word, mask)
            if word.text == "proof_wanted":
                name = _NAME.match(mask, word.end)
                end = name.end() if name else word.end
                wanted.append(ProofWanted(scopes.declaration, lines.span(word.start, end)))
        elif "sorry" in word.text or word.text in _OPEN_WORDS:
            kind = _OPEN_WORDS.get(word.text) or _OPEN_WORDS.get(_unquoted_axiom(word.text))
            if kind is not None:
                span = lines.span(word.start, word.end)
                candidates.append(SorryCandidate(kind, span, scopes.declaration, scopes.keyword))
    return tuple(candidates), tuple(wanted)


def _unquoted_axiom(text: str) -> str:
    """`«sorryAx»` is the axiom, while `«sorry»` is a name and not the keyword."""
    name = join_name(name_parts(text))
    return name if name.endswith("sorryAx") else ""


def header_end(text: str) -> int:
    """Offset behind a file's imports."""
    return parse_header(text).end


class OpenWordAt(NamedTuple):
    """A word that may leave a proof open, its offset, and the declaration around it."""

    word: str
    offset: int
    declaration: str


def open_words(text: str) -> Iterator[OpenWordAt]:
    """Words that may leave a proof open, in their order."""
    lines = LineIndex(text)
    for candidate in scan(text):
        offset = lines.offset(candidate.span.start)
        if offset is not None:
            yield OpenWordAt(candidate.word.value, offset, candidate.declaration)
