"""Polynomials over numbers as Lean prints them: their values, and the products and powers in them. Pure."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from orchestrator.strategies.hammer.goal_facts import GoalFacts

_FACTOR = r"(?:[A-Za-zα-ωΑ-Ω_][\w'₀-₉]*|\d+|\([\w'₀-₉ +*^-]*\))(?: \^ (?:\d+|[A-Za-z_][\w']*|\([\w' +*]*\)))?"
_CHAIN = re.compile(rf"(?<![\w.'^)]){_FACTOR}(?: \* {_FACTOR})*(?![\w.'(])")
_NAME = re.compile(r"[A-Za-zα-ωΑ-Ω_][\w'₀-₉]*")
_POWER = re.compile(r"(?<![\w.'^)])(?P<base>\d+) \^ (?P<exponent>[A-Za-z_][\w']*|\([\w' +*]*\))")
_MOST_DIGITS = 60
_OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


def value(text: str, variables: Mapping[str, int]) -> int | None:
    """The integer that a polynomial has at these values; None for what is no polynomial in these variables."""
    tree = _parsed(text)
    return None if tree is None else _value(tree, variables)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.replace("^", "**"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


def _value(tree: ast.expr, variables: Mapping[str, int]) -> int | None:
    match tree:
        case ast.Constant(value=int(number)):
            return number
        case ast.Name(id=name):
            return variables.get(name)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            found = _value(inner, variables)
            return None if found is None else -found
        case ast.BinOp(left=left, op=kind, right=right):
            a, b = _value(left, variables), _value(right, variables)
            if a is None or b is None:
                return None
            if isinstance(kind, ast.Pow):
                return a**b if b >= 0 and b * abs(a).bit_length() < _MOST_DIGITS * 4 else None
            return _OPERATORS[type(kind)](a, b) if type(kind) in _OPERATORS else None
    return None


def names_in(text: str) -> frozenset[str]:
    """The names of a polynomial."""
    return frozenset(_NAME.findall(text))


def monomials(text: str) -> tuple[str, ...]:
    """Products and powers with more than one factor that is no numeral, as they are printed, without repetition."""
    found: dict[str, None] = {}
    for chain in _CHAIN.findall(text):
        if _degree(chain) > 1:
            found[chain] = None
        elif chain.startswith("("):
            found.update(dict.fromkeys(monomials(chain[1:-1])))
    return tuple(found)


def _degree(chain: str) -> int:
    total = 0
    for factor in re.split(r" \* (?![^()]*\))", chain):
        base, _, exponent = factor.partition(" ^ ") if not factor.endswith(")") else (factor, "", "")
        if names_in(base):
            total += int(exponent) if exponent.isdigit() else 1
    return total


def powers(text: str) -> tuple[tuple[int, str], ...]:
    """Powers of a numeral with an exponent that is none: base and exponent, without repetition."""
    return tuple(dict.fromkeys((int(match["base"]), match["exponent"]) for match in _POWER.finditer(text)))


def linear(text: str, variable: str) -> tuple[int, int] | None:
    """`c`, `d` of a text that is `c * variable + d`; None for anything else."""
    values = [value(text, {variable: place}) for place in range(4)]
    if any(each is None for each in values):
        return None
    zero, one, two, three = (each or 0 for each in values)
    slope = one - zero
    return (slope, zero) if (two, three) == (zero + 2 * slope, zero + 3 * slope) else None


def numbers_of(facts: GoalFacts, *types: str) -> dict[str, str]:
    """The variables of these types, each with its own."""
    return {h.name: h.type for h in facts.data if h.type in types}


def numerals(text: str) -> list[int]:
    return [int(found) for found in dict.fromkeys(re.findall(r"(?<![\w.])\d+(?![\w.])", text)) if len(found) < 7]
