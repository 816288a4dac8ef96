"""Theories of data: lists with functions of one's own, inductive types, inductive predicates, options and booleans."""

from __future__ import annotations

from random import Random

from bench.synthetic.theory import Names, Theorem, Theory, alternatives, bullets


def lists(dice: Random) -> Theory:
    """Functions on lists, by recursion, and how they meet append, map and reverse."""
    n = Names(dice)
    size, total, put, each, turn = n.several("constant", 5)
    xs, ys = n.several("List", 2)
    x = n.fresh("element")
    ih = dice.choice(["ih", "ih", "ih", "h"])
    context = f"""\
def {size} {{α : Type}} : List α → Nat
  | [] => 0
  | _ :: l => {size} l + 1
def {total} : List Nat → Nat
  | [] => 0
  | a :: l => a + {total} l
def {put} {{α : Type}} : List α → List α → List α
  | [], m => m
  | a :: l, m => a :: {put} l m
def {each} {{α β : Type}} (f : α → β) : List α → List β
  | [] => []
  | a :: l => f a :: {each} f l
def {turn} {{α : Type}} : List α → List α
  | [] => []
  | a :: l => {turn} l ++ [a]"""

    def by_induction(*names: str, more: tuple[str, ...] = (), nil: str = "rfl") -> list[str]:
        used = ", ".join([*names, ih])
        ways = [[f"simp [{used}]"], [f"simp only [{used}]"], [f"simp_all [{', '.join(names)}]"]]
        if more:
            ways = [[f"simp [{used}]", *more], [f"simp only [{used}]", *more]]
        cons = (f"cons {x} {xs} {ih}", dice.choice(ways))
        return alternatives(f"induction {xs} with", ("nil", [nil]), cons)

    a = "{α : Type}"
    rows = [
        (f"{a} ({xs} : List α) : {size} {xs} = {xs}.length", by_induction(size)),
        (f"{a} ({xs} {ys} : List α) : {put} {xs} {ys} = {xs} ++ {ys}", by_induction(put)),
        (f"{a} ({xs} {ys} : List α) : {size} ({xs} ++ {ys}) = {size} {xs} + {size} {ys}",
         by_induction(size, more=("omega",), nil=f"simp [{size}]")),
        (f"{a} ({xs} {ys} : List α) : {size} ({put} {xs} {ys}) = {size} {xs} + {size} {ys}",
         by_induction(size, put, more=("omega",), nil=f"simp [{size}, {put}]")),
        (f"({xs} {ys} : List Nat) : {total} ({xs} ++ {ys}) = {total} {xs} + {total} {ys}",
         by_induction(total, more=("omega",), nil=f"simp [{total}]")),
        (f"{{α β : Type}} (f : α → β) ({xs} : List α) : {size} ({each} f {xs}) = {size} {xs}", by_induction(size, each)),
        (f"{{α β : Type}} (f : α → β) ({xs} : List α) : {each} f {xs} = {xs}.map f", by_induction(each)),
        (f"{{α β : Type}} (f : α → β) ({xs} {ys} : List α) : {each} f ({xs} ++ {ys}) = {each} f {xs} ++ {each} f {ys}", by_induction(each)),
        (f"{a} ({xs} : List α) : {each} id {xs} = {xs}", by_induction(each)),
        (f"{a} ({xs} : List α) : {put} {xs} [] = {xs}", by_induction(put)),
        (f"{a} ({xs} : List α) : {turn} {xs} = {xs}.reverse", by_induction(turn)),
        (f"{a} ({xs} {ys} : List α) : {turn} ({xs} ++ {ys}) = {turn} {ys} ++ {turn} {xs}", by_induction(turn, nil=f"simp [{turn}]")),
        (f"{a} ({xs} : List α) : {size} ({turn} {xs}) = {size} {xs}",
         [f"have h : ∀ l m : List α, {size} (l ++ m) = {size} l + {size} m := by", "  intro l m", "  induction l with",
          f"  | nil => simp [{size}]", f"  | cons a l ih => simp only [List.cons_append, {size}, ih]; omega",
          *alternatives(f"induction {xs} with", ("nil", ["rfl"]), (f"cons {x} {xs} {ih}", [f"simp [{turn}, h, {size}, {ih}]"]))]),
        (f"{a} ({xs} : List α) ({x} : α) : {x} ∈ {xs} ++ [{x}]", ["simp"]),
        (f"{a} ({xs} {ys} : List α) : ({xs} ++ {ys}).length = {ys}.length + {xs}.length",
         dice.choice([["rw [List.length_append, Nat.add_comm]"], ["simp [Nat.add_comm]"]])),
        (f"{a} ({xs} {ys} : List α) : ({xs} ++ {ys}).reverse = {ys}.reverse ++ {xs}.reverse",
         dice.choice([["simp"], ["exact List.reverse_append"]])),
        (f"{a} ({xs} : List α) (h : {xs} ≠ []) : 0 < {xs}.length",
         alternatives(f"cases {xs} with", ("nil", ["contradiction"]), (f"cons {x} {xs}", ["simp"]))),
        (f"{a} ({xs} : List α) (h : {xs}.length = 0) : {xs} = []",
         alternatives(f"cases {xs} with", ("nil", ["rfl"]), (f"cons {x} {xs}", ["simp at h"]))),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 8)), context)


