"""How the rest of an induction becomes a lemma about any value."""

from __future__ import annotations

import pytest

from orchestrator.marketplace.statements import abstraction, common_terms, fertilisations

DEFINITIONS = ("Row.rev", "Row.app", "Row.size")
STEP = "α : Type\nx : α\nxs : Row α\nih : Row.rev (Row.rev xs) = xs\n⊢ "


def test_every_equation_is_used_from_the_right_first() -> None:
    found = fertilisations(STEP + "Row.rev (Row.app (Row.rev xs) (Row.cons x Row.nil)) = Row.cons x xs")
    assert found == (
        "try (conv => rhs; rw [← ih])",
        "try (rw [← ih])",
        "try (rw [ih])",
        "",
    )


def test_several_equations_are_used_together() -> None:
    found = fertilisations("n : Nat\nl r : Tree\nihl : size l = n\nihr : size r = n\n⊢ size (node l r) = n")
    assert found[0] == "try (conv => rhs; rw [← ihl])\ntry (conv => rhs; rw [← ihr])"


def test_without_equations_nothing_is_used() -> None:
    assert fertilisations("n : Nat\nh : 0 < n\n⊢ n = n") == ("",)


@pytest.mark.parametrize(
    ("target", "terms"),
    [
        # The step of `rev (rev xs) = xs`, after its hypothesis was used on the right.
        ("Row.rev (Row.app (Row.rev xs) (Row.cons x Row.nil)) = Row.cons x (Row.rev (Row.rev xs))", ("Row.rev xs",)),
        ("Row.size (Row.app l r) = Row.size l + Row.size r", ()),
        # A whole side counts, too.
        ("Row.app (Row.rev xs) Row.nil = Row.rev xs", ("Row.rev xs",)),
        # What constructors build is not a value like any other.
        ("Row.app xs (Row.cons x Row.nil) = Row.app ys (Row.cons x Row.nil)", ()),
        ("f (List.reverse xs) = g (List.reverse xs)", ("List.reverse xs",)),
        # The smallest only: a lemma about them says more.
        ("Row.size (Row.rev (Row.rev xs)) = Row.size (Row.rev (Row.rev xs)) + 0", ("Row.rev xs",)),
    ],
)
def test_the_smallest_calls_that_occur_twice(target: str, terms: tuple[str, ...]) -> None:
    assert common_terms(STEP + target, DEFINITIONS) == terms


def test_names_that_are_taken_are_not_given_again() -> None:
    assert abstraction(("Row.rev xs", "Row.rev ys"), "k : Nat\n⊢ k = k") == (
        "generalize Row.rev xs = l",
        "generalize Row.rev ys = m",
    )
