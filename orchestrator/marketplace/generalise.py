"""How the rest of an induction becomes a lemma about any value: Boyer and Moore's cross-fertilisation. Pure.

An induction hypothesis is used up by rewriting with it, and thrown away; terms that then occur more than once become
variables (Boyer, Moore: A Computational Logic, 1979, chapters X and XII).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from orchestrator.marketplace.statements import generalizable, hypotheses, target

_LIBRARY = ("List.", "Nat.", "Int.", "Array.", "Option.", "String.")
_LETTERS = ("k", "l", "m", "k₁", "k₂", "k₃")


def fertilisations(text: str) -> tuple[str, ...]:
    """Scripts that use the equations among a goal's facts, the most telling first, and at last "" for none.

    `text`: a goal without inaccessible names.
    """
    equations = [one.name for one in hypotheses(text) if one.is_fact and " = " in one.type]
    if not equations:
        return ("",)
    ways = ("conv => rhs; rw [← {h}]", "rw [← {h}]", "rw [{h}]")
    return (*("\n".join(f"try ({way.format(h=h)})" for h in equations) for way in ways), "")


def common_terms(plain: str, definitions: Collection[str]) -> tuple[str, ...]:
    """The smallest calls of functions that a goal's target mentions more than once.

    A value that constructors build is not one of them: any other value instead would be another lemma.

    Args:
        plain: the goal, printed without field notation.
        definitions: full names of the functions of the project that the goal sees.
    """
    found = []
    for term in (*generalizable(plain), *_sides(target(plain))):
        head, _, arguments = term.partition(" ")
        called = head in definitions or any(head.endswith(f".{name}") for name in definitions)
        if arguments and (called or head.startswith(_LIBRARY)) and _count(target(plain), term) > 1:
            found.append(term)
    smallest = [term for term in found if not any(other != term and _count(term, other) for other in found)]
    return tuple(dict.fromkeys(smallest))


def abstraction(terms: Collection[str], plain: str) -> tuple[str, ...]:
    """Lines that replace each term by a new variable."""
    taken = set(re.findall(r"[^\s()\[\]{},.:]+", plain))
    letters = (letter for letter in _LETTERS if letter not in taken)
    return tuple(f"generalize {term} = {letter}" for term, letter in zip(terms, letters, strict=False))


def _sides(statement: str) -> tuple[str, ...]:
    left, found, right = statement.partition(" = ")
    return (left.strip(), right.strip()) if found else ()


def _count(text: str, term: str) -> int:
    return len(re.findall(rf"(?<![\w.']){re.escape(term)}(?![\w.'])", text))
