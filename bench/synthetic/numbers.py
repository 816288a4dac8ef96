"""Theories of numbers: linear facts, witnesses, orders, and functions by recursion on Nat."""

from __future__ import annotations

from random import Random

from bench.synthetic.theory import Names, Theorem, Theory, alternatives, bullets


def linear(dice: Random) -> Theory:
    """Linear facts about Nat and Int, with hypotheses that are needed, and some that are not."""
    n = Names(dice)
    kind = dice.choice(["Nat", "Nat", "Int"])
    a, b, c, d = n.several(kind, 4)
    h, k, m = n.several("hypothesis", 3)
    x, y = dice.randint(1, 9), dice.randint(2, 7)
    v = f"({a} {b} {c} {d} : {kind})"
    rows = [
        (f"{v} ({h} : {a} ≤ {b}) ({k} : {b} < {c}) : {a} + {x} ≤ {c} + {x}", ["omega"]),
        (f"{v} ({h} : {a} = {b} + {x}) ({k} : {c} = {y} * {b}) : {c} + {x * y} = {y} * {a}", ["omega"]),
        (f"{v} ({h} : {a} < {b}) ({k} : {b} ≤ {c}) : ¬{c} ≤ {a}", dice.choice([["omega"], [f"intro {m}", "omega"]])),
        (f"{v} ({h} : {y} * {a} = {y} * {b}) : {a} = {b}", ["omega"]),
        (f"{v} : {a} < {b} ∨ {b} ≤ {a}", ["omega"]),
        (f"{v} ({h} : {a} + {b} = {c}) : {b} + {a} = {c}", dice.choice([["omega"], [f"rw [{kind}.add_comm]", f"exact {h}"]])),
        (f"{v} : {a} + {b} + {c} = {c} + {b} + {a}", ["omega"]),
        (f"{v} : {a} * {b} = {b} * {a}", [f"exact {kind}.mul_comm {a} {b}"]),
        (f"{v} : {a} * ({b} + {c}) = {a} * {b} + {a} * {c}", [f"exact {kind}.mul_add {a} {b} {c}"]),
        (f"{v} : {a} * {b} * {c} = {c} * ({b} * {a})",
         [f"rw [{kind}.mul_comm {b} {a}, {kind}.mul_comm]"]),
        (f"{v} : ({a} + {b}) * ({a} + {b}) = {a} * {a} + 2 * ({a} * {b}) + {b} * {b}", ["grind"]),
        (f"{v} ({h} : {a} ≤ {b}) ({k} : {b} ≤ {a}) : {a} = {b}", dice.choice([["omega"], [f"exact {kind}.le_antisymm {h} {k}"]])),
        (f"{v} ({h} : {a} ≤ {b}) ({k} : {b} ≤ {c}) : {a} ≤ {c}", [f"exact {kind}.le_trans {h} {k}"]),
        (f"{v} ({h} : {a} = {b} ∧ {b} < {c}) : {a} < {c}",
         dice.choice([["omega"], [f"obtain ⟨{k}, {m}⟩ := {h}", "omega"], [f"rw [{h}.1]", f"exact {h}.2"]])),
        (f"{v} ({h} : {a} = {x} ∨ {a} = {x + y}) : {a} ≤ {x + y}",
         dice.choice([["omega"], [f"rcases {h} with {k} | {m}", *bullets(["omega"], ["omega"])]])),
        (f"{v} : max {a} {b} = max {b} {a}", [f"rw [{kind}.max_comm]"] if kind == "Nat" else ["omega"]),
        (f"{v} : (if {a} < {b} then {a} else {b}) ≤ {a}", dice.choice([["split <;> omega"], ["split", *bullets(["omega"], ["omega"])]])),
        (f"{v} ({h} : {a} < {b}) : (if {a} < {b} then {c} else {d}) = {c}", dice.choice([[f"simp [{h}]"], [f"rw [if_pos {h}]"]])),
        (f"{v} ({h} : ¬{a} < {b}) : (if {a} < {b} then {c} else {d}) = {d}", dice.choice([[f"simp [{h}]"], [f"rw [if_neg {h}]"]])),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 6)))