def trees(dice: Random) -> Theory:
    """An inductive type with one or two inner constructors, functions on it, and inductions."""
    n = Names(dice)
    t = n.fresh("type")
    leaf, node, wrap = n.several("constructor", 3)
    size, flip, deep, each, flat = n.several("constant", 5)
    v = dice.choice(["t", "t", "e", "s", "u"])
    left, right = dice.choice([("l", "r"), ("a", "b"), ("x", "y"), ("s", "t")])
    left, right = (left + "'" if left == v else left), (right + "'" if right == v else right)
    ihl, ihr, ih = dice.choice([("ihl", "ihr", "ih"), ("iha", "ihb", "ih"), ("ih1", "ih2", "ih"), ("hl", "hr", "hs")])
    label = dice.choice(["n", "x", "k"])
    label = label + "0" if label in (left, right, v) else label
    context = f"""\
inductive {t} where
  | {leaf} (n : Nat)
  | {node} (l r : {t})
  | {wrap} (s : {t})
namespace {t}
def {size} : {t} → Nat
  | {leaf} _ => 1
  | {node} l r => {size} l + {size} r
  | {wrap} s => {size} s
def {flip} : {t} → {t}
  | {leaf} n => {leaf} n
  | {node} l r => {node} ({flip} r) ({flip} l)
  | {wrap} s => {wrap} ({flip} s)
def {deep} : {t} → Nat
  | {leaf} _ => 0
  | {node} l r => max ({deep} l) ({deep} r) + 1
  | {wrap} s => {deep} s + 1
def {each} (f : Nat → Nat) : {t} → {t}
  | {leaf} n => {leaf} (f n)
  | {node} l r => {node} ({each} f l) ({each} f r)
  | {wrap} s => {wrap} ({each} f s)
def {flat} : {t} → List Nat
  | {leaf} n => [n]
  | {node} l r => {flat} l ++ {flat} r
  | {wrap} s => {flat} s
end {t}"""

    def by_cases(base: str, inner: list[str], one: list[str]) -> list[str]:
        cases = (f"{leaf} {label}", [base]), (f"{node} {left} {right} {ihl} {ihr}", inner), (f"{wrap} {left} {ih}", one)
        return alternatives(f"induction {v} with", *cases)

    def by_induction(*names: str) -> list[str]:
        way = dice.choice(["simp [{}, {}]", "simp only [{}, {}]", "simp_all [{}]"])
        full = ", ".join(names)
        return by_cases("rfl", [way.format(full, f"{ihl}, {ihr}")], [way.format(full, ih)])

    s, i, d, e, w = (f"{t}.{name}" for name in (size, flip, deep, each, flat))
    rows = [
        (f"({v} : {t}) : {i} ({i} {v}) = {v}", by_induction(i)),
        (f"({v} : {t}) : {s} ({i} {v}) = {s} {v}",
         by_cases("rfl", [f"simp only [{i}, {s}, {ihl}, {ihr}]", "omega"], [f"simp only [{i}, {s}, {ih}]"])),
        (f"({v} : {t}) : {s} ({e} (fun n => n + 1) {v}) = {s} {v}", by_induction(e, s)),
        (f"({v} : {t}) : {e} id {v} = {v}", by_induction(e)),
        (f"(f g : Nat → Nat) ({v} : {t}) : {e} f ({e} g {v}) = {e} (fun n => f (g n)) {v}", by_induction(e)),
        (f"(f : Nat → Nat) ({v} : {t}) : {i} ({e} f {v}) = {e} f ({i} {v})", by_induction(e, i)),
        (f"({v} : {t}) : ({w} {v}).length = {s} {v}", by_induction(w, s)),
        (f"(f : Nat → Nat) ({v} : {t}) : {w} ({e} f {v}) = ({w} {v}).map f",
         by_cases("rfl", [f"simp [{w}, {e}, {ihl}, {ihr}]"], [f"simp [{w}, {e}, {ih}]"])),
        (f"({v} : {t}) : {w} ({i} {v}) = ({w} {v}).reverse", by_induction(w, i)),
        (f"({v} : {t}) : 0 < {s} {v}",
         by_cases(f"simp [{s}]", [f"simp only [{s}]", "omega"], [f"simp only [{s}]", f"exact {ih}"])),
        (f"({v} : {t}) : {d} ({i} {v}) = {d} {v}",
         by_cases("rfl", [f"simp only [{i}, {d}, {ihl}, {ihr}]", "omega"], [f"simp only [{i}, {d}, {ih}]"])),
        (f"(n : Nat) ({v} : {t}) (h : {t}.{leaf} n = {v}) : {s} {v} = 1", dice.choice([["subst h", "rfl"], ["rw [← h]", "rfl"]])),
        (f"(a b : Nat) (h : {t}.{leaf} a = {t}.{leaf} b) : a = b", dice.choice([["cases h", "rfl"], ["injection h"], ["simp_all"]])),
        (f"({v} : {t}) (n : Nat) : {t}.{leaf} n ≠ {t}.{wrap} {v}", dice.choice([["intro h", "cases h"], ["simp"], ["nofun"]])),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 7)), context)


