"""Closers for numbers: residues, periods of powers, bounds, factors, squares, divisors, computed witnesses. Pure.

Each puts facts beside the goal that linear arithmetic does not see, and leaves the rest to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from math import isqrt, prod

from orchestrator.strategies.hammer.goal_facts import GoalFacts
from orchestrator.strategies.hammer.polynomials import linear, monomials, names_in, powers, value

_LARGEST_MODULUS = 16
_LARGEST_PERIOD_MODULUS = 200
_MOST_CASES = 24
_MOST_TOGETHER = 16
_LARGEST_BOUND = 64
_MOST_SPLITS = 150
_MOST_SQUARES = 7
_MOST_PRODUCTS = 4
_SEARCHED = 200
_COEFFICIENTS = range(10)
_REDUCE = {
    "Nat": "Nat.add_mod, Nat.mul_mod, Nat.pow_mod, Nat.pow_succ",
    "Int": "Int.add_emod, Int.sub_emod, Int.mul_emod, Int.pow_succ",
}
_DIVIDES = {"Nat": "Nat.dvd_iff_mod_eq_zero", "Int": "Int.dvd_iff_emod_eq_zero"}
_SQUARE = (
    "have sq : ∀ x : Int, 0 ≤ x * x := fun x => (by "
    "cases Int.le_total 0 x <;> simp_all [Int.mul_nonneg, Int.mul_nonneg_of_nonpos_of_nonpos])"
)


def arithmetic(facts: GoalFacts, grind: str = "grind") -> Iterator[str]:
    """Closers of this kind for a goal, the likeliest first; `grind` is told the goal's lemmas."""
    statements = _statements(facts)
    yield from _zero_products(facts, statements)
    yield from _residues(facts, statements)
    yield from _growth(facts, statements)
    yield from _periods(facts, statements)
    yield from _common_divisors(facts)
    yield from _bounded(facts, statements)
    yield from _squares(facts, statements)
    yield from _signs(facts, grind)


def _statements(facts: GoalFacts) -> list[str]:
    return [facts.target, *(h.type for h in facts.facts)]


def _numbers(facts: GoalFacts, *types: str) -> dict[str, str]:
    """The variables of these types, each with its own."""
    return {h.name: h.type for h in facts.data if h.type in types}


def _numerals(text: str) -> list[int]:
    return [int(found) for found in dict.fromkeys(re.findall(r"(?<![\w.])\d+(?![\w.])", text)) if len(found) < 7]


def _moduli(statements: Sequence[str]) -> list[int]:
    """Moduli that a goal speaks of, then coefficients, then those that squares, cubes and fourth powers know."""
    text = "\n".join(statements)
    said = [int(a or b or c) for a, b, c in re.findall(r"% (\d+)|(?<![\w.])(\d+) ∣|/ (\d+)", text)]
    factors = [int(found) for found in re.findall(r"(?<![\w.^])(\d+) \* [A-Za-z(]", text)]
    usual = {"2": (8, 3, 5), "3": (7, 9), "4": (16, 5)}
    by_degree = [m for degree in dict.fromkeys(re.findall(r"\^ (\d)\b", text)) for m in usual.get(degree, ())]
    return list(dict.fromkeys([*said, *factors, *(by_degree if " = " in text or " ≠ " in text else ())]))


