"""Constants that a goal's text speaks of, read off the text where nobody has asked Lean. Pure, and a guess."""

from __future__ import annotations

import re
from collections.abc import Collection

_WORD = re.compile(r"[^\W\d][\w!?'₀-₉]*(?:\.[^\W\d][\w!?'₀-₉]*)*|\d+|[^\s\w(){},⟨⟩.]+")
_FIELD = re.compile(r"\.([^\W\d][\w!?'₀-₉]*)")
_OPERATORS = {
    "+": "HAdd.hAdd",
    "*": "HMul.hMul",
    "-": "HSub.hSub",
    "/": "HDiv.hDiv",
    "%": "HMod.hMod",
    "^": "HPow.hPow",
    "++": "HAppend.hAppend",
    "::": "List.cons",
    "[]": "List.nil",
    "=": "Eq",
    "≠": "Ne",
    "↔": "Iff",
    "∧": "And",
    "∨": "Or",
    "¬": "Not",
    "∃": "Exists",
    "≤": "LE.le",
    "<": "LT.lt",
    "≥": "GE.ge",
    ">": "GT.gt",
    "∣": "Dvd.dvd",
    "∈": "Membership.mem",
    "∘": "Function.comp",
    "&&": "Bool.and",
    "||": "Bool.or",
    "==": "BEq.beq",
    "&&&": "HAnd.hAnd",
    "|||": "HOr.hOr",
    "^^^": "HXor.hXor",
    "~~~": "Complement.complement",
}


def symbols_in(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Those of the known constants that a goal's text names, by name, by field notation or by operator.

    Instances are guessed: every one that belongs to a type which the text names.

    Args:
        text: a goal as Lean prints it, or any words.
        known: full names; looked up, and gone through once.
    """
    tokens = list(dict.fromkeys(_WORD.findall(text)))
    named = [token for token in tokens if token in known]
    types = [name for name in named if name[:1].isupper()]
    found = [f"{typ}.{field}" for field in _FIELD.findall(text) for typ in types]
    found += [_OPERATORS[token] for token in tokens if token in _OPERATORS]
    if any(token.isdigit() for token in tokens):
        found.append("OfNat.ofNat")
    instances = (name for name in known if (last := name.rpartition(".")[2]).startswith("inst") and _suits(last, types))
    return tuple(dict.fromkeys((*named, *(name for name in found if name in known), *sorted(instances))))


def _suits(instance: str, types: Collection[str]) -> bool:
    return instance.startswith("instH") or any(typ in instance for typ in types)
