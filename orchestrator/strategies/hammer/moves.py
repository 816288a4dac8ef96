"""Steps that take a goal apart: induction, cases, extensionality, unfolding, witnesses. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from orchestrator.goals.hypotheses import Hypothesis
from orchestrator.strategies.hammer.closers import NO_LEMMAS, Lemmas
from orchestrator.strategies.hammer.goal_facts import GoalFacts, applications, arguments_of
from orchestrator.strategies.hammer.inductions import by_principles, is_recursive, others, ranked

_INDUCTIVE = frozenset({"Nat", "Int", "List", "Option", "Bool", "Fin", "Array", "Prod", "Sum", "Except", "Subtype"})
_SPLITTING = ("∧", "∨")
_TARGETS = 4
_THEOREMS = 8
_ACCUMULATORS = (
    (" []", ("{r} ++ acc", "acc ++ {r}", "acc.reverse ++ {r}")),
    (" #[]", ("acc ++ {r}", "acc.toList ++ {r}")),
    (' ""', ("acc ++ {r}", "acc.toList ++ {r}")),
    (" 0", ("acc + {r}",)),
    (" 1", ("acc * {r}",)),
)
"""What an accumulator starts out as, and how a result is then joined to it."""


@dataclass(frozen=True, slots=True)
class Move:
    """A tactic that leaves goals; the more it costs, the later it and what it leaves are tried."""

    tactic: str
    cost: float


class Apart(Enum):
    """Which moves: those that turn what an induction leaves into a lemma of its own, or all."""

    RESTATED = auto()
    EVERY_WAY = auto()


def moves(facts: GoalFacts, plain: str, how: Apart = Apart.EVERY_WAY, lemmas: Lemmas = NO_LEMMAS) -> tuple[Move, ...]:
    """Every move on a goal, the cheapest first, without repetition.

    `plain`: the goal printed without field notation, to find what functions are applied to.
    """
    found: dict[str, float] = {}
    restating: tuple[Maker, ...] = (_fertilisations, _abstractions)
    taking_apart: tuple[Maker, ...] = (_logic, _rules, _monads, _extensionality, _inductions, _generalisations, _cases)
    makers = restating if how is Apart.RESTATED else (*taking_apart, *restating)
    # `h : t.Ordered` does not say that `h` is of a predicate; `h : Tree.Ordered t` does.
    plainly = GoalFacts(plain, facts.local)
    for maker in (*makers, _unfolding):
        for move in maker(plainly if maker in (_inductions, _cases) else facts, plain):
            found[move.tactic] = min(move.cost, found.get(move.tactic, move.cost))
    if how is Apart.EVERY_WAY:
        found.update((move.tactic, move.cost) for move in _theorems(lemmas))
    return tuple(Move(tactic, cost) for tactic, cost in sorted(found.items(), key=lambda item: item[1]))


Maker = Callable[[GoalFacts, str], Iterator[Move]]


def _logic(facts: GoalFacts, plain: str) -> Iterator[Move]:
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


def _extensionality(facts: GoalFacts, plain: str) -> Iterator[Move]:
    if " = " in facts.target and not _is_arithmetic(facts):
        yield Move("funext x", 0.7)
        yield Move("ext", 1.3)
        yield Move("apply propext", 0.9)


def _monads(facts: GoalFacts, plain: str) -> Iterator[Move]:
    """The laws of a lawful monad, under definitions that hide its `bind`."""
    if " = " in facts.target and any(h.head == "LawfulMonad" for h in facts.every):
        unfold = ", ".join((*facts.local.definitions, "bind_assoc", "pure_bind"))
        for step in ("refine bind_congr (fun o => ?_)", "refine (bind_congr (fun o => ?_)).trans (bind_pure _)"):
            yield Move(step, 0.5)
            yield Move(f"(simp only [{unfold}]; {step})", 0.6)


def _is_arithmetic(facts: GoalFacts) -> bool:
    return bool(re.search(r"[+*%/]", facts.target)) and "fun" not in facts.target


def _inductions(facts: GoalFacts, plain: str) -> Iterator[Move]:
    plain_target = plain.rpartition("⊢ ")[2]
    for function in facts.local.definitions:
        for rank, arguments in enumerate(applications(plain_target, function)[:3]):
            yield Move(f"fun_induction {function} {arguments}", 1.0 + 0.1 * rank)
            yield Move(f"fun_cases {function} {arguments}", 1.6 + 0.1 * rank)
    for rank, induction in enumerate(by_principles(facts)):
        yield Move(induction, 0.9 + 0.05 * rank)
    for rank, h in enumerate(ranked(facts, _TARGETS)):
        if is_recursive(facts, h):
            general = others(facts, h)
            if general:
                yield Move(f"induction {h.name} generalizing {' '.join(general)}", 0.95 + 0.15 * rank)
            yield Move(f"induction {h.name}", 0.9 + 0.15 * rank)
    for rank, h in enumerate(facts.facts):
        if h.head in facts.predicates:
            general = [o for o in others(facts, h) if o not in h.words]
            if general:
                yield Move(f"induction {h.name} generalizing {' '.join(general)}", 0.85 + 0.1 * rank)
            yield Move(f"induction {h.name}", 0.8 + 0.1 * rank)


def _generalisations(facts: GoalFacts, plain: str) -> Iterator[Move]:
    """Statements about an accumulator, conjectured from an equation in which it starts out as zero or nil.

    `f xs [] = g xs` suggests `∀ acc, f xs acc = g xs ++ acc`: what the induction then needs.
    """
    left, equals, right = facts.target.partition(" = ")
    if not equals or " = " in right:
        return
    for start, joined in _ACCUMULATORS:
        if _occurrences(left, start) == _occurrences(right, start) == 1:
            yield Move(f"have key : ∀ acc, {_replaced(facts.target, start, ' acc')} := ?_", 0.9)
        for side, other in ((left, right), (right, left)):
            if _occurrences(side, start) == 1:
                general = _replaced(side, start, " acc")
                bare = other if re.fullmatch(r"[\w.'₀-₉]+", other) else f"({other})"
                for join in joined:
                    yield Move(f"have key : ∀ acc, {general} = {join.format(r=bare)} := ?_", 0.9)


def _fertilisations(facts: GoalFacts, plain: str) -> Iterator[Move]:
    """An equation is used once and thrown away, as Boyer and Moore do with the hypothesis of an induction."""
    left, _, right = _sides(facts.target)
    for h in facts.facts:
        here, relation, there = _sides(h.type)
        if not relation:
            continue
        if here in facts.target or "∀" in h.type:
            yield Move(f"(rw [{h.name}]; clear {h.name})", 0.3)
        elif left and there and there in right:
            yield Move(f"(conv => rhs; rw [← {h.name}])", 0.3)
        else:
            yield Move(f"clear {h.name}", 0.9)


def _sides(statement: str) -> tuple[str, str, str]:
    for relation in (" ↔ ", " = "):
        left, found, right = statement.partition(relation)
        if found:
            return left, found, right
    return "", "", ""


def _abstractions(facts: GoalFacts, plain: str) -> Iterator[Move]:
    """A term that occurs twice becomes a variable: what is left is a lemma about any value of it."""
    state = GoalFacts(plain, facts.local)
    names = iter(facts.fresh(_TARGETS))
    for function in facts.local.definitions:
        for arguments in applications(state.target, function):
            term = f"{function} {arguments}"
            twice = state.target.count(f"({term})") > 1
            before = any(f"({term})" in h.type for h in state.hypotheses)
            name = next(names, "") if (twice or before) and f"({term})" in state.target else ""
            if name:
                yield Move(f"generalize {term} = {name}{' at *' if before else ''}", 0.2)


def _rules(facts: GoalFacts, plain: str) -> Iterator[Move]:
    """The constructors of an inductive proposition, with hypotheses in their places, and at indices that compute."""
    state = GoalFacts(plain, facts.local)
    own = [p for p in facts.local.predicates if re.match(rf"{re.escape(p)}(?![\w.])", state.target)]
    near = [h.name for h in state.facts if h.head in facts.local.predicates][:3]
    for predicate in own:
        for rule in facts.local.constructors.get(predicate, ()):
            for name in near:
                yield Move(f"exact {rule} (by constructor) {name}", 0.5)
                yield Move(f"exact {rule} {name} (by constructor)", 0.5)
                yield from (Move(f"exact {rule} {name} {other}", 0.5) for other in near)
    taken = facts.fresh(2)
    for h in state.facts:
        if h.head in facts.local.predicates and len(taken) == 2:
            computed = [a for a in arguments_of(h.type) if a.startswith("(")]
            if len(computed) == 1:
                yield Move(f"generalize {taken[0]} : {computed[0]} = {taken[1]} at {h.name}", 0.6)


def _theorems(lemmas: Lemmas) -> Iterator[Move]:
    """What the project has proved of the goal's constants, as steps: it was mostly proved to be used."""
    for rank, name in enumerate(lemmas.own[:_THEOREMS]):
        yield Move(f"apply {name}", 0.6 + 0.1 * rank)
        if name in lemmas.equations:
            yield Move(f"rw [{name}]", 0.65 + 0.1 * rank)
            yield Move(f"rw [← {name}]", 0.9 + 0.1 * rank)


