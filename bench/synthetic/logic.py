"""Theories of pure logic: natural deduction with random formulas, quantifiers, equations, functions, predicates."""

from __future__ import annotations

from random import Random
from typing import Literal

from bench.synthetic.theory import Names, Theorem, Theory, alternatives, bullets

Kind = Literal["atom", "and", "or", "imp", "not", "iff"]
Formula = tuple[Kind, tuple["Formula", ...] | str]
Known = dict[str, Formula]

_SIGNS = {"and": "∧", "or": "∨", "imp": "→", "iff": "↔"}


def text_of(formula: Formula, *, inside: bool = False) -> str:
    """A formula as Lean reads it."""
    kind, parts = formula
    if isinstance(parts, str):
        return parts
    words = [text_of(part, inside=True) for part in parts]
    text = f"¬{words[0]}" if kind == "not" else f" {_SIGNS[kind]} ".join(words)
    return f"({text})" if inside and kind != "not" else text


class Deduction:
    """Makes a claim and its proof at once, assuming what it needs on the way."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._names = Names(dice)
        self.atoms = self._names.several("Prop", dice.randint(2, 4))
        self.assumed: Known = {}

    def formula(self, depth: int) -> Formula:
        """A random formula."""
        kinds: list[Kind] = ["atom", "and", "or", "imp", "and", "or", "not", "iff"]
        kind = self._dice.choice(kinds) if depth else "atom"
        if kind == "atom":
            return "atom", self._dice.choice(self.atoms)
        return kind, tuple(self.formula(depth - 1) for _ in range(1 if kind == "not" else 2))

    def assume(self, formula: Formula, known: Known) -> str:
        """The name of a hypothesis that says `formula`, of the theorem's own if there is none yet."""
        for name, other in {**known, **self.assumed}.items():
            if other == formula:
                return name
        name = self._names.fresh("hypothesis")
        self.assumed[name] = formula
        return name

    def proof(self, goal: Formula, known: Known, depth: int) -> list[str]:
        """The lines that prove `goal`."""
        kind, parts = goal
        for name, other in {**known, **self.assumed}.items():
            if other == goal:
                return [self._dice.choice([f"exact {name}", f"exact {name}", "assumption"])]
        if isinstance(parts, str):
            return self._atom(goal, known, depth)
        if kind == "and":
            head = self._dice.choice(["constructor", "refine ⟨?_, ?_⟩"])
            return [head, *bullets(*(self.proof(part, known, depth) for part in parts))]
        if kind == "iff":
            there: Formula = ("imp", parts)
            back: Formula = ("imp", parts[::-1])
            return ["constructor", *bullets(self.proof(there, known, depth), self.proof(back, known, depth))]
        if kind == "or":
            side = self._dice.randrange(2)
            return [("left", "right")[side], *self.proof(parts[side], known, depth)]
        name = self._names.fresh("hypothesis")
        if kind == "imp":
            return [f"intro {name}", *self._using(name, parts[0], parts[1], known, depth)]
        return [f"intro {name}", *self._false(name, parts[0], known, depth)]

    def _using(self, name: str, premise: Formula, goal: Formula, known: Known, depth: int) -> list[str]:
        kind, parts = premise
        if isinstance(parts, str) or kind not in ("and", "or"):
            return self.proof(goal, {**known, name: premise}, depth)
        one, two = self._names.several("hypothesis", 2)
        if kind == "and":
            rest = self.proof(goal, {**known, one: parts[0], two: parts[1]}, depth)
            return [f"obtain ⟨{one}, {two}⟩ := {name}", *rest]
        blocks = [self.proof(goal, {**known, n: p}, depth) for n, p in zip((one, two), parts, strict=True)]
        if self._dice.random() < 0.5:
            return [f"rcases {name} with {one} | {two}", *bullets(*blocks)]
        return alternatives(f"cases {name} with", (f"inl {one}", blocks[0]), (f"inr {two}", blocks[1]))

    def _false(self, name: str, premise: Formula, known: Known, depth: int) -> list[str]:
        other = self.assume(("not", (premise,)), {})
        return [self._dice.choice([f"exact {other} {name}", f"exact absurd {name} {other}", "contradiction"])]

    def _atom(self, goal: Formula, known: Known, depth: int) -> list[str]:
        way = self._dice.randrange(8) if depth > 0 else 0
        small = self.formula(1 if depth > 1 else 0)
        if way <= 1 or small == goal:
            return [f"exact {self.assume(goal, known)}"]
        if way <= 3:
            name = self.assume(("imp", (small, goal)), known)
            for fact, other in {**known, **self.assumed}.items():
                if other == small:
                    return [f"exact {name} {fact}"]
            return [f"apply {name}", *self.proof(small, known, depth - 1)]
        if way == 4:
            pair: tuple[Formula, ...] = (goal, small) if self._dice.random() < 0.5 else (small, goal)
            return [f"exact {self.assume(('and', pair), known)}.{pair.index(goal) + 1}"]
        if way == 5:
            name = self.assume(("or", (small, goal)), known)
            one, two = self._names.several("hypothesis", 2)
            first = self.proof(goal, {**known, one: small}, depth - 1)
            return [f"rcases {name} with {one} | {two}", *bullets(first, [f"exact {two}"])]
        if way == 6:
            no = self.assume(("not", (small,)), known)
            yes = self.assume(small, known)
            return [self._dice.choice([f"exact absurd {yes} {no}", "contradiction", f"exact ({no} {yes}).elim"])]
        name = self.assume(("iff", (goal, small)), known)
        return [f"rw [{name}]", *self.proof(small, known, depth - 1)]