def witnesses(dice: Random) -> Theory:
    """∃ over numbers, parity, divisibility, remainders."""
    n = Names(dice)
    a, b, c, k, j = n.several("Nat", 5)
    h, g, m, one, two = n.several("hypothesis", 5)
    x, y = dice.randint(1, 9), dice.randint(2, 6)
    v = f"({a} {b} {c} : Nat)"
    rows = [
        (f"{v} : ∃ {k}, {a} < {k}", [f"exact ⟨{a} + 1, by omega⟩"]),
        (f"{v} : ∃ {k}, {a} ≤ {k} ∧ {b} ≤ {k}", [f"exact ⟨{a} + {b}, by omega, by omega⟩"]),
        (f"{v} ({h} : ∃ {k}, {a} = {y} * {k}) : ∃ {k}, {a} + {y} = {y} * {k}",
         [f"obtain ⟨{k}, {m}⟩ := {h}", f"exact ⟨{k} + 1, by omega⟩"]),
        (f"{v} ({h} : ∃ {k}, {a} = {y} * {k}) ({g} : ∃ {k}, {b} = {y} * {k}) : ∃ {k}, {a} + {b} = {y} * {k}",
         [f"obtain ⟨{k}, {one}⟩ := {h}", f"obtain ⟨{j}, {two}⟩ := {g}", f"exact ⟨{k} + {j}, by omega⟩"]),
        (f"{v} ({h} : ∃ {k}, {a} = {k} + {k}) : {a} % 2 = 0", [f"obtain ⟨{k}, {m}⟩ := {h}", "omega"]),
        (f"{v} ({h} : {a} % {y} = 0) : ∃ {k}, {a} = {y} * {k}", [f"exact ⟨{a} / {y}, by omega⟩"]),
        (f"{v} ({h} : {a} ≤ {b}) : ∃ {k}, {b} = {a} + {k}", [f"exact ⟨{b} - {a}, by omega⟩"]),
        (f"{v} ({h} : {a} ∣ {b}) ({g} : {b} ∣ {c}) : {a} ∣ {c}", [f"exact Nat.dvd_trans {h} {g}"]),
        (f"{v} ({h} : {a} ∣ {b}) : {a} ∣ {b} * {c}",
         dice.choice([[f"exact Nat.dvd_trans {h} (Nat.dvd_mul_right {b} {c})"],
                      [f"obtain ⟨{k}, {m}⟩ := {h}", f"exact ⟨{k} * {c}, by rw [{m}, Nat.mul_assoc]⟩"]])),
        (f"{v} ({h} : {a} ∣ {b}) ({g} : {a} ∣ {c}) : {a} ∣ {b} + {c}", [f"exact Nat.dvd_add {h} {g}"]),
        (f"{v} : ({a} + {y} * {b}) % {y} = {a} % {y}", [f"exact Nat.add_mul_mod_self_left {a} {y} {b}"]),
        (f"{v} ({h} : 0 < {a}) : ∃ {k}, {a} = {k} + 1",
         [f"cases {a} with", "| zero => omega", f"| succ {k} => exact ⟨{k}, rfl⟩"]),
        (f"{v} ({h} : {a} < {y}) : {a} * {b} ≤ {y} * {b}", [f"exact Nat.mul_le_mul_right {b} (by omega)"]),
        (f"{v} ({h} : {a} ≤ {b}) : {c} * {a} ≤ {c} * {b}", [f"exact Nat.mul_le_mul_left {c} {h}"]),
        (f"{v} : {x} ^ ({a} + {b}) = {x} ^ {a} * {x} ^ {b}", ["exact Nat.pow_add _ _ _"]),
        (f"{v} : {y} ^ ({a} + 1) = {y} * {y} ^ {a}", ["rw [Nat.pow_succ, Nat.mul_comm]"]),
        (f"({a} : Int) : ∃ {k} {j} : Int, {a} = {k} - {j}", [f"exact ⟨{a}, 0, by omega⟩"]),
        (f"({a} {b} : Int) ({h} : 2 * {a} = 2 * {b} + 2) : ∃ {k}, {a} = {k} + 1", [f"exact ⟨{b}, by omega⟩"]),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 6)))


