"""Steps that take a goal apart: induction, cases, extensionality, unfolding, witnesses. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.strategies.goal_facts import Facts, Hypothesis, applications

_INDUCTIVE = frozenset({"Nat", "Int", "List", "Option", "Bool", "Fin", "Array", "Prod", "Sum", "Except", "Subtype"})
_RECURSIVE = frozenset({"Nat", "List"})
_SPLITTING = ("∧", "∨", "∃")
_TARGETS = 4
_ACCUMULATORS = ((" []", ("{r} ++ acc", "acc ++ {r}")), (" 0", ("acc + {r}",)), (" 1", ("acc * {r}",)))


@dataclass(frozen=True, slots=True)
class Move:
    """A tactic that leaves goals; the dearer, the later it is tried and what it leaves."""

    tactic: str
    cost: float


def moves(facts: Facts, plain: str) -> tuple[Move, ...]:
    """Every move on a goal, the cheapest first, without repetition.

    Args:
        facts: the goal, its hypotheses with names where possible.
        plain: the goal printed without field notation, to find what functions are applied to.
    """
    found: dict[str, float] = {}
    for maker in (_logic, _extensionality, _inductions, _generalisations, _cases, _unfolding):
        for move in maker(facts, plain):
            found[move.tactic] = min(move.cost, found.get(move.tactic, move.cost))
    return tuple(Move(tactic, cost) for tactic, cost in sorted(found.items(), key=lambda item: item[1]))


def _logic(facts: Facts, plain: str) -> Iterator[Move]:
    target = facts.target
    if " ∧ " in target or " ↔ " in target:
        yield Move("constructor", 0.6)
    if " ∨ " in target:
        yield Move("left", 1.2)
        yield Move("right", 1.2)
    if re.search(r"\bif\b|\bmatch\b", target):
        yield Move("split", 0.6)
    for h in facts.facts:
        if re.search(r"\bif\b|\bmatch\b", h.type):
            yield Move(f"split at {h.name}", 0.8)
    if " ≠ " in target or target.startswith("¬"):
        yield Move("intro h", 0.4)


def _extensionality(facts: Facts, plain: str) -> Iterator[Move]:
    if " = " in facts.target and not _is_arithmetic(facts):
        yield Move("funext x", 0.7)
        yield Move("ext", 0.9)
        yield Move("apply propext", 0.9)


def _is_arithmetic(facts: Facts) -> bool:
    return bool(re.search(r"[+*%/]", facts.target)) and "fun" not in facts.target


def _inductions(facts: Facts, plain: str) -> Iterator[Move]:
    plain_target = plain.rpartition("⊢ ")[2]
    for function in facts.local.definitions:
        for rank, arguments in enumerate(applications(plain_target, function)[:3]):
            yield Move(f"fun_induction {function} {arguments}", 1.0 + 0.1 * rank)
            yield Move(f"fun_cases {function} {arguments}", 1.6 + 0.1 * rank)
    for rank, h in enumerate(_ranked(facts)):
        own = h.head in facts.local.types
        if h.head in _RECURSIVE or own:
            others = _others(facts, h)
            if others:
                yield Move(f"induction {h.name} generalizing {' '.join(others)}", 0.95 + 0.15 * rank)
            yield Move(f"induction {h.name}", 0.9 + 0.15 * rank)
    for rank, h in enumerate(facts.facts):
        if h.head in facts.local.predicates:
            others = [o for o in _others(facts, h) if o not in h.words]
            if others:
                yield Move(f"induction {h.name} generalizing {' '.join(others)}", 0.85 + 0.1 * rank)
            yield Move(f"induction {h.name}", 0.8 + 0.1 * rank)


def _ranked(facts: Facts) -> list[Hypothesis]:
    """Data variables: of the project's own types first, then those that the target speaks of most."""
    words = facts.target_words

    def rank(h: Hypothesis) -> tuple[int, int]:
        # A number beside a structure is seldom what the recursion runs on.
        kind = 0 if h.head in facts.local.types else {"List": 1, "Nat": 2}.get(h.head, 3)
        return kind, -words.count(h.name)

    return sorted(facts.data, key=rank)[:_TARGETS]


def _generalisations(facts: Facts, plain: str) -> Iterator[Move]:
    """Statements about an accumulator, conjectured from an equation in which it starts out as zero or nil.

    `f xs [] = g xs` suggests `∀ acc, f xs acc = g xs ++ acc`: what the induction then needs.
    """
    left, equals, right = facts.target.partition(" = ")
    if not equals or " = " in right:
        return
    for start, joined in _ACCUMULATORS:
        for side, other in ((left, right), (right, left)):
            if _occurrences(side, start) == 1:
                general = _replaced(side, start, " acc")
                bare = other if re.fullmatch(r"[\w.'₀-₉]+", other) else f"({other})"
                for join in joined:
                    yield Move(f"have key : ∀ acc, {general} = {join.format(r=bare)}", 1.4)


def _occurrences(text: str, word: str) -> int:
    return len(re.findall(rf"{re.escape(word)}(?![\w.])", text))


def _replaced(text: str, word: str, by: str) -> str:
    return re.sub(rf"{re.escape(word)}(?![\w.])", by, text)


def _others(facts: Facts, chosen: Hypothesis) -> list[str]:
    return [h.name for h in facts.data if h.name != chosen.name and h.name not in chosen.words]


def _cases(facts: Facts, plain: str) -> Iterator[Move]:
    for h in facts.facts:
        if h.head in facts.local.predicates:
            yield Move(f"cases {h.name}", 0.9)
        elif any(f" {symbol} " in h.type or h.type.startswith(symbol) for symbol in _SPLITTING) and "∀" not in h.type:
            yield Move(_take_apart(h), 0.7)
    for rank, h in enumerate(_ranked(facts)):
        if h.head in _INDUCTIVE or h.head in facts.local.types:
            yield Move(f"cases {h.name}", 1.1 + 0.15 * rank)


def _take_apart(hypothesis: Hypothesis) -> str:
    if " ∨ " in hypothesis.type and not hypothesis.type.startswith("∃"):
        return f"rcases {hypothesis.name} with {hypothesis.name} | {hypothesis.name}"
    return f"cases {hypothesis.name}"


def _unfolding(facts: Facts, plain: str) -> Iterator[Move]:
    if facts.local.definitions:
        listed = ", ".join(facts.local.definitions)
        yield Move(f"simp only [{listed}] at *", 1.0)
        yield Move(f"simp [{listed}]", 1.1)
        yield Move(f"simp_all [{listed}]", 1.2)
    else:
        yield Move("simp_all", 1.3)
