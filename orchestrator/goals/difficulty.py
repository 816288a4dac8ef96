"""How hard a goal looks before anybody has tried it, and what a policy may know of it. Pure.

    base      0.05
            + 0.25 · min(1, size / 80)             size: tokens of the target
            + 0.08 · min(4, quantifiers)           ∀ ∃ ∑ ∫ … in the target; a leading run of ∀ counts once
            + 0.12   if the conclusion asks for a witness (∃)
            + 0.06 · min(4, depth of nested connectives)
            + 0.02 · min(5, hypotheses)
            + 0.15   if it smells of induction: a function applied to lists, strings, numbers, …
            + 0.08   if its arithmetic is not linear
            + 0.05   if the author stopped half-way (`stop`, `admit`)
    estimate  1 − (1 − base) · 0.85^failures, halved when it was proved before; 1 for a goal that is no proposition

The estimate decides between a light (below 0.6) and a heavy slot, so a statement that one tactic closes stays far below
0.6 and each failure moves a goal up. The weights are a prior, not a measurement: the policies learn from outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.goals.goal import SorryKind
from orchestrator.goals.hypotheses import split_goal
from orchestrator.goals.tokens import BINDERS, PRECEDENCE, Token, TokenKind, tokenize

HEAVY_FROM = 0.6
"""Estimates from here on go to a heavy slot."""


class Domain(StrEnum):
    """The corner of mathematics a goal seems to be about."""

    BITVEC = "bitvec"
    FIN = "fin"
    STRING = "string"
    ARRAY = "array"
    LIST = "list"
    OPTION = "option"
    SET = "set"
    INT = "int"
    NAT = "nat"
    BOOL = "bool"
    PROP = "prop"
    LOGIC = "logic"
    OTHER = "other"


_DOMAIN_WORDS = {  # the first whose words occur decides: from the particular to the general
    Domain.BITVEC: "BitVec UInt8 UInt16 UInt32 UInt64",
    Domain.FIN: "Fin Fintype",
    Domain.STRING: "String Char",
    Domain.ARRAY: "Array Vector ByteArray",
    Domain.LIST: "List ++ ::",
    Domain.OPTION: "Option some none",
    Domain.SET: "Set Finset Multiset ∪ ∩ ⊆ ⊂",
    Domain.INT: "Int ℤ",
    Domain.NAT: "Nat ℕ",
    Domain.BOOL: "Bool true false && ||",
}
_WORDS = {domain: frozenset(words.split()) for domain, words in _DOMAIN_WORDS.items()}
_INDUCTIVE = frozenset((Domain.STRING, Domain.ARRAY, Domain.LIST, Domain.NAT, Domain.FIN, Domain.BITVEC))
_ANALYSIS = frozenset(("ℝ", "ℂ", "ℚ", "ℝ≥0", "Real", "Complex"))
_CONNECTIVES = frozenset(("∧", "∨", "→", "↔", "¬"))
_UNKNOWN_BINDERS = frozenset("∫∮⨁⨂")
_NONLINEAR = frozenset(("*", "^", "/", "%", "∣"))


@dataclass(frozen=True, slots=True)
class GoalFeatures:
    """What can be read off a goal's text.

    Attributes:
        head: outermost operator, binder or function of the conclusion: the target behind its ∀s and premises.
        domain: best guess.
        size: tokens of the target.
        quantifiers: binders in the target, a leading run of ∀ counted once.
        hypotheses: names declared in front of the target.
        connectives: ∧ ∨ → ↔ ¬ in the target.
        depth: how deep connectives nest in brackets and binders, 0 when there are none.
        existential: the conclusion begins with ∃.
        inductive: a function is applied in a domain where proofs go by induction.
        nonlinear: the target multiplies, divides or raises something other than a numeral.
    """

    head: str
    domain: Domain
    size: int
    quantifiers: int
    hypotheses: int
    connectives: int
    depth: int
    existential: bool
    inductive: bool
    nonlinear: bool


def features(goal_text: str) -> GoalFeatures:
    """Read the features off a goal as Lean prints it. Never raises."""
    lines, _, target_text = split_goal(goal_text.strip("\n"))
    hypotheses = [tokenize(line) for line in lines]
    target = tokenize(target_text)
    conclusion = _conclusion(target)
    head = _head(conclusion)
    domain = _domain(hypotheses, target)
    return GoalFeatures(
        head=head,
        domain=domain,
        size=len(target),
        quantifiers=_quantifiers(target),
        hypotheses=sum(_declared(line) for line in hypotheses),
        connectives=sum(token.text in _CONNECTIVES for token in target),
        depth=_depth(target),
        existential=head in ("∃", "∃!"),
        inductive=domain in _INDUCTIVE and _applies_function(conclusion),
        nonlinear=_is_nonlinear(target),
    )


def estimated_difficulty(
    goal_text: str,
    *,
    kind: SorryKind = SorryKind.TACTIC,
    is_prop: bool = True,
    past_failures: int = 0,
    past_successes: int = 0,
) -> float:
    """How hard the goal looks, from 0 (trivial) to 1 (hopeless).

    Args:
        goal_text: as Lean prints it.
        kind: how the source left it open.
        is_prop: false for missing data, which no strategy invents.
        past_failures: attempts of this goal that failed.
        past_successes: attempts of this goal that proved it.
    """
    if not is_prop:
        return 1.0
    seen = features(goal_text)
    base = (
        0.05
        + 0.25 * min(1.0, seen.size / 80)
        + 0.08 * min(4, seen.quantifiers)
        + 0.12 * seen.existential
        + 0.06 * min(4, seen.depth)
        + 0.02 * min(5, seen.hypotheses)
        + 0.15 * seen.inductive
        + 0.08 * seen.nonlinear
        + 0.05 * (kind in (SorryKind.STOP, SorryKind.ADMIT))
    )
    estimate = 1.0 - (1.0 - min(base, 1.0)) * 0.85 ** max(0, past_failures)
    return estimate / 2 if past_successes > 0 else estimate


def _declared(line: Sequence[Token]) -> int:
    """How many names a hypothesis line declares: those in front of its colon."""
    count = 0
    while count < len(line) and line[count].kind is TokenKind.NAME:
        count += 1
    return count


def _outside(tokens: Sequence[Token]) -> list[tuple[int, Token]]:
    """The tokens outside all brackets, with their places."""
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


def _head(conclusion: Sequence[Token]) -> str:
    """The operator that binds loosest outside all brackets, else the first word."""
    outside = _outside(conclusion)
    best = ""
    for index, token in outside:
        if token.text in BINDERS:
            return best or token.text if index else token.text
        if token.text == "¬" and index == 0:
            best = "¬"
        known = PRECEDENCE.get(token.text)
        if known is not None and (not best or known < PRECEDENCE.get(best, 40)):
            best = token.text
    return best or (outside[0][1].text if outside else "")


def _domain(hypotheses: Sequence[Sequence[Token]], target: Sequence[Token]) -> Domain:
    words = {
        part for line in (*hypotheses, target) for token in line for part in (token.text, token.text.split(".")[0])
    }
    for domain, telling in _WORDS.items():
        if words & telling:
            return domain
    propositions = {
        token.text
        for line in hypotheses
        for token in line[: _declared(line)]
        if [word.text for word in line[_declared(line) :]] == [":", "Prop"]
    }
    names = {token.text for token in target if token.kind is TokenKind.NAME}
    if names and names <= propositions | {"True", "False"} and not words & set(BINDERS):
        return Domain.PROP
    shown = {token.text for token in target}
    if not words & _ANALYSIS and (words & {"∀", "∃", "∃!", "Prop"} or shown & _CONNECTIVES):
        return Domain.LOGIC
    if any(token.kind is TokenKind.NUMBER for token in target) and not names:
        return Domain.NAT
    return Domain.OTHER


def _quantifiers(target: Sequence[Token]) -> int:
    count = 0
    for index, token in enumerate(target):
        if token.text == "∀" and _follows_forall(target, index):
            continue
        count += token.text in BINDERS or token.text[0] in _UNKNOWN_BINDERS
    return count


def _follows_forall(target: Sequence[Token], index: int) -> bool:
    """Directly behind the header of another ∀."""
    if not index or target[index - 1].text != ",":
        return False
    before = next((token.text for token in reversed(target[: index - 1]) if token.text in BINDERS), "")
    return before == "∀"


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
    for token, following in zip(conclusion, [*conclusion[1:], None], strict=True):
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
