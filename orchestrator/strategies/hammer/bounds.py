"""Closers for numbers: bounds, squares and signs, vanishing products, computed witnesses. Pure.

Each puts facts beside the goal that linear arithmetic does not see, and leaves the rest to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, islice, product
from math import isqrt

from orchestrator.strategies.hammer.goal_facts import GoalFacts
from orchestrator.strategies.hammer.polynomials import monomials, names_in, numbers_of, numerals

_LARGEST_BOUND = 64
_MOST_SPLITS = 150
_MOST_SQUARES = 7
_MOST_PRODUCTS = 4
_SEARCHED = 200
_SQUARE = (
    "have sq : ∀ x : Int, 0 ≤ x * x := fun x => (by "
    "cases Int.le_total 0 x <;> simp_all [Int.mul_nonneg, Int.mul_nonneg_of_nonpos_of_nonpos])"
)


def bounds(facts: GoalFacts, grind: str = "grind") -> Iterator[str]:
    """Closers that bound variables, products and squares, the likeliest first; `grind` is told the goal's lemmas."""
    yield from _bounded(facts)
    yield from _squares(facts)
    yield from _signs(facts, grind)


def vanishing_products(facts: GoalFacts) -> Iterator[str]:
    """From `x = a ∨ y = b`, the product that vanishes: (x - a) * (y - b) = 0."""
    sides = [part.partition(" = ") for part in facts.target.split(" ∨ ")]
    if len(sides) < 2 or not all(equals for _, equals, _ in sides) or "∧" in facts.target:
        return
    if not numbers_of(facts, "Int") or not any(monomials(h.type) for h in facts.facts):
        return
    factors = [f"({left} - ({right}))" for left, _, right in sides]
    whole = factors[-1]
    for factor in reversed(factors[:-1]):
        whole = f"{factor} * ({whole})"
    (h,) = facts.fresh(1)
    split = " | ".join([h] * 2)
    ending = "omega"
    for _ in factors[1:]:
        ending = f"(rcases Int.mul_eq_zero.mp {h} with {split} <;> first | omega | {ending})"
    yield f"(have {h} : {whole} = 0 := (by grind); {ending})"


def _bounded(facts: GoalFacts) -> Iterator[str]:
    """Variables that a product, a power or a divisor bounds, value by value."""
    chains = [chain for h in facts.facts for chain in monomials(h.type)]
    numbers = numbers_of(facts, "Nat", "Int")
    divides = {h.type.partition(" ∣ ")[0]: h for h in facts.facts if re.fullmatch(r"\w+ ∣ \d+", h.type)}
    chosen = [n for n in numbers if n in divides or any(n in names_in(chain) for chain in chains)]
    if not chosen:
        chosen = [n for n in numbers if any(n in names_in(chain) for chain in monomials(facts.target))]
    largest = sorted(numerals("\n".join(facts.statements)), reverse=True)
    for bound in dict.fromkeys(each for numeral in largest[:2] for each in (isqrt(numeral) + 1, numeral)):
        if not 0 < bound <= _LARGEST_BOUND or not chosen:
            continue
        several = chosen[:2] if (bound + 1) ** 2 <= _MOST_SPLITS else chosen[:1]
        for some in dict.fromkeys([tuple(several[:1]), tuple(several), tuple(chosen[1:2])]):
            if some:
                yield _value_by_value(facts, some, numbers, bound, chains)


def _value_by_value(
    facts: GoalFacts, names: Sequence[str], numbers: dict[str, str], bound: int, chains: Sequence[str]
) -> str:
    steps = []
    for place, name in enumerate(names):
        cases = [f"{name} = {number}" for number in range(bound + 1)]
        if numbers[name] == "Int":
            proof = f"have b{place} : {' ∨ '.join(cases)} := (by omega)"
        else:
            proof = f"have b{place} : {' ∨ '.join(cases)} := (by {_at_most(facts, name, bound, chains)})"
        steps.append(f"({proof}; rcases b{place} with {' | '.join(['rfl'] * len(cases))})")
    return f"({' <;> '.join([*steps, '(first | omega | simp_all | (simp_all; omega))'])})"


def _at_most(facts: GoalFacts, name: str, bound: int, chains: Sequence[str]) -> str:
    """A proof that a natural number is at most `bound`: more would make a product or a power too large."""
    ways = ["omega"]
    ways += [
        f"(have := Nat.le_of_dvd (by omega) {h.name}; omega)" for h in facts.facts if h.type.startswith(f"{name} ∣ ")
    ]
    large = [f"have c : {bound + 1} ≤ {name} := (by omega)"]
    degrees = {d for chain in chains for d in re.findall(rf"(?<![\w.]){re.escape(name)} \^ (\d)\b", chain)}
    large += [f"have := Nat.pow_le_pow_left c {degree}" for degree in sorted(degrees)]
    large.append("have := Nat.mul_le_mul c c")
    others = [n for chain in chains for n in names_in(chain) if name in names_in(chain) and n != name]
    starts = []
    for other in list(dict.fromkeys(others))[:1]:
        starts.append(f"refine (Nat.eq_zero_or_pos {other}).elim (fun z => (by subst z; omega)) (fun z => ?_)")
        large += ["have := Nat.mul_le_mul c z", "have := Nat.mul_le_mul z c", f"have := Nat.mul_le_mul_right {other} c"]
    ways.append(f"({'; '.join([*starts, 'apply Classical.byContradiction', 'intro n', *large, 'omega'])})")
    return f"first | {' | '.join(ways)}"


