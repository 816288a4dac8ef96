"""Closers that put facts beside the goal first: instances, squares, signs, remainders, witnesses. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product

from orchestrator.goals.hypotheses import Hypothesis
from orchestrator.strategies.hammer.goal_facts import GoalFacts

_BINDER = re.compile(
    r"∀ (?:\((?P<grouped>[^():]+) : (?P<type>[^()]*(?:\([^()]*\)[^()]*)*)\)|(?P<bare>\w[\w'₀-₉]*(?: \w[\w'₀-₉]*)*)), "
)
_NUMBERS = ("Nat", "Int")
_MOST_INSTANCES = 9
_MOST_PAIRS = 3
_MOST_WITNESSES = 14
_MOST_TUPLES = 110
BY_NUMBERS = ", by omega⟩"
"""How a guess of numbers for `∃` ends."""


@dataclass(frozen=True, slots=True)
class Automation:
    """The last words of a closer.

    Attributes:
        grind, simp: `grind` and `simp_all` with the goal's lemmas.
        unfolding: `grind` that unfolds the definitions wherever they stand, but those that recur; "" when there are
            none.
        unrolling: `grind` that unfolds those that recur, too; "" when there are none.
    """

    grind: str = "grind"
    simp: str = "simp_all"
    unfolding: str = ""
    unrolling: str = ""

    @property
    def endings(self) -> tuple[str, ...]:
        """Those that end within bounds."""
        return tuple(ending for ending in (self.simp, self.grind, self.unfolding) if ending)


def added_facts(facts: GoalFacts, automation: Automation) -> Iterator[str]:
    """Closers of this kind for a goal, the likeliest first."""
    yield from _instances(facts, automation)
    yield from _differences(facts)
    yield from _values(facts, automation)


def _variables(facts: GoalFacts, types: Sequence[str]) -> list[str]:
    return [h.name for h in facts.data if h.type in types]


def _with(haves: Sequence[str], last: str) -> str:
    return f"({'; '.join([*haves, last])})"


def _instances(facts: GoalFacts, automation: Automation) -> Iterator[str]:
    """Every hypothesis that begins with ∀, at every variable of that type."""
    haves: list[str] = []
    for h in facts.facts:
        binders = _bound(h.type)
        if not binders:
            continue
        choices = [[v.name for v in facts.every if v.type == kind and v.is_accessible] for kind in binders]
        if all(choices):
            haves += [f"have := {h.name} {' '.join(values)}" for values in islice(product(*choices), _MOST_INSTANCES)]
    haves += _axioms_at(facts)
    if haves:
        for last in (automation.grind, automation.simp):
            yield _with(haves[:_MOST_INSTANCES], last)


def _bound(type_text: str) -> list[str]:
    """Types of the variables that a statement begins by quantifying over; [] when one of them is not told."""
    found: list[str] = []
    while match := _BINDER.match(type_text):
        if match["grouped"] is None:
            return []
        found += [match["type"]] * len(match["grouped"].split())
        type_text = type_text[match.end() :]
    return found


def _axioms_at(facts: GoalFacts) -> list[str]:
    """The laws of a structure at each variable: `Group.inv_mul g a` for `g : Group G` and `a : G`."""
    haves = []
    for owner in facts.every:
        laws = [name for name in facts.local.theorems if owner.head and name.startswith(f"{owner.head}.")]
        carriers = owner.type.split()[1:]
        values = [h.name for h in facts.every if h.type in carriers and h.is_accessible]
        if owner.is_accessible:
            haves += [f"try have := {law} {owner.name} {value}" for law, value in product(laws, values)]
    return haves


def _differences(facts: GoalFacts) -> Iterator[str]:
    """Of two natural numbers one is the other and something more."""
    numbers = _variables(facts, ["Nat"])[:3]
    if len(numbers) < 2 or not re.search(r"[*^]", facts.text):
        return
    h, c = facts.fresh(2)
    for a, b in list(combinations(numbers, 2))[:_MOST_PAIRS]:
        yield (
            f"(rcases Nat.le_total {a} {b} with {h} | {h} <;> "
            f"obtain ⟨{c}, rfl⟩ := Nat.exists_eq_add_of_le {h} <;> grind)"
        )


def _values(facts: GoalFacts, automation: Automation) -> Iterator[str]:
    """A function on truth values, case by case."""
    haves: list[str] = []
    names = facts.fresh(6)
    for h in facts.hypotheses:
        if h.type.startswith("Bool → ") and len(haves) < 6:
            haves += [
                f"cases {names[len(haves) + place]} : {h.name} {value}" for place, value in enumerate(("true", "false"))
            ]
    if haves:
        haves += [f"cases {name}" for name in _variables(facts, ["Bool"])[:3]]
        yield f"({' <;> '.join([*haves, 'simp_all'])})"


def witnesses(facts: GoalFacts, automation: Automation, *, most: int = _MOST_TUPLES) -> Iterator[str]:
    """Values for `∃`, guessed from variables and numerals; at most so many tuples of numbers."""
    bound = _existential(facts.target)
    if not bound:
        return
    if bound == 2:
        for xs, n in product(_of_head(facts, "List"), [*_of_head(facts, "Nat"), "1"]):
            yield f"exact ⟨{xs}.take {n}, {xs}.drop {n}, by simp_all⟩"
    for h in facts.facts:
        if re.match(r"∀ (?:\([^()]*\)|\w+), ∃", h.type):
            yield f"exact ⟨fun x => ({h.name} x).choose, by grind⟩"
    for value in _data(facts)[:4]:
        for last in ("simp_all", automation.grind):
            yield f"exact ⟨{', '.join([value] * bound)}, by {last}⟩"
    for values in islice(_tuples(_numbers(facts), bound), most):
        yield f"exact ⟨{', '.join(values)}{BY_NUMBERS}"


def _existential(target: str) -> int:
    match = re.match(r"∃ (?P<names>[^,]+), ", target)
    if match is None:
        return 0
    return len(re.sub(r" : .*", "", match["names"].strip("()")).split())


def _numbers(facts: GoalFacts) -> list[str]:
    """Linear terms over the numbers in sight, the plainest first."""
    values: dict[str, None] = {}
    numerals = [n for n in dict.fromkeys(re.findall(r"(?<![\w.])\d+(?![\w.])", facts.text)) if 1 < int(n) <= 99][:4]
    for h in facts.data:
        if h.type in _NUMBERS:
            values[h.name] = None
    names = list(values)
    for name in names[:3]:
        values.update(dict.fromkeys(f"({name} / {k})" for k in numerals))
        values.update(dict.fromkeys(f"({name} % {k})" for k in numerals))
        if any(h.name == name and h.type == "Int" for h in facts.data):
            values[f"(-{name})"] = None
        values.update(dict.fromkeys([f"(2 * {name})", f"({name} + 1)", f"({name} - 1)"]))
    for a, b in combinations(names[:3], 2):
        values.update(dict.fromkeys([f"({a} + {b})", f"({a} - {b})", f"({b} - {a})"]))
    ordered = [*names[:1], "0", "1", *values]
    return list(dict.fromkeys(ordered))[:_MOST_WITNESSES] if names else []


def _tuples(values: Sequence[str], count: int) -> Iterator[tuple[str, ...]]:
    """Tuples of values, those whose members come early first."""
    if count > 2:
        return
    ranked = sorted(product(range(len(values)), repeat=count), key=lambda places: (sum(places), max(places), places))
    for places in ranked:
        yield tuple(values[place] for place in places)


def _data(facts: GoalFacts) -> list[str]:
    return [h.name for h in (*facts.data, *_of_sorts(facts))]


def _of_sorts(facts: GoalFacts) -> list[Hypothesis]:
    return [h for h in facts.hypotheses if h.head in facts.sorts and h not in facts.facts and "→" not in h.type]


def _of_head(facts: GoalFacts, head: str) -> list[str]:
    return [h.name for h in facts.data if h.head == head][:2]
