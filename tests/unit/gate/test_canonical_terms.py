"""Texts of terms, compared but for what stands in the place of a sorry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gate.canonical import constants, has_data_sorry, same_but_for_sorries, under_more_binders

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


def function(types: list[str], result: str) -> str:
    """A ∀ over binders of these types; a number stands for the variable of that place."""
    lines = [f"c {one}" for one in types]
    lines += [f"b {len(types) - 1 - int(result)}" if result.isdecimal() else f"c {result}"]
    last = len(lines) - 1
    for i in reversed(range(len(types))):
        lines.append(f"f {i} {last}d")
        last = len(lines) - 1
    return "\n".join([*lines, f"= {last}"])


@pytest.mark.parametrize(
    ("original", "patched", "is_under"),
    [
        ((["A", "B"], "1"), (["A", "H", "B"], "2"), True),
        ((["A", "B"], "0"), (["A", "H", "B", "H"], "0"), True),
        ((["A"], "0"), (["A", "A"], "1"), True),
        (([], "P"), (["H"], "P"), True),
        ((["A", "B"], "1"), (["A", "H", "B"], "1"), False),
        ((["A", "B"], "P"), (["B", "A"], "P"), False),
        ((["A"], "P"), ([], "P"), False),
        (([], "P"), (["H"], "Q"), False),
        ((["A"], "P"), (["H"], "P"), False),
    ],
)
def test_a_statement_under_more_variables(
    original: tuple[list[str], str], patched: tuple[list[str], str], is_under: bool
) -> None:
    assert under_more_binders(function(*original), function(*patched)) == is_under


def test_what_has_very_many_ways_to_lack_a_binder_is_given_up() -> None:
    assert not under_more_binders(function(["A"] * 30, "P"), function(["A"] * 60, "Q"))


@given(terms, terms)
def test_under_no_more_binders_a_term_is_the_same_but_for_its_sorries(term: Term, other: Term) -> None:
    for one in (filled(term, "f"), other):
        same = same_but_for_sorries(text(term), text(one))
        assert under_more_binders(text(term), text(one), but_for_sorries=True) == same