def _squares(facts: GoalFacts) -> Iterator[str]:
    """Squares are not negative, nor are products of what is not negative; linear equations are solved first."""
    integers = list(numbers_of(facts, "Int"))[:4]
    multiplies = any(monomials(statement) for statement in facts.statements) or bool(facts.local.definitions)
    if not integers or not multiplies or not re.search(r"[≤<≥>≠]|False", "\n".join(facts.statements)):
        return
    solved, left = _solved(facts, integers)
    said = numerals("\n".join(facts.statements))
    pairs = list(combinations(left, 2))
    terms = [f"{a} - {b}" for a, b in pairs[:3]]
    single = [*(f"{x} - {n}" for x in left[:1] for n in said[:4]), *left[:2]]
    completed = [f"2 * {x} + 1" for x in left[:1]] + [f"2 * {x} - 1" for x in left[:1]]
    if len(left) == 4:
        a, b, c, d = left
        terms = [f"{a} * {d} - {b} * {c}", f"{a} * {c} - {b} * {d}", f"{a} * {b} - {c} * {d}"]
    halved = [f"{x} - {n // 2}" for x in left[:1] for n in said if n > 2][:3] if solved else []
    chosen = [*halved, *terms, *([] if len(left) > 2 else [*single, *completed, *(f"{a} + {b}" for a, b in pairs[:1])])]
    squares = [f"have := sq ({term})" for term in dict.fromkeys(chosen)][:_MOST_SQUARES]
    positive = _not_negative(facts, integers)
    products = [
        f"have := Int.mul_nonneg (show 0 ≤ {a} from (by omega)) (show 0 ≤ {b} from (by omega))"
        for a, b in combinations(positive, 2)
    ][:_MOST_PRODUCTS]
    weighted = [
        f"have := Int.mul_nonneg (show 0 ≤ {a} from (by omega)) (sq ({term}))" for a in positive[:3] for term in terms
    ][: 2 * _MOST_PRODUCTS]
    for facts_added in ([*squares], [*products], [*squares[:3], *weighted]):
        if facts_added:
            yield f"({'; '.join([*solved, _SQUARE, *facts_added, 'grind'])})"


def _signs(facts: GoalFacts, grind: str) -> Iterator[str]:
    """A product has the sign that those of its factors say, also under definitions."""
    integers = list(numbers_of(facts, "Int"))[:2]
    if len(integers) == 2 and (facts.local.definitions or any(monomials(h.type) for h in facts.facts)):
        laws = ("mul_pos", "mul_pos_of_neg_of_neg", "mul_neg_of_neg_of_pos", "mul_neg_of_pos_of_neg")
        yield f"({'; '.join(f'have := @Int.{law} {integers[0]} {integers[1]}' for law in laws)}; {grind})"


def _solved(facts: GoalFacts, integers: Sequence[str]) -> tuple[list[str], list[str]]:
    """A linear equation `a + b = …` solved for its second variable, and the variables that are left."""
    for h in facts.facts:
        found = re.fullmatch(r"(\w+) (\+|-) (\w+) = (\d+|\w+)", h.type)
        if found and {found[1], found[3]} <= set(integers) and found[4] != found[3]:
            other = f"{found[4]} - {found[1]}" if found[2] == "+" else f"{found[1]} - {found[4]}"
            rest = [name for name in integers if name != found[3]]
            return [f"have e : {found[3]} = {other} := (by omega)", "subst e"], rest
    return [], list(integers)


def _not_negative(facts: GoalFacts, integers: Sequence[str]) -> list[str]:
    """Terms that the hypotheses say are not negative."""
    found: dict[str, None] = {}
    for h in facts.facts:
        for relation, swapped in ((" ≤ ", False), (" < ", False), (" ≥ ", True), (" > ", True)):
            low, says, high = h.type.partition(relation)
            if says and len(re.findall(r"[≤<≥>]", h.type)) == 1 and names_in(h.type) <= set(integers):
                low, high = (high, low) if swapped else (low, high)
                found[high if low == "0" else f"{high} - ({low})" if " " in low else f"{high} - {low}"] = None
    return list(found)


def computed_witnesses(facts: GoalFacts) -> Iterator[str]:
    """Numbers for `∃` by one computation over a bounded range, where nothing but numerals is spoken of."""
    match = re.match(r"∃ (?P<names>[\w' ]+?), (?P<rest>.*)", facts.target)
    if match is None or facts.data:
        return
    names, rest = match["names"].split(), match["rest"]
    (h,) = facts.fresh(1)
    below = {1: _SEARCHED, 2: 40, 3: 12}.get(len(names), 0)
    if below:
        ranged = "".join(f"∃ {name}, {name} < {below} ∧ " for name in names)
        pattern = "".join(f"⟨{name}, -, " for name in names) + h + "⟩" * len(names)
        found = f"obtain {pattern} := {h}; exact ⟨{', '.join(names)}, {h}⟩"
        yield f"(have {h} : {ranged}({rest}) := (by decide +kernel); {found})"
    values = islice(sorted(product(range(-12, 13), repeat=len(names)), key=lambda at: sum(map(abs, at))), 120)
    if len(names) < 3:
        tried = " | ".join(f"exact ⟨{', '.join(map(str, at))}, (by decide)⟩" for at in values)
        yield f"(first | {tried})"
