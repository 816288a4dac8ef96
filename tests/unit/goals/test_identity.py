"""The identity of goals as terms: what it identifies, and above all what it does not."""

from __future__ import annotations

import random

import pytest
from goal_samples import BINDERS, OPERATORS, Term, Tree, orders, reordered, same_goal, trees
from hypothesis import given, settings
from hypothesis import strategies as st
from test_normal_form import similar_pairs

from orchestrator.goals.goal import Identity
from orchestrator.goals.identity import identity_of
from orchestrator.goals.terms import GoalTerms, TermHypothesis


class Writer:
    """Writes trees as Lean writes terms: equal subterms are one line, in an order that is not ours to rely on."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> int:
        if text not in self.lines:
            self.lines.append(text)
        return self.lines.index(text)

    def term(self, term: Term) -> int:
        kind = term[0]
        if kind in ("hyp", "bound", "const"):
            return self.line(f"{ {'hyp': 'v', 'bound': 'b', 'const': 'c'}[kind] } {term[1]}")
        if kind in (*BINDERS, "let"):
            first, body = self.term(term[1]), self.term(term[2])
            if kind == "let":
                return self.line(f"z {self.line('c Nat')} {first} {body}")
            made = self.line(f"f {first} {body}d" if kind == "∀" else f"l {first} {body}d")
            return made if kind in ("∀", "fun") else self.line(f"a {self.line(f'c {kind}')} {made}")
        if kind == "if":
            branches = [self.line(f"l {self.term(term[1])} {self.term(part)}d") for part in term[2:]]
            return self.applied("if", self.term(term[1]), *branches)
        if kind in OPERATORS:
            return self.applied(kind, *map(self.term, term[1:]))
        return self.line(f"a {self.term(term[1])} {self.term(term[2])}")

    def applied(self, name: str, *arguments: int) -> int:
        made = self.line(f"c {name}")
        for argument in arguments:
            made = self.line(f"a {made} {argument}")
        return made


def goal(tree: Tree, *, noise: int = 0) -> GoalTerms:
    """A tree as Lean's terms; `noise` puts other lines in front of its own."""
    writer = Writer()
    for number in range(noise):
        writer.line(f"n {number}")
    hypotheses = [TermHypothesis(f"h{noise}_{i}", writer.term(one)) for i, one in enumerate(tree.hypotheses)]
    return GoalTerms(tuple(hypotheses), writer.term(tree.target), tuple(writer.lines))


def of(*lines: str, hypotheses: int = 0) -> Identity | None:
    """The identity of a goal whose hypotheses are the first lines, and whose target is the last."""
    found = tuple(TermHypothesis(f"h{i}", i) for i in range(hypotheses))
    return identity_of([GoalTerms(found, len(lines) - 1, lines)])


@settings(max_examples=150, deadline=None)
@given(trees(), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(tree: Tree, choose: random.Random) -> None:
    other = reordered(tree, choose.choice(orders(tree)))
    one, two = identity_of([goal(tree)]), identity_of([goal(other, noise=3)])
    assert one
    assert two
    assert one.digest == two.digest
    assert len(one.names) == len(two.names) == len(tree.hypotheses)


@settings(max_examples=200, deadline=None)
@given(similar_pairs())
def test_equal_identities_mean_equal_goals(pair: tuple[Tree, Tree]) -> None:
    one, other = (identity_of([goal(tree)]) for tree in pair)
    assert one
    assert other
    assert (one.digest == other.digest) == same_goal(*pair)


def test_implicit_binders_side_by_side() -> None:
    one = of("c Type", "c Nat", "b 0", "b 1", "a 2 3", "f 1 4i", "f 0 5i")  # ∀ {α : Type} {n : Nat}, n α
    other = of("c Type", "c Nat", "b 1", "b 0", "a 2 3", "f 0 4i", "f 1 5i")  # ∀ {n : Nat} {α : Type}, n α
    roles = of("c Type", "c Nat", "b 1", "b 0", "a 2 3", "f 1 4i", "f 0 5i")  # ∀ {α : Type} {n : Nat}, α n
    plain = of("c Type", "c Nat", "b 1", "b 0", "a 2 3", "f 0 4d", "f 1 5d")  # ∀ (n : Nat) (α : Type), n α
    assert one == other
    assert len({one, roles, plain}) == 3


def test_implicit_binders_keep_behind_what_they_mention() -> None:
    # ∀ {x : α} {α' : Type} [C α'] {y : f x}, y, with the instance in front or behind.
    one = of("c Type", "c A", "c C", "b 0", "a 2 3", "b 2", "a 2 5", "b 0", "f 6 7i", "f 4 8c", "f 0 9i", "f 1 10i")
    other = of("c Type", "c A", "c C", "b 0", "a 2 3", "b 0", "a 2 5", "b 0", "f 4 3i")
    assert one
    assert other
    assert one != other
    moved = of(
        *("c Type", "c A", "c C", "b 0", "a 2 3"),  # ∀ {α' : Type} {x : A} {y : C x} [C α'], y
        *("b 2", "a 2 5", "b 1", "f 6 7c", "f 4 8i", "f 1 9i", "f 0 10i"),
    )
    assert moved == one


def test_universes_and_metavariables_go_by_their_place() -> None:
    one = of("c f (p u) (m (p u) (p v))", "? _uniq.7", "a 0 1", "a 2 1")
    assert one == of("c f (p w) (m (p w) (p u))", "? _uniq.9", "a 0 1", "a 2 1")
    assert one != of("c f (p u) (m (p u) (p u))", "? _uniq.7", "a 0 1", "a 2 1")
    assert one != of("c f (p u) (m (p u) (p v))", "? _uniq.7", "a 0 1", "? _uniq.8", "a 2 3")


def test_hidden_hypotheses_count_where_something_speaks_of_them() -> None:
    lines = ("c Nat", "v 0", "v 1")
    itself = TermHypothesis("theorem", 0, hidden=True)
    n = TermHypothesis("n", 0)
    alone = identity_of([GoalTerms((n,), 1, lines)])
    assert identity_of([GoalTerms((itself, n), 2, lines)]) == alone
    assert identity_of([GoalTerms((itself, n), 1, lines)]) != alone


def test_the_value_of_a_local_definition_counts() -> None:
    lines = ("c Nat", "n 1", "n 2", "v 0")
    known = [identity_of([GoalTerms((TermHypothesis("x", 0, value),), 3, lines)]) for value in (None, 1, 2)]
    assert len(set(known)) == 3


def test_several_states_of_a_place() -> None:
    p, q = GoalTerms((), 0, ("c P",)), GoalTerms((), 0, ("c Q",))
    assert identity_of([p, p]) == identity_of([p])
    assert len({identity_of([p]), identity_of([p, q]), identity_of([q, p])}) == 3


@pytest.mark.parametrize("lines", [("a 0 0",), ("v 0",), ("nonsense",), ("x 1",), ("a 1",), ("b x",)])
def test_what_is_no_term_has_no_identity(lines: tuple[str, ...]) -> None:
    assert identity_of([GoalTerms((), 0, lines)]) is None
    assert identity_of([]) is None


def test_deep_terms() -> None:
    lines = ["c Nat", *(f"a {number} {number}" for number in range(5000))]
    assert identity_of([GoalTerms((), 5000, tuple(lines))])
    binders = ["c Nat", "b 4000", *(f"f 0 {number}i" for number in range(1, 100))]
    assert identity_of([GoalTerms((), 100, tuple(binders))])
