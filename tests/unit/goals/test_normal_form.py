"""The canonical form of goals: what it identifies, and above all what it does not."""

from __future__ import annotations

import random
import re

import pytest
from goal_samples import Printer, Tree, orders, rename, reordered, same_goal, terms, trees
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.goals.normal_form import goal_hash, normalize

SAME = {
    "white space": ("a b : Nat\n⊢ a  +  b =\n    b + a", "a b : Nat\n⊢ a + b = b + a"),
    "hypothesis names": ("n m : Nat\nh : n < m\n⊢ n ≤ m", "a✝ b : Nat\nh₁' : a✝ < b\n⊢ a✝ ≤ b"),
    "order": ("a : Nat\ns : Set Nat\nh : a ∈ s\n⊢ s.Nonempty", "t : Set Nat\nb : Nat\nk : b ∈ t\n⊢ t.Nonempty"),
    "grouping": ("a b : Nat\nc : Int\n⊢ p a b c", "x : Nat\nz : Int\ny : Nat\n⊢ p x y z"),
    "inaccessible": ("α : Type u_1\ninst✝¹ : Ring α\n⊢ (1 : α) = 1", "β : Type u_1\ninst : Ring β\n⊢ (1 : β) = 1"),
    "case lines": ("case inl.a\np : Prop\n⊢ p → p", "q : Prop\n⊢ q → q"),
    "∀ and ∃": ("⊢ ∀ ε > 0, ∃ δ, δ < ε", "⊢ ∀ x > 0, ∃ y, y < x"),
    "∀ twice": ("⊢ (∀ x, p x) ∧ ∀ x, q x", "⊢ (∀ x, p x) ∧ ∀ y, q y"),
    "λ": ("f : Nat → Nat\n⊢ f = fun x => f x", "g : Nat → Nat\n⊢ g = fun a => g a"),
    "shadowed": ("x : Nat\n⊢ (fun x => x) x = x", "y : Nat\n⊢ (fun z => z) y = y"),
    "bound names in a type": ("h : ∀ (n : Nat) (i : Fin n), p i\n⊢ q", "k : ∀ (m : Nat) (j : Fin m), p j\n⊢ q"),
    "set builder": ("s : Set Nat\n⊢ {x | x ∈ s} = {y ∈ s | True}", "t : Set Nat\n⊢ {a | a ∈ t} = {y ∈ t | True}"),
    "subtype": ("⊢ Finite {n : Nat // n < 3}", "⊢ Finite {k : Nat // k < 3}"),
    "sum": ("n : Nat\n⊢ ∑ i ∈ range n, i * n + n = 0", "k : Nat\n⊢ ∑ j ∈ range k, j * k + k = 0"),
    "dependent arrow": ("⊢ (x : α) → {y : β x} → p x y", "⊢ (a : α) → {b : β a} → p a b"),
    "let": ("⊢ let x := 5;\n  x = 5", "⊢ let y := 5;\n  y = 5"),
    "named if": ("⊢ (if h : c then f h else g h) = 0", "⊢ (if k : c then f k else g k) = 0"),
    "absolute value": ("a b : ℝ\n⊢ ∀ x, |x - a| < b → p x", "c d : ℝ\n⊢ ∀ y, |y - c| < d → p y"),
    "norm": ("⊢ ∀ ε > 0, ∃ N, ∀ n ≥ N, ‖f n‖ < ε", "⊢ ∀ e > 0, ∃ M, ∀ k ≥ M, ‖f k‖ < e"),
    "projections": ("h : p ∧ q\n⊢ h.1 = h.left", "k : p ∧ q\n⊢ k.1 = k.left"),
    "local definition": ("n : Nat\nx : Nat := n + 1\n⊢ x > n", "m : Nat\ny : Nat := m + 1\n⊢ y > m"),
    "implicit binders": ("⊢ ∀ {α : Type} {n : Nat} (x : α), p x n", "⊢ ∀ {k : Nat} {β : Type} (y : β), p y k"),
    "implicit binders of one type": ("⊢ ∀ {a b : Nat} [C], p a b", "⊢ ∀ [C] {x : Nat} {y : Nat}, p x y"),
    "unknown operator": ("x y : M\n⊢ x ⋄⋄ y = y", "a b : M\n⊢ a ⋄⋄ b = b"),
    "metavariable numbers": ("⊢ p ?m.12 ?m.7", "⊢ p ?m.3 ?m.99"),
    "match": (
        "n : Nat\n⊢ (match n with | 0 => n | k + 1 => k) = n",
        "m : Nat\n⊢ (match m with | 0 => m | k + 1 => k) = m",
    ),
    "windows line ends": ("a : Nat\r\n⊢ a = a", "a : Nat\n⊢ a = a"),
    "indented as a whole": ("  a : Nat\n  ⊢ a = a", "a : Nat\n⊢ a = a"),
    "two goals": ("case a\nx : Nat\n⊢ x = x\n\ncase b\n⊢ p", "y : Nat\n⊢ y = y\n\n⊢ p"),
}