def relations(dice: Random) -> Theory:
    """Inductive predicates: the reflexive transitive closure, and evenness."""
    n = Names(dice)
    star, even = n.several("type", 2)
    refl, step = dice.choice([("refl", "step"), ("here", "there"), ("stop", "go"), ("nil", "cons")])
    zero, two = dice.choice([("zero", "two"), ("base", "next"), ("z", "ss")])
    a, b, c = n.several("element", 3)
    h, k, m = n.several("hypothesis", 3)
    ih = dice.choice(["ih", "ih", "hi"])
    context = f"""\
inductive {star} {{α : Type}} (R : α → α → Prop) : α → α → Prop
  | {refl} (a : α) : {star} R a a
  | {step} (a b c : α) (h : R a b) (t : {star} R b c) : {star} R a c
inductive {even} : Nat → Prop
  | {zero} : {even} 0
  | {two} (n : Nat) (h : {even} n) : {even} (n + 2)"""
    g = "{α : Type} {R : α → α → Prop}"
    rows = [
        (f"{g} ({a} : α) : {star} R {a} {a}", dice.choice([[f"exact .{refl} {a}"], [f"exact {star}.{refl} {a}"], [f"apply {star}.{refl}"]])),
        (f"{g} {{{a} {b} : α}} ({h} : R {a} {b}) : {star} R {a} {b}", [f"exact .{step} {a} {b} {b} {h} (.{refl} {b})"]),
        (f"{g} {{{a} {b} {c} : α}} ({h} : R {a} {b}) ({k} : {star} R {b} {c}) : {star} R {a} {c}", [f"exact .{step} {a} {b} {c} {h} {k}"]),
        (f"{g} {{{a} {b} {c} : α}} ({h} : {star} R {a} {b}) ({k} : {star} R {b} {c}) : {star} R {a} {c}",
         alternatives(f"induction {h} with", (f"{refl} x", [f"exact {k}"]), (f"{step} i j l {m} t {ih}", [f"exact .{step} i j {c} {m} ({ih} {k})"]))),
        (f"{g} {{{a} {b} {c} : α}} ({h} : {star} R {a} {b}) ({k} : R {b} {c}) : {star} R {a} {c}",
         alternatives(f"induction {h} with", (f"{refl} i", [f"exact .{step} i {c} {c} {k} (.{refl} {c})"]),
                      (f"{step} i j l {m} t {ih}", [f"exact .{step} i j {c} {m} ({ih} {k})"]))),
        (f"{g} (P : α → Prop) (inv : ∀ x y, R x y → P x → P y) {{{a} {b} : α}} ({h} : {star} R {a} {b}) ({k} : P {a}) : P {b}",
         alternatives(f"induction {h} with", (f"{refl} x", [f"exact {k}"]), (f"{step} i j l {m} t {ih}", [f"exact {ih} (inv i j {m} {k})"]))),
        (f"({a} {b} : Nat) ({h} : {even} {a}) ({k} : {even} {b}) : {even} ({b} + {a})",
         alternatives(f"induction {h} with", (f"{zero}", [f"exact {k}"]), (f"{two} x {m} {ih}", [f"exact .{two} _ {ih}"]))),
        (f"({a} : Nat) ({h} : {even} {a}) : {even} ({a} + 2)", dice.choice([[f"exact .{two} {a} {h}"], [f"exact {even}.{two} _ {h}"]])),
        (f"({a} : Nat) ({h} : {even} ({a} + 2)) : {even} {a}", [f"cases {h} with", f"| {two} _ {k} => exact {k}"]),
        (f"({a} : Nat) ({h} : {even} {a}) : ∃ k, {a} = 2 * k",
         alternatives(f"induction {h} with", (f"{zero}", ["exact ⟨0, rfl⟩"]),
                      (f"{two} x {m} {ih}", [f"obtain ⟨k, hk⟩ := {ih}", "exact ⟨k + 1, by omega⟩"]))),
        (f"({a} : Nat) ({h} : {even} {a}) : {a} % 2 = 0", [f"induction {h} with", f"| {zero} => rfl", f"| {two} x {m} {ih} => omega"]),
        (f"({h} : {even} 1) : False", [f"cases {h}"]),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 7)), context)


