"""How hard a goal looks before anybody has tried it. Pure.

The estimate decides between a light (below 0.6) and a heavy slot, so a statement that one tactic closes stays far below
0.6. The weights are a prior, not a measurement: the policies learn from outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.goals.hypotheses import hypotheses_of, split_goal
from orchestrator.goals.tokens import BINDERS, Token, TokenKind, tokenize

# fmt: off
_RECURSIVE = frozenset((
    "BitVec", "UInt8", "UInt16", "UInt32", "UInt64", "Fin", "Fintype", "String", "Char", "Array", "Vector", "ByteArray",
    "List", "++", "::",
))
# fmt: on
_NUMBERS = frozenset(("Nat", "ℕ"))
_NO_NUMBERS = frozenset(("Option", "some", "none", "Set", "Finset", "Multiset", "∪", "∩", "⊆", "⊂", "Int", "ℤ"))
"""Beside one of these a natural number is not what a proof goes by induction on."""
_CONNECTIVES = frozenset(("∧", "∨", "→", "↔", "¬"))
_UNKNOWN_BINDERS = frozenset("∫∮⨁⨂")
_NONLINEAR = frozenset(("*", "^", "/", "%", "∣"))


def estimated_difficulty(goal_text: str) -> float:
    """How hard the goal looks as Lean prints it, from 0 (trivial) to 1 (hopeless). Never raises."""
    text = goal_text.strip("\n")
    lines, _, target_text = split_goal(text)
    target = tokenize(target_text)
    conclusion = _conclusion(target)
    return min(
        1.0,
        0.05
        + 0.25 * min(1.0, len(target) / 80)
        + 0.08 * min(4, _quantifiers(target))
        + 0.12 * (conclusion[:1] != [] and conclusion[0].text in ("∃", "∃!"))
        + 0.06 * min(4, _depth(target))
        + 0.02 * min(5, len(hypotheses_of(text)))
        + 0.15 * (_smells_of_induction([*map(tokenize, lines), target]) and _applies_function(conclusion))
        + 0.08 * _is_nonlinear(target),
    )


def _smells_of_induction(lines: Sequence[Sequence[Token]]) -> bool:
    words = {part for line in lines for token in line for part in (token.text, token.text.split(".")[0])}
    return bool(words & _RECURSIVE or (words & _NUMBERS and not words & _NO_NUMBERS))


def _outside(tokens: Sequence[Token]) -> list[tuple[int, Token]]:
    """The tokens outside all brackets, with their indices."""
    depth, found = 0, []
    for index, token in enumerate(tokens):
        if token.kind is TokenKind.OPEN:
            depth += 1
        elif token.kind is TokenKind.CLOSE:
            depth -= 1
        elif depth <= 0:
            found.append((index, token))
    return found


def _conclusion(target: Sequence[Token]) -> Sequence[Token]:
    """The target without leading ∀ binders and premises."""
    while target:
        outside = _outside(target)
        if target[0].text == "∀":
            end = next((index for index, token in outside if token.text == ","), None)
        else:
            reach = next((index for index, token in outside if token.text in BINDERS), len(target))
            if any(token.text == "↔" and index < reach for index, token in outside):
                return target
            end = next((index for index, token in outside if token.text in ("→", "->") and index < reach), None)
        if end is None:
            return target
        target = target[end + 1 :]
    return target


def _quantifiers(target: Sequence[Token]) -> int:
    count = 0
    latest = ""
    for before, token in zip([None, *target], target, strict=False):
        if token.text in BINDERS or token.text[0] in _UNKNOWN_BINDERS:
            run = token.text == latest == "∀" and before is not None and before.text == ","
            count += not run
            latest = token.text if token.text in BINDERS else latest
    return count


def _depth(target: Sequence[Token]) -> int:
    """Levels of brackets and binders at which connectives stand."""
    level, levels = 0, set()
    opened: list[int] = []
    for token in target:
        if token.kind is TokenKind.OPEN:
            opened.append(level)
            level += 1
        elif token.kind is TokenKind.CLOSE and opened:
            level = opened.pop()
        elif token.text in BINDERS:
            level += 1
        elif token.text in _CONNECTIVES:
            levels.add(level)
    return len(levels)


def _applies_function(conclusion: Sequence[Token]) -> bool:
    """A name stands in front of an argument, or has a dot: `f x`, `xs.length`."""
    operands = (TokenKind.NAME, TokenKind.NUMBER, TokenKind.OPEN)
    for token, following in zip(conclusion, [*conclusion[1:], None], strict=False):
        if token.kind is TokenKind.FIELD or (token.kind is TokenKind.NAME and "." in token.text):
            return True
        if token.kind is TokenKind.NAME and following is not None and following.kind in operands:
            return True
    return False


def _is_nonlinear(target: Sequence[Token]) -> bool:
    for index, token in enumerate(target):
        if token.text in _NONLINEAR and 0 < index < len(target) - 1:
            around = (target[index - 1].kind, target[index + 1].kind)
            if token.text == "∣" or TokenKind.NUMBER not in around or (token.text == "^" and around[0] != around[1]):
                return True
    return False