def deduction(dice: Random) -> Theory:
    """A random formula that follows from random hypotheses."""
    theorems = []
    for _ in range(6):
        work = Deduction(dice)
        goal = work.formula(dice.choice([0, 1, 1, 2, 2]))
        lines = work.proof(goal, {}, dice.choice([1, 2, 2, 3]))
        if len(lines) > 14:
            continue
        for _ in range(dice.randrange(3)):
            work.assume(work.formula(1), {})
        given = " ".join(f"({name} : {text_of(what)})" for name, what in work.assumed.items())
        theorems.append(Theorem(f"({' '.join(work.atoms)} : Prop) {given} : {text_of(goal)}", tuple(lines)))
    return Theory(tuple(theorems))


def quantifiers(dice: Random) -> Theory:
    """∀ and ∃ over a type with two predicates and a relation."""
    n = Names(dice)
    t, (p, q, r) = n.fresh("Type"), ("P", "Q", "R") if dice.random() < 0.6 else ("Good", "Even", "Rel")
    a, b, x, y = n.several("element", 4)
    h, k, m, hx, hy = n.several("hypothesis", 5)
    g = f"{{{t} : Type}} ({p} {q} : {t} → Prop) ({r} : {t} → {t} → Prop)"
    every = f"({h} : ∀ {x}, {p} {x} → {q} {x})"
    rows = [
        (f"{g} {every} ({a} : {t}) ({k} : {p} {a}) : {q} {a}", [f"exact {h} {a} {k}"]),
        (f"{g} {every} ({k} : ∃ {x}, {p} {x}) : ∃ {x}, {q} {x}", [f"obtain ⟨{x}, {hx}⟩ := {k}", f"exact ⟨{x}, {h} {x} {hx}⟩"]),
        (f"{g} ({a} : {t}) ({k} : {p} {a}) : ∃ {y}, {p} {y}", [f"exact ⟨{a}, {k}⟩"]),
        (f"{g} {every} ({k} : ∀ {x}, {p} {x}) : ∀ {x}, {q} {x}", [f"intro {x}", f"exact {h} {x} ({k} {x})"]),
        (f"{g} ({k} : ∀ {x}, {p} {x} ∧ {q} {x}) : ∀ {x}, {q} {x}", [f"intro {x}", f"exact ({k} {x}).2"]),
        (f"{g} ({k} : ∃ {x}, {p} {x} ∧ {q} {x}) : ∃ {x}, {q} {x} ∧ {p} {x}",
         [f"obtain ⟨{x}, {hx}, {hy}⟩ := {k}", f"exact ⟨{x}, {hy}, {hx}⟩"]),
        (f"{g} ({k} : ¬∃ {x}, {p} {x}) : ∀ {x}, ¬{p} {x}", [f"intro {x} {hx}", f"exact {k} ⟨{x}, {hx}⟩"]),
        (f"{g} ({k} : ∀ {x}, ¬{p} {x}) : ¬∃ {x}, {p} {x}",
         [f"intro {m}", f"obtain ⟨{x}, {hx}⟩ := {m}", f"exact {k} {x} {hx}"]),
        (f"{g} ({k} : ∃ {x}, ∀ {y}, {r} {x} {y}) : ∀ {y}, ∃ {x}, {r} {x} {y}",
         [f"intro {y}", f"obtain ⟨{x}, {hx}⟩ := {k}", f"exact ⟨{x}, {hx} {y}⟩"]),
        (f"{g} ({k} : ∀ {x} {y}, {r} {x} {y} → {r} {y} {x}) ({a} {b} : {t}) ({m} : {r} {a} {b}) : {r} {b} {a}",
         [f"exact {k} {a} {b} {m}"]),
        (f"{g} ({k} : ∀ {x} {y}, {r} {x} {y} → {r} {y} {x}) ({a} {b} : {t}) : {r} {a} {b} ↔ {r} {b} {a}",
         ["constructor", *bullets([f"exact {k} {a} {b}"], [f"exact {k} {b} {a}"])]),
        (f"{g} ({k} : (∃ {x}, {p} {x}) ∨ ∃ {x}, {q} {x}) : ∃ {x}, {p} {x} ∨ {q} {x}",
         [f"rcases {k} with ⟨{x}, {hx}⟩ | ⟨{x}, {hx}⟩", *bullets([f"exact ⟨{x}, Or.inl {hx}⟩"], [f"exact ⟨{x}, Or.inr {hx}⟩"])]),
        (f"{g} ({k} : ∀ {x}, {p} {x} → ∃ {y}, {r} {x} {y}) ({a} : {t}) ({m} : {p} {a}) : ∃ {y}, {r} {a} {y}",
         [f"obtain ⟨{y}, {hy}⟩ := {k} {a} {m}", f"exact ⟨{y}, {hy}⟩"]),
        (f"{g} {every} : (∀ {x}, {p} {x}) → ∀ {x}, {q} {x}", [f"intro {m} {x}", f"exact {h} {x} ({m} {x})"]),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 7)))


