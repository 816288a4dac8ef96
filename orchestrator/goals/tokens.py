"""Words of a goal as Lean prints it: names, numbers, brackets, operators and how tightly the operators bind. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LETTER = (
    "A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f"  # Latin without × and ÷
    "\u0391-\u039f\u03a1\u03a2\u03a4-\u03a9\u03b1-\u03ba\u03bc-\u03fb"  # Greek without Π, Σ and λ
    "\u1f00-\u1ffe\u2100-\u214f\U0001d49c-\U0001d59f"
)
"""What a name may begin with, for a regular expression's brackets."""
NAME_CHARACTERS = LETTER + "0-9'!?\u2080-\u2089\u2090-\u209c\u1d62-\u1d6a\u2c7c"
"""What a name may go on with, for a regular expression's brackets."""
PLAIN_PART = rf"[{LETTER}][{NAME_CHARACTERS}]*+"
"""Regular expression of a part of a name between two dots, without `«»`."""
_PART = rf"(?:{PLAIN_PART}|«[^»]*+»)"
IDENTIFIER = rf"{_PART}(?:\.{_PART})*"
"""Regular expression of an identifier or keyword, dots included."""
CHARACTER = r"'(?:\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|[^\\'])'"
WORD_PART = r"[^\W\d][\w!?'₀-₉]*"
WORD = rf"{WORD_PART}(?:\.{WORD_PART})*"
"""Regular expression of what reads like a name, in text that need not be Lean's: any letter may begin it."""
_PRINTED_PART = rf"(?:[{LETTER}](?:[{NAME_CHARACTERS}]|✝[⁰¹²³⁴⁵⁶⁷⁸⁹]*)*|«[^»]*+»)"  # ✝ marks inaccessible names
_PRINTED_NAME = rf"{_PRINTED_PART}(?:\.{_PRINTED_PART})*"


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

_KNOWN_SYMBOL = (
    r"<\|>|\|>\.|<\|\|?|\|\|\||\|\|>|\|>|\|\||&&&|&&|\^\^\^|<<<|>>>|<->|->|<-|=>|:=|::|<=|>=>|>>=|>=|=<<|!=|==|!!|\+\+"
    r"|//|\.\.\.|\.\.|<\$>|<\*>|∃!|Σ'|∑'|∏'|×'|⁻¹'|''|\.\(|≃\+\*|≃\+|≃\*|→\+\*|→\+|→\*"
)
_TOKEN = re.compile(
    rf"""
    (?P<field> (?<=\S)\.[0-9]+ | \.{_PRINTED_NAME} )
    | (?P<name> {_PRINTED_NAME} )
    | (?P<number> 0[xX][0-9a-fA-F]+ | 0[bB][01]+ | 0[oO][0-7]+ | [0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)? )
    | (?P<text> "(?:[^"\\]|\\.)*" | {CHARACTER} )
    | (?P<metavariable> \?[\w✝][\w.✝']* )
    | (?P<open> \.\{{ | [{re.escape("".join(b for b in BRACKETS if len(b) == 1))}] )
    | (?P<close> [{re.escape("".join(_CLOSERS))}] )
    | (?P<symbol> {_KNOWN_SYMBOL} )
    | (?P<other> \S )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokenize(text: str) -> list[Token]:
    """Cut `text` into tokens; every character but white space lands in exactly one. Never raises."""
    tokens: list[Token] = []
    position = 0
    while (found := _TOKEN.search(text, position)) is not None:
        start, end = found.span()
        if found.lastgroup == "other" or found[0] in KEYWORDS:
            kind = TokenKind.SYMBOL
            while not text[start].isascii() and end < len(text) and unicodedata.category(text[end]) in _MARKS:
                end += 1
        else:
            kind = TokenKind(str(found.lastgroup))
        tokens.append(Token(kind, text[start:end], attached=0 < start == position))
        position = end
    return tokens


def is_operand(token: Token) -> bool:
    """Whether a term can end with this token, so that a minus or a bar behind it is not a prefix."""
    if token.kind is TokenKind.SYMBOL:
        return token.text in _OPERANDS or unicodedata.category(token.text[0]) in _MARKS
    return token.kind is not TokenKind.OPEN


def is_affix(symbol: str) -> bool:
    """Whether an operator stands in front of or behind one operand."""
    return symbol in _AFFIXES or unicodedata.category(symbol[0]) in _MARKS


def is_neutral(symbol: str) -> bool:
    """Whether an operator surely binds no variable, and ends no scope but by its precedence."""
    if symbol in PRECEDENCE or is_affix(symbol):
        return True
    code = ord(symbol[0])
    known_range = 0x2190 <= code <= 0x22FF or 0x27C0 <= code <= 0x297F or 0x2A0C <= code <= 0x2AFF or code >> 8 == 0x2B
    return known_range and symbol[0] not in _BIND_OR_SPLIT


def closing(text: str, start: int) -> int:
    """Where the bracket closes that opens at `start`; -1 when it stays open."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] in "([{⟨⦃") - (text[index] in ")]}⟩⦄")
        if depth == 0:
            return index
    return -1


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