def _residues(facts: GoalFacts, statements: Sequence[str]) -> Iterator[str]:
    """What the products and powers of a variable are modulo a small number, for each residue of the variable."""
    numbers = _numbers(facts, "Nat", "Int")
    groups: dict[tuple[str, ...], list[str]] = {}
    for chain in dict.fromkeys(chain for statement in statements for chain in monomials(statement)):
        inside = tuple(name for name in numbers if name in names_in(chain))
        if inside and names_in(chain) <= numbers.keys() and not ("-" in chain and numbers[inside[0]] == "Nat"):
            groups.setdefault(inside, []).append(chain)
    for modulus in [m for m in _moduli(statements)[:5] if 2 <= m <= _LARGEST_MODULUS]:
        at = {name: _residues_of(facts, name, modulus) for names in groups for name in names}
        together = prod(len(residues) for residues in at.values())
        if groups and together <= _MOST_TOGETHER:
            chains = [chain for chains in groups.values() for chain in chains]
            kinds = dict.fromkeys(numbers[name] for name in at)
            if re.search(rf"% {modulus}\b|(?<![\w.]){modulus} ∣", facts.target):
                splits, rules = _split_by_residue(at, modulus)
                laws = ", ".join([*(f"{_DIVIDES[kind]}, {_REDUCE[kind]}" for kind in kinds), *rules])
                yield f"({'; '.join(splits)} <;> simp [{laws}])"
            yield f"({_by_residue(chains, at, numbers, modulus)})"
            continue
        haves: list[str] = []
        for names, chains in groups.items():
            some = {name: at[name] for name in names}
            found = _summary(chains, some, modulus)
            if found and prod(len(residues) for residues in some.values()) <= _MOST_TOGETHER:
                haves.append(f"have r{len(haves)} : {found} := (by {_by_residue(chains, some, numbers, modulus)})")
        if haves:
            yield f"({'; '.join([*haves, 'omega'])})"


def _residues_of(facts: GoalFacts, name: str, modulus: int) -> list[int]:
    """The residues that a variable may have, as far as a hypothesis says."""
    for h in facts.facts:
        said = re.fullmatch(rf"{re.escape(name)} % (\d+) = (\d+)", h.type)
        if said and int(said[1]) % modulus == 0:
            return [int(said[2]) % modulus]
    return list(range(modulus))


def _summary(chains: Sequence[str], at: Mapping[str, Sequence[int]], modulus: int) -> str:
    """The residues that some products may have, together with those of their variables; "" where that is not known."""
    found: dict[str, None] = {}
    for residues in product(*at.values()):
        values = [value(chain, dict(zip(at, residues, strict=True))) for chain in chains]
        if any(each is None for each in values):
            return ""
        says = [f"{name} % {modulus} = {residue}" for name, residue in zip(at, residues, strict=True)]
        says += [f"{chain} % {modulus} = {(v or 0) % modulus}" for chain, v in zip(chains, values, strict=True)]
        found[" ∧ ".join(says)] = None
    return " ∨ ".join(found)


def _by_residue(
    chains: Sequence[str], at: Mapping[str, Sequence[int]], numbers: Mapping[str, str], modulus: int
) -> str:
    """Tactics that split by the residues of variables, and compute those of some products in each case."""
    steps = []
    for place, chain in enumerate(chains):
        reduced = chain
        for name in at:
            reduced = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.'])", f"({name} % {modulus})", reduced)
        kind = next(numbers[name] for name in at if name in names_in(chain))
        steps.append(f"have e{place} : {chain} % {modulus} = {reduced} % {modulus} := (by simp [{_REDUCE[kind]}])")
    splits, rules = _split_by_residue(at, modulus)
    all_of_them = " ".join(f"e{place}" for place in range(len(chains)))
    return f"{'; '.join([*steps, *splits])} <;> simp only [{', '.join(rules)}] at {all_of_them} <;> omega"


def _split_by_residue(at: Mapping[str, Sequence[int]], modulus: int) -> tuple[list[str], list[str]]:
    """Tactics that leave a goal for each choice of residues, the last one for `<;>`, and the names of what they say."""
    facts, splits = [], []
    for place, (name, residues) in enumerate(at.items()):
        cases = [f"{name} % {modulus} = {residue}" for residue in residues]
        facts.append(f"have i{place} : {' ∨ '.join(cases)} := (by omega)")
        if len(cases) > 1:
            splits.append(f"rcases i{place} with {' | '.join([f'i{place}'] * len(cases))}")
    return [*facts, " <;> ".join(splits or ["skip"])], [f"i{place}" for place in range(len(at))]


def _growth(facts: GoalFacts, statements: Sequence[str]) -> Iterator[str]:
    """An induction in which linear arithmetic knows how a power grows."""
    for variable in dict.fromkeys(name for _, exponent in powers("\n".join(statements)) for name in names_in(exponent)):
        yield f"(induction {variable} <;> omega)"
        yield f"(induction {variable} <;> grind [Nat.pow_succ])"