def equations(dice: Random) -> Theory:
    """Rewriting with hypotheses, congruence, injectivity, functional extensionality."""
    n = Names(dice)
    t, u = n.several("Type", 2)
    f, g = n.several("function", 2)
    a, b, c, d = n.several("element", 4)
    h, k, m = n.several("hypothesis", 3)
    v = f"{{{t} : Type}} ({a} {b} {c} {d} : {t})"
    fun = f"{{{t} {u} : Type}} ({f} : {t} → {u}) ({a} {b} {c} : {t})"
    op = f"{{{t} : Type}} ({f} : {t} → {t} → {t}) ({a} {b} {c} : {t})"
    injective = f"∀ {a} {b}, {{}} {a} = {{}} {b} → {a} = {b}"
    rows = [
        (f"{v} ({h} : {a} = {b}) ({k} : {b} = {c}) : {a} = {c}", dice.choice([[f"rw [{h}, {k}]"], [f"exact {h}.trans {k}"]])),
        (f"{v} ({h} : {a} = {b}) ({k} : {c} = {b}) : {a} = {c}", dice.choice([[f"rw [{h}, {k}]"], [f"exact {h}.trans {k}.symm"]])),
        (f"{v} ({h} : {a} = {b}) : {b} = {a}", [f"exact {h}.symm"]),
        (f"{fun} ({h} : {a} = {b}) : {f} {a} = {f} {b}", dice.choice([[f"rw [{h}]"], [f"subst {h}", "rfl"]])),
        (f"{op} ({h} : ∀ {a} {b}, {f} {a} {b} = {f} {b} {a}) : {f} {a} ({f} {b} {c}) = {f} ({f} {c} {b}) {a}",
         [f"rw [{h} {b} {c}, {h} {a}]"]),
        (f"{op} ({h} : ∀ {a} {b} {c}, {f} ({f} {a} {b}) {c} = {f} {a} ({f} {b} {c})) (z : {t}) : "
         f"{f} ({f} ({f} {a} {b}) {c}) z = {f} {a} ({f} {b} ({f} {c} z))", [f"rw [{h}, {h}]"]),
        (f"{{{t} : Type}} ({f} : {t} → {t}) ({a} {b} : {t}) ({h} : {f} {a} = {b}) ({k} : {f} {b} = {a}) : {f} ({f} {a}) = {a}",
         dice.choice([[f"rw [{h}, {k}]"], [f"rw [{h}]", f"exact {k}"]])),
        (f"{{{t} : Type}} ({f} {g} : {t} → {t}) ({h} : ∀ x, {f} ({g} x) = x) ({a} {b} : {t}) ({k} : {g} {a} = {g} {b}) : {a} = {b}",
         [f"rw [← {h} {a}, {k}, {h}]"]),
        (f"{{{t} : Type}} ({f} {g} : {t} → {t}) ({h} : {injective.format(f, f)}) ({k} : {injective.format(g, g)}) : "
         f"{injective.format(f'{f} ({g}', f'{f} ({g}').replace(f'{g} {a}', f'{g} {a})').replace(f'{g} {b} ', f'{g} {b}) ')}",
         [f"intro {a} {b} {m}", f"exact {k} _ _ ({h} _ _ {m})"]),
        (f"{{{t} {u} : Type}} ({f} {g} : {t} → {u}) ({h} : ∀ {a}, {f} {a} = {g} {a}) : {f} = {g}",
         dice.choice([[f"funext {a}", f"exact {h} {a}"], ["funext x", f"rw [{h}]"]])),
        (f"{{{t} {u} : Type}} ({f} : {t} → {u}) : (fun x => {f} x) = {f}", ["rfl"]),
        (f"{{{t} : Type}} ({f} : {t} → Prop) ({a} {b} : {t}) ({h} : {a} = {b}) ({k} : {f} {a}) : {f} {b}",
         dice.choice([[f"rw [← {h}]", f"exact {k}"], [f"subst {h}", f"exact {k}"], [f"exact {h} ▸ {k}"]])),
        (f"{v} ({h} : {a} = {b} → {c} = {d}) ({k} : {a} = {b}) : {d} = {c}", [f"exact ({h} {k}).symm"]),
        (f"{v} ({h} : {a} ≠ {b}) ({k} : {b} = {c}) : {a} ≠ {c}", dice.choice([[f"rw [← {k}]", f"exact {h}"], [f"subst {k}", f"exact {h}"]])),
        (f"{{{t} {u} : Type}} ({f} : {t} × {u}) ({h} : {f}.1 = {f}.1) : ({f}.1, {f}.2) = {f}", ["rfl"]),
        (f"{{{t} {u} : Type}} ({f} : {t} × {u}) : ∃ {a} {b}, {f} = ({a}, {b})",
         dice.choice([[f"exact ⟨{f}.1, {f}.2, rfl⟩"], [f"cases {f} with", "| mk x y => exact ⟨x, y, rfl⟩"]])),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 8)))


