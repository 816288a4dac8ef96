"""Constants that a goal's text mentions, read off the text where Lean was not asked. Pure, and a guess."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from orchestrator.goals.tokens import WORD, WORD_PART

_WORD = re.compile(rf"{WORD}|\d+|[^\s\w(){{}},⟨⟩.]+")
_FIELD = re.compile(rf"\.({WORD_PART})")
INFIX = {
    "=": "Eq",
    "≠": "Ne",
    "↔": "Iff",
    "∧": "And",
    "∨": "Or",
    "≤": "LE.le",
    "<": "LT.lt",
    "≥": "GE.ge",
    ">": "GT.gt",
    "∣": "Dvd.dvd",
    "+": "HAdd.hAdd",
    "-": "HSub.hSub",
    "*": "HMul.hMul",
    "/": "HDiv.hDiv",
    "%": "HMod.hMod",
    "^": "HPow.hPow",
    "++": "HAppend.hAppend",
    "::": "List.cons",
    "&&": "Bool.and",
    "||": "Bool.or",
    "==": "BEq.beq",
}
"""The constants behind infix notation."""
_OPERATORS = {
    **INFIX,
    "[]": "List.nil",
    "¬": "Not",
    "∃": "Exists",
    "∈": "Membership.mem",
    "∘": "Function.comp",
    "&&&": "HAnd.hAnd",
    "|||": "HOr.hOr",
    "^^^": "HXor.hXor",
    "~~~": "Complement.complement",
}


def symbols_in(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Those of the known constants that a goal's text names, by name, by field notation or by operator."""
    tokens = list(dict.fromkeys(_WORD.findall(text)))
    named = [token for token in tokens if token in known]
    found = [f"{typ}.{field}" for field in _FIELD.findall(text) for typ in named if typ[:1].isupper()]
    found += [_OPERATORS[token] for token in tokens if token in _OPERATORS]
    if any(token.isdigit() for token in tokens):
        found.append("OfNat.ofNat")
    return tuple(dict.fromkeys((*named, *(name for name in found if name in known))))


def instances_of(symbols: Collection[str], known: Iterable[str]) -> tuple[str, ...]:
    """Those of the known constants that may be instances behind the notation of a text that names these symbols."""
    types = [name for name in symbols if name[:1].isupper()]
    instances = (name for name in known if name.rpartition(".")[2].startswith("inst"))
    return tuple(name for name in instances if name.startswith("instH") or any(typ in name for typ in types))