def _periods(facts: GoalFacts, statements: Sequence[str]) -> Iterator[str]:
    """The powers of a numeral modulo a number come round: which residue follows from the exponent's."""
    text = "\n".join(statements)
    variables = list(_numbers(facts, "Nat"))
    for modulus in [m for m in _moduli(statements) if 2 <= m <= _LARGEST_PERIOD_MODULUS][:3]:
        haves: list[str] = []
        rules: list[str] = []
        for base, exponent in powers(text)[:3]:
            for variable in names_in(exponent) & set(variables):
                found = linear(exponent.strip("()"), variable)
                if found and found[0] > 0 and base > 1:
                    haves += _come_round(base, found, variable, exponent.strip("()"), modulus, len(rules))
                    rules.append(f"e{len(rules)}")
        if haves and rules:
            yield f"({'; '.join([*haves, 'omega'])})"
            reduce = ", ".join([*rules, _REDUCE["Nat"].removesuffix(", Nat.pow_succ")])
            keys = ", ".join(f"k{place}" for place in range(len(rules)))
            yield f"({'; '.join(haves)}; simp [{reduce}, {keys}])"


def _come_round(
    base: int, exponent: tuple[int, int], variable: str, text: str, modulus: int, place: int
) -> Iterator[str]:
    """That base ^ (c n + d) = (base ^ c) ^ n * base ^ d, and the residues of the first factor by those of `n`."""
    slope, offset = exponent
    step = base**slope
    seen = [1 % modulus]
    while (after := seen[-1] * step % modulus) not in seen:
        seen.append(after)
    before = seen.index(after)
    period = len(seen) - before
    if len(seen) > _MOST_CASES:
        return
    power, key = f"{step} ^ {variable}", f"k{place}"
    cases = [f"i = {early} ∧ {step} ^ i % {modulus} = {seen[early]}" for early in range(before)]
    from_there = f"{before} ≤ i ∧ " if before else ""
    for late in range(before, len(seen)):
        rest = f"i % {period} = {late % period} ∧ " if period > 1 else ""
        cases.append(f"{from_there}{rest}{step} ^ i % {modulus} = {seen[late]}")
    proof = "(by intro i; induction i with | zero => simp | succ i _ => rw [Nat.pow_succ]; omega)"
    yield f"have {key} : ∀ i : Nat, {' ∨ '.join(cases)} := {proof}"
    yield f"have {key} := {key} {variable}"
    factor = f" * {base} ^ {offset}" if offset else ""
    rewrite = f"show {text} = {slope} * {variable} + {offset} from (by omega), Nat.pow_add, Nat.pow_mul"
    if (slope, offset) == (1, 0):
        yield f"have e{place} : {base} ^ {variable} = {power} := rfl"
    else:
        yield f"have e{place} : {base} ^ ({text}) = {power}{factor} := (by first | rw [{rewrite}] | simp [Nat.pow_mul])"


def _common_divisors(facts: GoalFacts) -> Iterator[str]:
    """What divides two numbers divides every combination of them."""
    variables = sorted(_numbers(facts, "Nat"))
    whole = re.fullmatch(
        r"(?:Nat\.gcd (?P<a>\w+|\([^()]*\)) (?P<b>\w+|\([^()]*\))|\(?(?P<c>[^()]*)\)?\.gcd (?P<d>\w+|\([^()]*\))) = 1",
        facts.target,
    )
    if whole:
        left, right = (whole["a"] or whole["c"]).strip("()"), (whole["b"] or whole["d"]).strip("()")
        for (u, first, h), (v, second, k) in _orders(left, right, "Nat.gcd_dvd_left", "Nat.gcd_dvd_right"):
            for a, b in _combinations(first, second, "1", variables, (u, v)):
                yield (
                    f"(have g := Nat.dvd_sub (Nat.dvd_mul_left_of_dvd ({h} ({left}) ({right})) {a}) "
                    f"(Nat.dvd_mul_left_of_dvd ({k} ({left}) ({right})) {b}); "
                    f"rw [show {a} * ({first}) - {b} * ({second}) = 1 from (by omega)] at g; exact Nat.dvd_one.mp g)"
                )
    divisor, divides, target = facts.target.partition(" ∣ ")
    known = [(h.name, h.type.removeprefix(f"{divisor} ∣ ")) for h in facts.facts if h.type.startswith(f"{divisor} ∣ ")]
    if not divides or divisor.isdigit():
        return
    for (h, first), (k, second) in [(x, y) for x in known[:3] for y in known[:3] if x != y]:
        for a, b in _combinations(first, second, target, variables, (0, 0)):
            yield (
                f"(have g := Nat.dvd_sub (Nat.dvd_mul_left_of_dvd {h} {a}) (Nat.dvd_mul_left_of_dvd {k} {b}); "
                f"rwa [show {a} * ({first}) - {b} * ({second}) = {target} from (by omega)] at g)"
            )