def predicates(dice: Random) -> Theory:
    """Sets as predicates, under names of their own."""
    n = Names(dice)
    s, (has, sub, both, either) = n.fresh("type"), n.several("constant", 4)
    x, u, v, w = (*n.several("element", 1), *dice.choice([("s", "t", "u"), ("A", "B", "C"), ("u", "v", "w")]))
    h, k, m, one, two = n.several("hypothesis", 5)
    context = f"""\
def {s} (α : Type) := α → Prop
def {s}.{has} {{α : Type}} (s : {s} α) (a : α) : Prop := s a
def {s}.{sub} {{α : Type}} (s t : {s} α) : Prop := ∀ a, s.{has} a → t.{has} a
def {s}.{both} {{α : Type}} (s t : {s} α) : {s} α := fun a => s a ∧ t a
def {s}.{either} {{α : Type}} (s t : {s} α) : {s} α := fun a => s a ∨ t a"""
    g = f"{{α : Type}} ({u} {v} {w} : {s} α)"
    rows = [
        (f"{g} : {u}.{sub} {u}", [f"intro {x} {h}", f"exact {h}"]),
        (f"{g} ({h} : {u}.{sub} {v}) ({k} : {v}.{sub} {w}) : {u}.{sub} {w}", [f"intro {x} {m}", f"exact {k} {x} ({h} {x} {m})"]),
        (f"{g} : ({u}.{both} {v}).{sub} {u}", [f"intro {x} {h}", f"exact {h}.1"]),
        (f"{g} : {u}.{sub} ({u}.{either} {v})", [f"intro {x} {h}", f"exact Or.inl {h}"]),
        (f"{g} ({h} : {u}.{sub} {v}) ({k} : {u}.{sub} {w}) : {u}.{sub} ({v}.{both} {w})",
         [f"intro {x} {m}", f"exact ⟨{h} {x} {m}, {k} {x} {m}⟩"]),
        (f"{g} : {u}.{both} {v} = {v}.{both} {u}",
         [f"funext {x}", f"simp [{s}.{both}, And.comm]"]),
        (f"{g} : {u}.{either} {v} = {v}.{either} {u}",
         [f"funext {x}", f"simp [{s}.{either}, Or.comm]"]),
        (f"{g} (a : α) : ({u}.{both} {v}).{has} a ↔ {u}.{has} a ∧ {v}.{has} a", dice.choice([["rfl"], ["exact Iff.rfl"]])),
        (f"{g} ({h} : {u}.{sub} {w}) ({k} : {v}.{sub} {w}) : ({u}.{either} {v}).{sub} {w}",
         [f"intro {x} {m}", f"rcases {m} with {one} | {two}", *bullets([f"exact {h} {x} {one}"], [f"exact {k} {x} {two}"])]),
    ]  # fmt: skip
    return Theory(tuple(Theorem(statement, tuple(proof)) for statement, proof in dice.sample(rows, 6)), context)