def _occurrences(text: str, word: str) -> int:
    return len(re.findall(rf"{re.escape(word)}(?![\w.])", text))


def _replaced(text: str, word: str, by: str) -> str:
    return re.sub(rf"{re.escape(word)}(?![\w.])", by, text)


def _cases(facts: GoalFacts, plain: str) -> Iterator[Move]:
    for h in facts.facts:
        if h.head in facts.local.predicates:
            yield Move(f"cases {h.name}", 0.9)
        elif h.type.startswith("∃ "):
            yield Move(f"obtain ⟨{', '.join(facts.fresh(1))}, {h.name}⟩ := {h.name}", 0.4)
        elif any(f" {symbol} " in h.type or h.type.startswith(symbol) for symbol in _SPLITTING) and "∀" not in h.type:
            yield Move(_take_apart(h), 0.7)
    for rank, h in enumerate(ranked(facts, _TARGETS)):
        if h.head in _INDUCTIVE or h.head in facts.local.types:
            yield Move(f"cases {h.name}", (1.5 if is_recursive(facts, h) else 1.0) + 0.15 * rank)


def _take_apart(hypothesis: Hypothesis) -> str:
    if " ∨ " in hypothesis.type:
        return f"rcases {hypothesis.name} with {hypothesis.name} | {hypothesis.name}"
    return f"cases {hypothesis.name}"


def _unfolding(facts: GoalFacts, plain: str) -> Iterator[Move]:
    if facts.local.definitions:
        listed = ", ".join(facts.local.definitions)
        yield Move(f"simp_all [{listed}]", 0.4)
        yield Move(f"simp only [{listed}] at *", 0.6)
        yield Move(f"simp [{listed}]", 0.9)
    else:
        yield Move("simp_all", 0.7)