def _orders(
    left: str, right: str, of_left: str, of_right: str
) -> list[tuple[tuple[int, str, str], tuple[int, str, str]]]:
    one, other = (0, left, of_left), (0, right, of_right)
    return [(one, other), (other, one)]


def _combinations(
    first: str, second: str, target: str, variables: Sequence[str], _least: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Coefficients a, b with a * first - b * second = target, as far as some values show; the least one."""
    points = [{name: 3 + place * 5 + 7 * turn for place, name in enumerate(variables)} for turn in range(3)]
    for a, b in product(_COEFFICIENTS, repeat=2):
        found = [(value(first, at), value(second, at), value(target, at)) for at in points]
        if all(
            x is not None and y is not None and z is not None and a * x - b * y == z and a * x >= b * y
            for x, y, z in found
        ):
            yield a, b
            return


def _zero_products(facts: GoalFacts, statements: Sequence[str]) -> Iterator[str]:
    """From `x = a ∨ y = b`, the product that vanishes: (x - a) * (y - b) = 0."""
    sides = [part.partition(" = ") for part in facts.target.split(" ∨ ")]
    if len(sides) < 2 or not all(equals for _, equals, _ in sides) or "∧" in facts.target:
        return
    if not _numbers(facts, "Int") or not monomials("\n".join(statements[1:])):
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


def _bounded(facts: GoalFacts, statements: Sequence[str]) -> Iterator[str]:
    """Variables that a product, a power or a divisor bounds, value by value."""
    chains = [chain for statement in statements[1:] for chain in monomials(statement)]
    numbers = _numbers(facts, "Nat", "Int")
    divides = {h.type.partition(" ∣ ")[0]: h for h in facts.facts if re.fullmatch(r"\w+ ∣ \d+", h.type)}
    chosen = [n for n in numbers if n in divides or any(n in names_in(chain) for chain in chains)]
    if not chosen:
        chosen = [n for n in numbers if any(n in names_in(chain) for chain in monomials(facts.target))]
    numerals = sorted(_numerals("\n".join(statements)), reverse=True)
    for bound in dict.fromkeys(each for numeral in numerals[:2] for each in (isqrt(numeral) + 1, numeral)):
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


def _squares(facts: GoalFacts, statements: Sequence[str]) -> Iterator[str]:
    """Squares are not negative, nor are products of what is not negative; linear equations are solved first."""
    integers = list(_numbers(facts, "Int"))[:4]
    multiplies = any(monomials(statement) for statement in statements) or bool(facts.local.definitions)
    if not integers or not multiplies or not re.search(r"[≤<≥>≠]|False", "\n".join(statements)):
        return
    solved, left = _solved(facts, integers)
    pairs = list(combinations(left, 2))
    terms = [f"{a} - {b}" for a, b in pairs[:3]]
    single = [*(f"{x} - {n}" for x in left[:1] for n in _numerals("\n".join(statements))[:4]), *left[:2]]
    completed = [f"2 * {x} + 1" for x in left[:1]] + [f"2 * {x} - 1" for x in left[:1]]
    if len(left) == 4:
        a, b, c, d = left
        terms = [f"{a} * {d} - {b} * {c}", f"{a} * {c} - {b} * {d}", f"{a} * {b} - {c} * {d}"]
    halved = (
        [f"{x} - {n // 2}" for x in left[:1] for n in _numerals("\n".join(statements)) if n > 2][:3] if solved else []
    )
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
    integers = list(_numbers(facts, "Int"))[:2]
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
