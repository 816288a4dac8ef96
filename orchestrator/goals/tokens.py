"""Words of a goal as Lean prints it: names, numbers, brackets, operators and how tightly the operators bind. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class TokenKind(StrEnum):
    """What a token is, as far as that shows without parsing."""

    NAME = "name"
    FIELD = "field"
    METAVARIABLE = "metavariable"
    NUMBER = "number"
    TEXT = "text"
    OPEN = "open"
    CLOSE = "close"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Token:
    """One word; `attached` says that no white space stands in front of it, which Lean may give a meaning to."""

    kind: TokenKind
    text: str
    attached: bool = False


BRACKETS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⦃": "⦄", "⌊": "⌋", "⌈": "⌉", "⟦": "⟧", "⟪": "⟫", ".{": "}"}
_CLOSERS = frozenset(BRACKETS.values())

# Lean's precedences of infix operators: a body read at level p ends in front of an operator below p.
_INFIX = {
    10: "<| <|> |> |>. $ ▸",
    20: "↔ <->",
    25: "→ -> ≃ ≅ ↪ ≃+* ≃* ≃+ →* →+ →+* ⟶ ⥤",
    30: "∨ || ⊕",
    35: "∧ && × ×'",
    50: "= ≠ < > ≤ ≥ <= >= == != ≈ ≡ ∈ ∉ ⊆ ⊂ ⊇ ⊃ ∣ ∤ ≍",
    55: ">>= |||",
    58: "^^^",
    60: "&&& <*>",
    65: "+ - ++ ∪",
    67: "::",
    68: "⊔",
    69: "⊓",
    70: "* / % ∩ \\",
    73: "•",
    75: "^ <<< >>>",
    90: "∘",
    100: "<$>",
}
PRECEDENCE = {symbol: precedence for precedence, symbols in _INFIX.items() for symbol in symbols.split()}
RELATIONS = frozenset(_INFIX[50].split())

_BINDERS = {0: "∀ ∃ ∃! ∄ Σ Σ' Π fun λ", 60: "⋃ ⋂ ⨆ ⨅", 67: "∑ ∏ ∑' ∏' ∑ᶠ ∏ᶠ"}
BINDERS = {symbol: precedence for precedence, symbols in _BINDERS.items() for symbol in symbols.split()}
"""Each with the precedence its body is read at."""

_WORDS = {
    "keywords": "fun let have let_fun if then else match with by do from in at show suffices calc nomatch nofun for "
    "return where using open",
    "operands": "∅ ⊤ ⊥ ∞ ⋯ … · ⁻¹ † ′ !",
    "affixes": "¬ ↑ ↥ ⇑ √ ∛ @ !! # .( ~ & ? '' ⁻¹' ⁺ ⁻",
}
KEYWORDS = frozenset(_WORDS["keywords"].split())
_OPERANDS = frozenset(_WORDS["operands"].split())
_AFFIXES = _OPERANDS | frozenset(_WORDS["affixes"].split())
_MARKS = ("Lm", "No", "Mn")  # categories of raised and lowered letters and digits: ᵒᵖ, ², and the ᶠ of ∀ᶠ
_BIND_OR_SPLIT = frozenset("∀∃∄∑∏∐∂∫∬∭∮∯∰∱∲∳⋀⋁⋂⋃⊢")

_KNOWN_SYMBOL = re.compile(
    r"<\|>|\|>\.|<\|\|?|\|\|\||\|\|>|\|>|\|\||&&&|&&|\^\^\^|<<<|>>>|<->|->|<-|=>|:=|::|<=|>=>|>>=|>=|=<<|!=|==|!!|\+\+"
    r"|//|\.\.\.|\.\.|<\$>|<\*>|∃!|Σ'|∑'|∏'|×'|⁻¹'|''|\.\(|≃\+\*|≃\+|≃\*|→\+\*|→\+|→\*"
)
_PATTERNS = (
    (TokenKind.NUMBER, re.compile(r"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")),
    (TokenKind.TEXT, re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)),
    (TokenKind.TEXT, re.compile(r"'(?:\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|[^\\'])'", re.DOTALL)),
    (TokenKind.METAVARIABLE, re.compile(r"\?[\w✝][\w.✝']*")),
    (TokenKind.OPEN, re.compile(r"\.\{")),
    (TokenKind.OPEN, re.compile("[" + re.escape("".join(b for b in BRACKETS if len(b) == 1)) + "]")),
    (TokenKind.CLOSE, re.compile("[" + re.escape("".join(_CLOSERS)) + "]")),
    (TokenKind.SYMBOL, _KNOWN_SYMBOL),
)
_PROJECTION = re.compile(r"\.[0-9]+")
_SUPERSCRIPT_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


@lru_cache(maxsize=4096)
def _starts_name(char: str) -> bool:
    return char == "_" or (char.isalpha() and char not in "λΠΣ" and unicodedata.category(char) != "Lm")


@lru_cache(maxsize=4096)
def _continues_name(char: str) -> bool:
    code = ord(char)
    subscript = 0x2080 <= code <= 0x2089 or 0x2090 <= code <= 0x209C or 0x1D62 <= code <= 0x1D6A
    return subscript or char in "0123456789'!?✝" or _starts_name(char)


def _part_end(text: str, start: int) -> int:
    """End of the part of a name between two dots; `start` when there is none."""
    if text.startswith("«", start):
        return text.find("»", start) + 1 or start
    if start >= len(text) or not _starts_name(text[start]):
        return start
    end = start + 1
    while end < len(text):
        marked = text[end] in _SUPERSCRIPT_DIGITS and text[end - 1] in "✝" + _SUPERSCRIPT_DIGITS
        if not marked and not _continues_name(text[end]):
            break
        end += 1
    return end


def _name_end(text: str, start: int) -> int:
    """End of the dotted name at `start`; `start` when there is none."""
    end = _part_end(text, start)
    while end > start and text.startswith(".", end):
        following = _part_end(text, end + 1)
        if following == end + 1:
            break
        end = following
    return end


def _scan(text: str, start: int, attached: bool) -> tuple[TokenKind, int]:
    """Kind and end of the token at `start`, which is not white space."""
    if text[start] == ".":
        projection = _PROJECTION.match(text, start) if attached else None
        end = projection.end() if projection else _name_end(text, start + 1)
        if end > start + 1:
            return TokenKind.FIELD, end
    end = _name_end(text, start)
    if end > start:
        return (TokenKind.SYMBOL if text[start:end] in KEYWORDS else TokenKind.NAME), end
    for kind, pattern in _PATTERNS:
        if found := pattern.match(text, start):
            return kind, found.end()
    end = start + 1
    if not text[start].isascii():
        while end < len(text) and unicodedata.category(text[end]) in _MARKS:
            end += 1
    return TokenKind.SYMBOL, end


def tokenize(text: str) -> list[Token]:
    """Cut `text` into tokens; every character but white space lands in exactly one. Never raises."""
    tokens: list[Token] = []
    position = 0
    attached = False
    while position < len(text):
        if text[position].isspace():
            position += 1
            attached = False
            continue
        kind, end = _scan(text, position, attached)
        tokens.append(Token(kind, text[position:end], attached))
        position, attached = end, True
    return tokens


def is_operand(token: Token) -> bool:
    """Say whether a term can end with this token, so that a minus or a bar behind it is not a prefix."""
    if token.kind is TokenKind.SYMBOL:
        return token.text in _OPERANDS or unicodedata.category(token.text[0]) in _MARKS
    return token.kind is not TokenKind.OPEN


def is_affix(symbol: str) -> bool:
    """Say whether an operator stands in front of or behind one operand."""
    return symbol in _AFFIXES or unicodedata.category(symbol[0]) in _MARKS


def is_neutral(symbol: str) -> bool:
    """Say whether an operator surely binds no variable, and ends no scope but by its precedence."""
    if symbol in PRECEDENCE or is_affix(symbol):
        return True
    code = ord(symbol[0])
    known_range = 0x2190 <= code <= 0x22FF or 0x27C0 <= code <= 0x297F or 0x2A0C <= code <= 0x2AFF or code >> 8 == 0x2B
    return known_range and symbol[0] not in _BIND_OR_SPLIT


def match_brackets(tokens: Sequence[Token]) -> list[int]:
    """For each bracket the index of its partner (0 elsewhere); empty when they do not pair up."""
    partner = [0] * len(tokens)
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind is TokenKind.OPEN:
            stack.append(index)
        elif token.kind is TokenKind.CLOSE:
            if not stack or BRACKETS[tokens[stack[-1]].text] != token.text:
                return []
            partner[index] = stack[-1]
            partner[stack.pop()] = index
    return [] if stack else partner