def options(dice: Random) -> Theory:
    """Case distinctions on options, booleans, sums, pairs, `if` and `match`."""
    n = Names(dice)
    o = dice.choice(["o", "x", "w", "m"])
    b, c = dice.choice([("b", "c"), ("p", "q"), ("u", "v")])
    y, z = n.several("element", 2)
    y, z = (y + "1" if y == o else y), (z + "2" if z == o else z)
    h, k, m = n.several("hypothesis", 3)

    def cases(some: list[str], none: str = "rfl") -> list[str]:
        return alternatives(f"cases {o} with", ("none", [none]), (f"some {y}", some))

    g = f"{{α β : Type}} ({o} : Option α)"
    rows = [
        (f"{g} : {o}.map id = {o}", dice.choice([cases(["rfl"]), [f"cases {o} <;> rfl"]])),
        (f"{g} (f : α → β) ({h} : {o} = none) : {o}.map f = none", dice.choice([[f"rw [{h}]", "rfl"], [f"simp [{h}]"], [f"subst {h}", "rfl"]])),
        (f"{g} ({h} : {o} ≠ none) : ∃ {z}, {o} = some {z}", cases([f"exact ⟨{y}, rfl⟩"], "contradiction")),
        (f"{g} ({h} : {o}.isSome = true) : {o} ≠ none",
         [f"intro {k}", dice.choice([f"simp [{k}] at {h}", f"rw [{k}] at {h}; contradiction", "simp_all"])]),
        (f"{g} ({z} : α) ({h} : {o} = some {z}) : {o}.getD {z} = {z}", dice.choice([[f"rw [{h}]", "rfl"], [f"simp [{h}]"]])),
        (f"({b} {c} : Bool) : ({b} && {c}) = ({c} && {b})", dice.choice([[f"cases {b} <;> cases {c} <;> rfl"], ["exact Bool.and_comm _ _"]])),
        (f"({b} {c} : Bool) : (!({b} || {c})) = (!{b} && !{c})", dice.choice([[f"cases {b} <;> rfl"], [f"cases {b} <;> cases {c} <;> rfl"], ["simp"]])),
        (f"({b} : Bool) ({h} : {b} ≠ true) : {b} = false", dice.choice([[f"cases {b} <;> simp_all"], ["simp_all"]])),
        (f"({b} {c} : Bool) ({h} : ({b} && {c}) = true) : {c} = true",
         dice.choice([["simp_all"], [f"rw [Bool.and_eq_true] at {h}", f"exact {h}.2"]])),
        (f"{{α β : Type}} ({o} : α ⊕ β) : (∃ a, {o} = .inl a) ∨ ∃ b, {o} = .inr b",
         alternatives(f"cases {o} with", (f"inl {y}", [f"exact Or.inl ⟨{y}, rfl⟩"]), (f"inr {y}", [f"exact Or.inr ⟨{y}, rfl⟩"]))),
        (f"{{α β : Type}} ({o} : α × β) : ({o}.2, {o}.1).2 = {o}.1", ["rfl"]),
        (f"{{α β : Type}} ({o} {z} : α × β) ({h} : {o}.1 = {z}.1) ({k} : {o}.2 = {z}.2) : {o} = {z}",
         dice.choice([[f"exact Prod.ext {h} {k}"], [f"cases {o}", f"cases {z}", "simp_all"]])),
        (f"(p : Prop) [Decidable p] ({y} {z} : Nat) ({h} : p → {y} = {z}) : (if p then {y} else {z}) = {z}",
         ["split", *bullets([f"rename_i {k}", f"exact {h} {k}"], ["rfl"])]),
        (f"(p q : Prop) ({h} : ¬(p ∧ q)) ({k} : p) : ¬q", [f"intro {m}", f"exact {h} ⟨{k}, {m}⟩"]),
        (f"(p : Prop) ({h} : ¬¬p) : p", [f"by_cases {k} : p", *bullets([f"exact {k}"], [f"exact absurd {k} {h}"])]),
        (f"(p q : Prop) ({h} : ¬p → q) : p ∨ q", [f"by_cases {k} : p", *bullets([f"exact Or.inl {k}"], [f"exact Or.inr ({h} {k})"])]),
        ("(n : Nat) (i : Fin n) : i.val < n", dice.choice([["exact i.isLt"], ["exact i.2"]])),
        (f"(n : Nat) (i j : Fin n) ({h} : i.val = j.val) : i = j", dice.choice([[f"exact Fin.ext {h}"], ["omega"]])),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 8)))