def recursion(dice: Random) -> Theory:
    """Functions by recursion on Nat, and what induction says of them."""
    n = Names(dice)
    f, g, s = n.several("constant", 3)
    a, b, k = n.several("Nat", 3)
    ih = dice.choice(["ih", "ih", "ih", "hk", "IH"])
    c, d = dice.randint(0, 5), dice.randint(1, 6)
    context = f"""\
def {f} : Nat → Nat
  | 0 => {c}
  | n + 1 => {f} n + {d}
def {g} (m : Nat) : Nat → Nat
  | 0 => m
  | n + 1 => {g} m n + 1
def {s} : Nat → Nat
  | 0 => 0
  | n + 1 => {s} n + {d} * n"""

    def by_induction(zero: str, succ: list[str], generalizing: str = "", on: str = a) -> list[str]:
        head = f"induction {on}{generalizing} with"
        return alternatives(head, ("zero", [zero]), (f"succ {k} {ih}", succ))

    zero = dice.choice(["rfl", "rfl", "simp [{}]", "simp"])
    unfold = dice.choice(["simp only [{}]", "unfold {}", "simp only [{}]"])
    rows = [
        (f"({a} : Nat) : {f} {a} = {d} * {a} + {c}", by_induction("rfl", [unfold.format(f), "omega"])),
        (f"({a} : Nat) : {c} ≤ {f} {a}", by_induction(zero.format(f), [unfold.format(f), "omega"])),
        (f"({a} : Nat) : {f} {a} + {d} = {f} ({a} + 1)", ["rfl"]),
        (f"({a} : Nat) : {f} {a} < {f} ({a} + 1)", [f"simp only [{f}]", "omega"]),
        (f"({a} {b} : Nat) : {g} {b} {a} = {b} + {a}",
         by_induction("rfl", dice.choice([[f"simp only [{g}, {ih}]", "omega"], [f"rw [{g}, {ih}, Nat.add_assoc]"]]))),
        (f"({a} {b} : Nat) : {g} ({b} + 1) {a} = {g} {b} {a} + 1",
         by_induction("rfl", dice.choice([[f"simp only [{g}, {ih}]"], [f"simp [{g}, {ih}]"], [f"rw [{g}, {ih}, {g}]"]]))),
        (f"({a} : Nat) : {g} 0 {a} = {a}", by_induction("rfl", [f"rw [{g}, {ih}]"])),
        (f"({a} {b} : Nat) ({f}_le : {b} ≤ {a}) : {b} ≤ {g} {b} {a}",
         ["clear " + f"{f}_le", *by_induction("exact Nat.le_refl _", [f"simp only [{g}]", "omega"])]),
        (f"({a} : Nat) : 2 * {s} {a} + {d} * {a} = {d} * ({a} * {a})",
         by_induction("rfl", [f"simp only [{s}]", "grind"])),
        (f"({a} : Nat) : {s} {a} ≤ {s} ({a} + 1)", dice.choice([[f"simp [{s}]"], [f"simp only [{s}]", "omega"]])),
        (f"({a} : Nat) : {f} {a} % {d} = {c} % {d}", by_induction("rfl", [f"simp only [{f}]", f"rw [Nat.add_mod_right, {ih}]"])),
        (f"({a} {b} : Nat) ({k}_pos : 0 < {a}) : {b} < {g} {b} {a}",
         [f"cases {a} with", "| zero => omega",
          f"| succ {k} =>", f"  have h : ∀ j, {b} ≤ {g} {b} j := by", "    intro j", "    induction j with",
          "    | zero => exact Nat.le_refl _", f"    | succ j {ih} => simp only [{g}]; omega",
          f"  have := h {k}", f"  simp only [{g}]", "  omega"]),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 7)), context)
