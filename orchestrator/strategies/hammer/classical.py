"""Closers of classical logic: cases on quantified statements, contradiction, choice, chosen instances. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from orchestrator.goals.hypotheses import Hypothesis
from orchestrator.goals.tokens import closing
from orchestrator.strategies.hammer.goal_facts import GoalFacts

_PUSH = "not_exists, Classical.not_forall, not_and, not_or, Classical.not_imp, Classical.not_not"
_QUANTIFIED = re.compile(r"\((?=[∀∃] )")
_BINDER = re.compile(r"(?:[∀∃]|fun) \(?([\w' ]+?)(?: :|,| =>| <| ≤| ∈)")
_NAME = re.compile(r"[A-Za-zα-ω_][\w'₀-₉]*")
_OVER_PREDICATES = re.compile(r"∀ \((?P<names>[\w' ]+) : (?P<domain>\w+) → Prop\)")
_OVER_FUNCTIONS = re.compile(r"∀ \(\w+ : \w+ → \w+\)")
_MOST_STATEMENTS = 4
_MOST_ATOMS = 3
_MOST_INSTANCES = 6


def classical(facts: GoalFacts) -> Iterator[str]:
    """Closers of this kind for a goal, the likeliest first."""
    if any(re.search(r"[∀∃]", text) for text in (facts.target, *(h.type for h in facts.facts))):
        yield from _chosen(facts)
        yield from _by_contradiction(facts)
        yield from _instances(facts)
        yield from _diagonals(facts)
    yield from _by_cases(facts)
    yield from _equivalences(facts)


def _chosen(facts: GoalFacts) -> Iterator[str]:
    """A function out of `∀ x, ∃ y, …`, also where a definition hides it."""
    if "→" not in facts.target.partition(",")[0] and "∃" not in facts.target:
        return
    for h in facts.hypotheses:
        if re.match(r"∀ [^,]+, ∃ ", h.type) or h.head in facts.local.definitions:
            yield f"(obtain ⟨c, hc⟩ := Classical.axiomOfChoice {h.name}; first | exact ⟨c, hc⟩ | exact ⟨c, by grind⟩)"


def _by_contradiction(facts: GoalFacts) -> Iterator[str]:
    """The negation, pushed inwards; then it is used, chosen from, or carried along an induction."""
    start = f"apply Classical.byContradiction; intro n; simp only [{_PUSH}] at *"
    yield f"({start}; grind)"
    for h in facts.facts:
        if _OVER_FUNCTIONS.match(h.type):
            yield f"({start}; obtain ⟨c, hc⟩ := Classical.axiomOfChoice n; have := {h.name} c; grind)"
    for h in _along_numbers(facts):
        is_bool = h.type.endswith("Bool")
        claims = [f"{h.name} i = true", f"{h.name} i = false"] if is_bool else [f"{h.name} i", f"¬ {h.name} i"]
        for claim in claims:
            yield f"({start}; have all : ∀ i, {claim} := (fun i => by induction i <;> grind); grind)"


def _along_numbers(facts: GoalFacts) -> list[Hypothesis]:
    return [h for h in facts.hypotheses if h.type in ("Nat → Prop", "Nat → Bool")][:2]


def _by_cases(facts: GoalFacts) -> Iterator[str]:
    """Whether a statement inside the goal holds: a quantified one, or a predicate at a point."""
    inhabited = [h.type.removeprefix("Nonempty ") for h in facts.every if h.type.startswith("Nonempty ")][:1]
    point = f"(obtain ⟨a⟩ : Nonempty {inhabited[0]} := inferInstance); " if inhabited else ""
    points = [h.name for h in facts.hypotheses if h.head in facts.sorts and "→" not in h.type and h not in facts.facts]
    points = (["a"] if inhabited else []) + points[:2]
    either = ["(left; grind)", "(right; grind)"] if " ∨ " in facts.target else []
    given = [f"exact ⟨{name}, by grind⟩" for name in points if facts.target.startswith("∃")]
    ends = [*given, "grind", *either]
    for statement in islice(_quantified(facts), _MOST_STATEMENTS):
        says = "q" if statement.startswith("∃") else "Classical.not_forall.mp q"
        last = "exact ⟨w, by grind⟩" if facts.target.startswith("∃") else "grind"
        ways = [*given, f"(obtain ⟨w, hw⟩ := {says}; {last})", *ends[len(given) :]]
        yield f"({point}rcases Classical.em ({statement}) with q | q <;> (first | {' | '.join(ways)}))"
    atoms = _atoms(facts, points)
    if atoms:
        split = " <;> ".join(
            f"rcases Classical.em ({atom}) with q{place} | q{place}" for place, atom in enumerate(atoms)
        )
        yield f"({split} <;> (first | {' | '.join(ends)}))"


def _quantified(facts: GoalFacts) -> Iterator[str]:
    """Quantified statements inside the target and the hypotheses, and propositional variables."""
    known = {h.name for h in facts.hypotheses}
    found: dict[str, None] = {}
    for text in (facts.target, *(h.type for h in facts.facts)):
        inside = [text[m.end() : closing(text, m.start())] for m in _QUANTIFIED.finditer(text)]
        inside += [text[m.start() + 2 :] for m in re.finditer(r"[→∨∧] (?=[∀∃] )", text)]
        around = _bound(text) - known
        found.update((each, None) for each in inside if not (around - _bound(each)) & set(_NAME.findall(each)))
    yield from found
    yield from (h.name for h in facts.hypotheses if h.type == "Prop")


def _bound(text: str) -> set[str]:
    """The names that a text binds."""
    return {name for names in _BINDER.findall(text) for name in names.split()}


def _atoms(facts: GoalFacts, points: Sequence[str]) -> list[str]:
    """Predicates of the goal at the points that it has."""
    predicates = [h.name for h in facts.hypotheses if re.fullmatch(r"\w+ → Prop", h.type)]
    found = [f"{predicate} {point}" for predicate in predicates for point in points if point != "a" or facts.sorts]
    return [atom for atom in found if atom in facts.text or "∃" in facts.target][:_MOST_ATOMS]


def _instances(facts: GoalFacts) -> Iterator[str]:
    """A hypothesis about every predicate, at predicates of the goal, at their negations and at a point."""
    for h in facts.facts:
        match = _OVER_PREDICATES.match(h.type)
        if match is None or len(match["names"].split()) > 1:
            continue
        domain = match["domain"]
        of_domain = [one.name for one in facts.hypotheses if one.type == f"{domain} → Prop"]
        points = [one.name for one in facts.hypotheses if one.type == domain]
        values = [form for name in of_domain for form in (f"(fun x => ¬ {name} x)", name)]
        values += [f"(fun x => x = {point})" for point in points[:2]]
        for at in values[:_MOST_INSTANCES]:
            yield f"(have := {h.name} {at}; grind)"
            yield f"(apply Classical.byContradiction; intro n; have := {h.name} {at}; grind)"


def _diagonals(facts: GoalFacts) -> Iterator[str]:
    """Cantor's predicate, against a table of all of them."""
    for h in facts.hypotheses:
        if re.fullmatch(r"(\w+) → \1 → Prop", h.type):
            yield f"(refine ⟨fun x => ¬ {h.name} x x, fun x e => ?_⟩; have := congrFun e x; grind)"
            for fact in facts.facts:
                yield (
                    f"(obtain ⟨x, e⟩ := {fact.name} (fun x => ¬ {h.name} x x); have := congrFun e x; "
                    "simp only [eq_iff_iff] at *; grind)"
                )


def _equivalences(facts: GoalFacts) -> Iterator[str]:
    """What an equivalence relation knows, for a goal about it or about its classes."""
    for h in facts.hypotheses:
        if h.head == "Equivalence":
            laws = "; ".join(f"have := @Equivalence.{law} _ _ {h.name}" for law in ("refl", "symm", "trans"))
            yield f"({laws}; grind)"
            yield f"({laws}; constructor <;> intro e <;> first | grind | (funext z; exact propext (by grind)))"