DIFFERENT = {
    "roles exchanged": ("a b : Nat\nh : a < b\n⊢ a = 0", "a b : Nat\nh : b < a\n⊢ a = 0"),
    "constants": ("n : Nat\n⊢ f n = 0", "n : Nat\n⊢ g n = 0"),
    "constant or variable": ("n : Nat\n⊢ f n = 0", "f : Nat → Nat\nn : Nat\n⊢ f n = 0"),
    "bound or free": ("x : Nat\n⊢ ∀ y, y = x", "x : Nat\n⊢ ∀ x, x = x"),
    "a hypothesis more": ("p : Prop\nh : p\n⊢ p", "p : Prop\n⊢ p"),
    "same hypothesis twice": ("p : Prop\nh : q p\n⊢ p", "p : Prop\nh k : q p\n⊢ p"),
    "types": ("n : Nat\n⊢ n = n", "n : Int\n⊢ n = n"),
    "value of a local definition": ("x : Nat := 1\n⊢ p x", "x : Nat := 2\n⊢ p x"),
    "binder kinds": ("⊢ ∀ x, p x", "⊢ ∃ x, p x"),
    "order of ∀ and ∃": ("⊢ ∀ x, ∃ y, x < y", "⊢ ∃ y, ∀ x, x < y"),
    "which binder": ("⊢ ∀ x y, p x", "⊢ ∀ x y, p y"),
    "explicit binders keep their order": ("⊢ ∀ (a : A) (b : B), p a b", "⊢ ∀ (b : B) (a : A), p a b"),
    "behind a closed scope": ("x y : Nat\nh : q x\n⊢ (fun x => x, x) = z", "x y : Nat\nh : q x\n⊢ (fun x => x, y) = z"),
    "behind a sum": (
        "x y : Nat\nh : q x\n⊢ ∑ x ∈ s, f x + x = z",
        "x y : Nat\nh : q x\n⊢ ∑ x ∈ s, f x + y = z",
    ),
    "constant behind a sum": ("⊢ ∑ c ∈ s, f c + c = z", "⊢ ∑ d ∈ s, f d + d = z"),
    "constant behind an unknown operator": ("⊢ ∑ c ∈ s, f c ⋄⋄ c = z", "⊢ ∑ d ∈ s, f d ⋄⋄ d = z"),
    "index set of a sum": ("⊢ ∑ c ∈ c.s, f c", "⊢ ∑ d ∈ d.s, f d"),
    "type ascription ends fun": ("⊢ p (fun c => c : t c)", "⊢ p (fun d => d : t d)"),
    "binder we do not know": ("⊢ ∫ c in 0..1, f c", "⊢ ∫ c in 0..1, f d"),
    "then ends a scope": ("⊢ if ∃ c, p c then q c else r", "⊢ if ∃ d, p d then q d else r"),
    "condition of a named if": ("⊢ if c : p c then t else e", "⊢ if d : p d then t else e"),
    "value of a let": ("⊢ let c := c; p c", "⊢ let d := d; p d"),
    "universes": ("α : Type u\n⊢ p α", "α : Type v\n⊢ p α"),
    "named arguments": ("x : Nat\n⊢ f (x := x) = 0", "y : Nat\n⊢ f (y := y) = 0"),
    "field names": ("x : Nat\n⊢ { x := x } = s", "y : Nat\n⊢ { y := y } = s"),
    "updated fields": ("x : Nat\n⊢ { s with x := x } = s", "y : Nat\n⊢ { s with y := y } = s"),
    "projections": ("h : p ∧ q\n⊢ h.1 = r", "h : p ∧ q\n⊢ h.2 = r"),
    "dotted constants": ("⊢ Nat.succ n = m", "⊢ Nat.pred n = m"),
    "dot of a shadowed name": ("⊢ (fun c => c.succ) 1 = c.succ", "⊢ (fun d => d.succ) 1 = d.succ"),
    "index or argument": ("xs : List Nat\ni : Nat\n⊢ f xs[i]", "xs : List Nat\ni : Nat\n⊢ f xs [i]"),
    "strings keep their white space": ('⊢ f "a b" = 1', '⊢ f "a  b" = 1'),
    "characters": ("⊢ c = 'a'", "⊢ c = 'b'"),
    "numbers": ("⊢ x = 1.5", "⊢ x = 15"),
    "conversion goals": ("a : Nat\n| a = a", "a : Nat\n⊢ a = a"),
    "order of goals": ("⊢ p\n\n⊢ q", "⊢ q\n\n⊢ p"),
    "cycle of six or two of three": (
        "a b c d e f : V\nh : r a b ∧ r b c ∧ r c d ∧ r d e ∧ r e f ∧ r f a\n⊢ p",
        "a b c d e f : V\nh : r a b ∧ r b c ∧ r c a ∧ r d e ∧ r e f ∧ r f d\n⊢ p",
    ),
    "named before declared": ("h : p c\nc : Nat\n⊢ q", "h : p d\nd : Nat\n⊢ q"),
    "dependent implicit binders": ("⊢ ∀ {a : A} {b : B a}, p a b", "⊢ ∀ {b : B a} {a : A}, p a b"),
    "pattern variables": ("⊢ match m with | c => f c", "⊢ match m with | c => f d"),
    "metavariables of several goals": ("⊢ p ?m.1\n\n⊢ q ?m.1", "⊢ p ?m.1\n\n⊢ q ?m.2"),
    "argument or binder": ("a b : Nat\nh : a < b\n⊢ f (a : Int) → p a", "a b : Nat\nh : a < b\n⊢ f (b : Int) → p b"),
    "ascription behind an operator": ("⊢ ¬(c : Prop) → q c", "⊢ ¬(d : Prop) → q d"),
    "an argument behind Type": ("x : Nat\n⊢ f Type x", "y : Nat\n⊢ f Type x"),
    "letters of an arrow": ("o : Nat\n⊢ Nonempty (α →o β)", "r : Nat\n⊢ Nonempty (α →r β)"),
    "letters of a relation": ("o : Nat\n⊢ f =o[l] g", "O : Nat\n⊢ f =O[l] g"),
    "an arrow's letter or a function": ("⊢ Nonempty (α →o β)", "⊢ Nonempty (α → o β)"),
    "polynomials": ("X : Type\n⊢ p R[X]", "Y : Type\n⊢ p R[Y]"),
    "letters of a bracket": ("C : Nat\n⊢ p C(X, Y)", "D : Nat\n⊢ p D(X, Y)"),
    "interpolated names": ('x : Nat\n⊢ s!"{x}" = t', 'y : Nat\n⊢ s!"{x}" = t'),
    "metavariables": ("⊢ p ?m.1 ?m.1", "⊢ p ?m.1 ?m.2"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_same_goal(one: str, other: str) -> None:
    assert normalize(one) == normalize(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_different_goals(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)


def test_form_is_readable() -> None:
    goal = "case h\nα : Type u_1\na b : α\ninst✝ : LT α\nh : a < b\n⊢ ∃ x, a < x"
    assert normalize(goal) == "\n".join(
        ("#0 : Type u_1", "#1 : #0", "#2 : #0", "#3 : #1 < #2", "#4 : LT #0", "⊢ ∃ %0 , #1 < %0")
    )


def test_plain_statement_is_a_goal_without_hypotheses() -> None:
    assert normalize("∀ ε > 0,\n  p ε") == normalize("⊢ ∀ x > 0, p x")


def test_hash_is_sha256_of_version_and_form() -> None:
    assert re.fullmatch("[0-9a-f]{64}", goal_hash("⊢ p"))
    assert goal_hash("a : Nat\n⊢ a = a") == goal_hash("b : Nat\n⊢ b  = b")
    assert goal_hash("⊢ p") != goal_hash("⊢ q")


@pytest.mark.parametrize(
    "text", ["", "\n\n", "⊢", "⊢ (", "⊢ ) ∀", "∀", "⊢ ∀ x", "fun", "⊢ if", "⊢ let x", "⊢ {x |", "h\n⊢ «"]
)
def test_broken_text_has_a_form_too(text: str) -> None:
    assert normalize(text) == normalize(text + " ")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab.✝: \n⊢∀∃∑,(){}[]|fun=>:=if then else let;match with _1+⟨⟩‖?", max_size=60))
def test_never_raises(text: str) -> None:
    assert len(goal_hash(text)) == 64


def test_deep_nesting_is_read_without_binders() -> None:
    deep = "⊢ " + "(" * 5000 + "∀ x, x = y" + ")" * 5000
    assert normalize(f"y : Nat\n{deep}") == normalize(f"z : Nat\n{deep.replace('y', 'z')}")
    assert normalize(deep) != normalize(deep.replace("x", "z"))


@pytest.mark.parametrize("shuffle", range(5))
def test_many_hypotheses_that_look_alike(shuffle: int) -> None:
    names = [f"x{i}" for i in range(60)]
    choose = random.Random(shuffle)
    plain = [f"{name} : Nat" for name in names]
    chained = [f"h{i} : {names[i]} < {names[i + 1]}" for i in range(30)]
    one = "\n".join([*plain, *chained, "⊢ p"])
    choose.shuffle(plain)
    choose.shuffle(chained)
    assert normalize("\n".join([*plain, *chained, "⊢ p"])) == normalize(one)


@pytest.mark.parametrize("shuffle", range(5))
def test_symmetric_goals(shuffle: int) -> None:
    edges = [f"r {a} {b}" for a, b in ("ab", "bc", "cd", "de", "ef", "fa")]
    lines = [f"h{i} : {edge}" for i, edge in enumerate(edges)]
    letters = list("abcdef")
    random.Random(shuffle).shuffle(letters)
    random.Random(shuffle).shuffle(lines)
    one = "\n".join(["a b c d e f : V", *[f"h{i} : {edge}" for i, edge in enumerate(edges)], "⊢ p"])
    assert normalize("\n".join([f"{' '.join(letters)} : V", *lines, "⊢ p"])) == normalize(one)


@settings(max_examples=150, deadline=None)
@given(trees(), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(tree: Tree, choose: random.Random) -> None:
    other = reordered(tree, choose.choice(orders(tree)))
    assert normalize(Printer(tree, choose).text()) == normalize(Printer(other, choose).text())


@st.composite
def similar_pairs(draw: st.DrawFn) -> tuple[Tree, Tree]:
    """Two goals that differ in one place, or by exchanging two hypotheses in one of the lines."""
    tree = draw(trees())
    count = len(tree.hypotheses)
    lines = [*tree.hypotheses, tree.target]
    where = draw(st.integers(0, count))
    if count >= 2 and draw(st.booleans()):
        one, other = draw(st.permutations(range(count)))[:2]
        where = count if where <= max(one, other) else where
        lines[where] = rename(lines[where], {**{i: i for i in range(count)}, one: other, other: one})
    else:
        lines[where] = draw(terms(where, size=1))
    return tree, Tree(tuple(lines[:-1]), lines[-1])


@settings(max_examples=200, deadline=None)
@given(similar_pairs(), st.randoms(use_true_random=False))
def test_equal_forms_mean_equal_goals(pair: tuple[Tree, Tree], choose: random.Random) -> None:
    one, other = pair
    equal = normalize(Printer(one, choose).text()) == normalize(Printer(other, choose).text())
    assert equal == same_goal(one, other)
