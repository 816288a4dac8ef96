"""Texts of terms, compared but for what stands in the place of a sorry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gate.canonical import constants, has_data_sorry, same_but_for_sorries

Term = str | tuple["Term", ...]


def text(term: Term) -> str:
    """Constants are words, applications are tuples, and "S" is a sorry of type `T`."""
    lines: list[str] = []

    def number(one: Term) -> int:
        if isinstance(one, str):
            line = f"S {number('T')}" if one == "S" else f"c {one}"
        else:
            line = "a " + " ".join(str(number(part)) for part in one)
        if line not in lines:
            lines.append(line)
        return lines.index(line)

    last = number(term)
    return "\n".join([*lines, f"= {last}"])


def filled(term: Term, filling: Term) -> Term:
    """The term with every sorry filled."""
    if isinstance(term, str):
        return filling if term == "S" else term
    return tuple(filled(part, filling) for part in term)


terms: st.SearchStrategy[Term] = st.recursive(
    st.sampled_from(["f", "g", "S", "«a b».c"]), lambda inner: st.tuples(inner, inner), max_leaves=10
)


@given(terms, terms)
def test_a_filled_term_is_the_same_but_for_its_sorries(term: Term, filling: Term) -> None:
    assert same_but_for_sorries(text(term), text(filled(term, filling)))
    assert has_data_sorry(text(term)) == ("S" in str(term))


@given(terms, terms)
def test_without_a_sorry_only_the_same_is_the_same(term: Term, other: Term) -> None:
    whole = filled(term, "f")
    assert same_but_for_sorries(text(whole), text(other)) == (whole == other)


@pytest.mark.parametrize(
    ("original", "patched"),
    [
        (("f", "1000"), ("f", "1")),
        ((("pair", "1000"), "S"), (("pair", "1"), "x")),
        (("S", "g"), ("x", "f")),
        ("f", ("f", "g")),
    ],
)
def test_what_changed_beside_a_sorry(original: Term, patched: Term) -> None:
    assert not same_but_for_sorries(text(original), text(patched))


def test_the_constants_of_a_term() -> None:
    assert list(constants(text((("f", "«a b».c"), "S")))) == ["f", "«a b».c", "T"]
    assert list(constants("c f (s 0)\nj Prod 1 0\n= 1")) == ["f", "Prod"]
