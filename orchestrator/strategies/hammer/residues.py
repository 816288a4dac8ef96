"""Closers for residues: products and powers modulo a number, periods of powers, common divisors. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations, product
from math import prod

from orchestrator.strategies.hammer.goal_facts import GoalFacts
from orchestrator.strategies.hammer.polynomials import linear, monomials, names_in, numbers_of, powers, value

_LARGEST_MODULUS = 16
_LARGEST_PERIOD_MODULUS = 200
_MOST_CASES = 24
_MOST_TOGETHER = 16
_COEFFICIENTS = range(10)
_REDUCE = {
    "Nat": "Nat.add_mod, Nat.mul_mod, Nat.pow_mod, Nat.pow_succ",
    "Int": "Int.add_emod, Int.sub_emod, Int.mul_emod, Int.pow_succ",
}
_DIVIDES = {"Nat": "Nat.dvd_iff_mod_eq_zero", "Int": "Int.dvd_iff_emod_eq_zero"}


def residues(facts: GoalFacts) -> Iterator[str]:
    """Closers of this kind for a goal, the likeliest first."""
    yield from _by_residues(facts)
    yield from _growth(facts)
    yield from _periods(facts)
    yield from _common_divisors(facts)


def _moduli(statements: Sequence[str]) -> list[int]:
    """Moduli that a goal speaks of, then coefficients, then those that squares, cubes and fourth powers know."""
    text = "\n".join(sorted(statements, key=lambda statement: not monomials(statement)))
    said = [int(a or b or c) for a, b, c in re.findall(r"% (\d+)|(?<![\w.])(\d+) ∣|/ (\d+)", text)]
    factors = [int(found) for found in re.findall(r"(?<![\w.^])(\d+) \* [A-Za-z(]", text)]
    usual = {"2": (8, 3, 5), "3": (7, 9), "4": (16, 5)}
    by_degree = [m for degree in dict.fromkeys(re.findall(r"\^ (\d)\b", text)) for m in usual.get(degree, ())]
    return list(dict.fromkeys([*said, *factors, *(by_degree if " = " in text or " ≠ " in text else ())]))


def _by_residues(facts: GoalFacts) -> Iterator[str]:
    """What the products and powers of a variable are modulo a small number, for each residue of the variable."""
    numbers = numbers_of(facts, "Nat", "Int")
    groups: dict[tuple[str, ...], list[str]] = {}
    for chain in dict.fromkeys(chain for statement in facts.statements for chain in monomials(statement)):
        inside = tuple(name for name in numbers if name in names_in(chain))
        if inside and names_in(chain) <= numbers.keys() and not ("-" in chain and numbers[inside[0]] == "Nat"):
            groups.setdefault(inside, []).append(chain)
    for modulus in [m for m in _moduli(facts.statements)[:5] if 2 <= m <= _LARGEST_MODULUS]:
        at = {name: _residues_of(facts, name, modulus) for names in groups for name in names}
        together = prod(len(residues) for residues in at.values())
        if groups and together <= _MOST_TOGETHER:
            chains = [chain for chains in groups.values() for chain in chains]
            kinds = dict.fromkeys(numbers[name] for name in at)
            splits, rules = _split_by_residue(at, modulus)
            laws = ", ".join([*(f"{_DIVIDES[kind]}, {_REDUCE[kind]}" for kind in kinds), *rules])
            speaks = re.compile(rf"% {modulus}\b|(?<![\w.]){modulus} ∣")
            if speaks.search(facts.target) and monomials(facts.target):
                yield f"({'; '.join(splits)} <;> simp [{laws}])"
            said = [h.name for h in facts.facts if speaks.search(h.type) and monomials(h.type)]
            if said:
                yield f"({'; '.join(splits)} <;> simp [{laws}] at {' '.join(said)} <;> omega)"
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


def _growth(facts: GoalFacts) -> Iterator[str]:
    """An induction in which linear arithmetic knows how a power grows."""
    for variable in dict.fromkeys(
        name for _, exponent in powers("\n".join(facts.statements)) for name in names_in(exponent)
    ):
        yield f"(induction {variable} <;> omega)"
        yield f"(induction {variable} <;> grind [Nat.pow_succ])"


def _periods(facts: GoalFacts) -> Iterator[str]:
    """The powers of a numeral modulo a number come round: which residue follows from the exponent's."""
    text = "\n".join(facts.statements)
    variables = list(numbers_of(facts, "Nat"))
    for modulus in [m for m in _moduli(facts.statements) if 2 <= m <= _LARGEST_PERIOD_MODULUS][:3]:
        haves: list[str] = []
        for place, (base, exponent) in enumerate(powers(text)[:3]):
            for variable in names_in(exponent) & set(variables):
                found = linear(exponent.strip("()"), variable)
                if found and found[0] > 0 and base > 1:
                    haves += _come_round(base, found, variable, exponent.strip("()"), modulus, place)
        if haves:
            yield f"({'; '.join([*haves, 'omega'])})"
            # Where the period is one, rewriting is enough, also under variables that linear arithmetic cannot multiply.
            rules = [*dict.fromkeys(re.findall(r"have (\w+) :", " ".join(haves))), "Nat.add_mod", "Nat.mul_mod"]
            yield f"({'; '.join(haves)}; simp [{', '.join(rules)}])"


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
    if (slope, offset) != (1, 0):
        yield f"have e{place} : {base} ^ ({text}) = {power}{factor} := (by first | rw [{rewrite}] | simp [Nat.pow_mul])"


def _common_divisors(facts: GoalFacts) -> Iterator[str]:
    """What divides two numbers divides every combination of them."""
    variables = sorted(numbers_of(facts, "Nat"))
    whole = re.fullmatch(
        r"(?:Nat\.gcd (?P<a>\w+|\([^()]*\)) (?P<b>\w+|\([^()]*\))|\(?(?P<c>[^()]*)\)?\.gcd (?P<d>\w+|\([^()]*\))) = 1",
        facts.target,
    )
    if whole:
        left, right = (whole["a"] or whole["c"]).strip("()"), (whole["b"] or whole["d"]).strip("()")
        known = [
            (f"(Nat.gcd_dvd_{side} ({left}) ({right}))", part) for side, part in (("left", left), ("right", right))
        ]
        target, ending = "1", "exact Nat.dvd_one.mp g"
    else:
        divisor, divides, target = facts.target.partition(" ∣ ")
        says = f"{divisor} ∣ "
        known = [(h.name, h.type.removeprefix(says)) for h in facts.facts if h.type.startswith(says)][:3]
        ending = "exact g"
        if not divides or divisor.isdigit():
            return
    for (h, first), (k, second) in permutations(known, 2):
        found = _combination(first, second, target, variables)
        if found:
            a, b = found
            yield (
                f"(have g := Nat.dvd_sub (Nat.dvd_mul_left_of_dvd {h} {a}) (Nat.dvd_mul_left_of_dvd {k} {b}); "
                f"rw [show {a} * ({first}) - {b} * ({second}) = {target} from (by omega)] at g; {ending})"
            )


def _combination(first: str, second: str, target: str, variables: Sequence[str]) -> tuple[int, int] | None:
    """The least coefficients a, b with a * first - b * second = target, as far as some values show."""
    points = [{name: 3 + place * 5 + 7 * turn for place, name in enumerate(variables)} for turn in range(3)]
    values = [(value(first, at), value(second, at), value(target, at)) for at in points]
    for a, b in product(_COEFFICIENTS, repeat=2):
        if all(None not in (x, y, z) and a * (x or 0) - b * (y or 0) == z for x, y, z in values):
            return a, b
    return None
