"""The tactics that are tried on a goal: which, and in what order."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.goal import Context, Goal
from orchestrator.strategies.micro.portfolio import (
    CORE_CHEAP,
    SEARCH,
    Tier,
    occurring,
    portfolio,
)


def goal(text: str, *imports: str) -> Goal:
    """A goal by its text."""
    return Goal("g", text, Context(imports=imports))


def tactics(text: str, *definitions: str) -> list[str]:
    """The candidates for a goal."""
    return [candidate.tactic for candidate in portfolio(goal(text), definitions)]


def test_every_goal_gets_the_cheap_ones_first_and_the_searches_last() -> None:
    candidates = portfolio(goal("⊢ p"))
    assert [candidate.tactic for candidate in candidates] == [*CORE_CHEAP, *SEARCH]
    assert [candidate.tier for candidate in candidates] == [Tier.CHEAP] * len(CORE_CHEAP) + [Tier.SEARCH] * len(SEARCH)
    assert all(0 < candidate.milliseconds <= 8_000 for candidate in candidates)


@pytest.mark.parametrize(
    ("text", "tactic"),
    [
        ("⊢ ∀ n, n = n", "intros; rfl"),
        ("⊢ ¬p", "intros; simp_all"),
        ("⊢ p → q", "intros; omega"),
        ("⊢ p ∧ q", "constructor <;> grind"),
        ("⊢ p ↔ q", "refine ⟨?_, ?_⟩ <;> intros <;> simp_all"),
        ("⊢ p ∨ q", "right; omega"),
        ("⊢ ∃ n, n = 3", "exact ⟨_, rfl⟩"),
        ("⊢ (if p then 1 else 2) = 1", "split <;> simp_all"),
        ("⊢ f = fun x => x", "funext _; grind"),
        ("⊢ a = b", "ext <;> simp_all"),
        ("n : Nat\n⊢ p n", "induction n <;> simp_all"),
        ("l : List Nat\n⊢ p l", "cases l <;> rfl"),
        ("h : p ∨ q\n⊢ q ∨ p", "cases h <;> grind"),
    ],
)
def test_the_form_of_the_goal_asks_for_more(text: str, tactic: str) -> None:
    assert tactic in tactics(text)
    assert tactic not in tactics("⊢ p")


def test_facts_are_not_taken_for_data() -> None:
    found = tactics("n : Nat\nh : n = 0\nt : Type\n⊢ p n")
    assert "induction n <;> grind" in found
    assert not any("induction h" in tactic or " t " in tactic for tactic in found)


def test_of_many_variables_the_last_ones_are_taken_apart() -> None:
    found = tactics("a b c d : Nat\n⊢ p")
    assert not any(" a " in tactic for tactic in found)
    assert found.index("cases d <;> rfl") < found.index("cases c <;> rfl") < found.index("cases b <;> rfl")


def test_definitions_that_occur_are_unfolded() -> None:
    found = tactics("t : Tree\n⊢ t.size = Tree.depth t + 0", "Tree.size", "Tree.depth", "Tree.other")
    assert "simp [Tree.size, Tree.depth]" in found
    assert "unfold Tree.size Tree.depth; split <;> simp_all" in found
    assert "induction t <;> simp_all [Tree.size, Tree.depth]" in found
    assert not any("other" in tactic for tactic in found)


@pytest.mark.parametrize(
    ("text", "definitions", "found"),
    [
        ("⊢ double 2 = 4", ("double",), ("double",)),
        ("⊢ double 2 = 4", ("N.double",), ("N.double",)),
        ("⊢ x.double = 4", ("N.double",), ("N.double",)),
        ("⊢ N.double 2 = 4", ("N.double", "N.double"), ("N.double",)),
        ("⊢ doubled 2 = 4", ("double",), ()),
        ("⊢ double' 2 = 4", ("double", "double'"), ("double'",)),
        ("f₁ : Nat\n⊢ f₁ = 4", ("f₁", "f"), ("f₁",)),
        ("⊢ if p then 1 else 2", ("if", "N.then"), ()),
        ("⊢ " + " ".join("abcdefghi"), tuple("abcdefghi"), tuple("abcdef")),
    ],
)
def test_a_definition_occurs_under_its_name_or_behind_a_dot(
    text: str, definitions: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert occurring(goal(text), definitions) == found


def test_what_is_taken_apart_is_read_off_the_hypotheses() -> None:
    text = "α : Type u_1\ninst✝ : Add α\na b✝ : α\nh : ∀ x : α,\n  x = a\ny : Nat := 3\n⊢ p"
    split = [re.match(r"(cases|induction) (\S+)", candidate.tactic) for candidate in portfolio(goal(text))]
    assert list(dict.fromkeys(match.groups() for match in split if match)) == [
        ("cases", "h"),
        ("cases", "y"),
        ("induction", "y"),
        ("cases", "a"),
        ("induction", "a"),
    ]


WORDS = st.sampled_from(
    ["n", "h", "a b", "α", "x✝", "Nat", ":", ":=", "⊢", "→", "∧", "∃", "=", "if", "f", "N.f", "\n", "\n⊢"]
)
TEXTS = st.lists(WORDS, max_size=30).map(" ".join)


@given(TEXTS, st.lists(st.sampled_from(["f", "N.f", "M.f", "Nat"])))
def test_no_candidate_comes_twice_and_tiers_come_in_order(text: str, definitions: list[str]) -> None:
    candidates = portfolio(goal(text), definitions)
    found = [candidate.tactic for candidate in candidates]
    assert len(set(found)) == len(found)
    assert [candidate.tier for candidate in candidates] == sorted(candidate.tier for candidate in candidates)
    assert all("✝" not in tactic and "\n" not in tactic for tactic in found)
