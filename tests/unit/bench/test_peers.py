"""The comparison with other ways of asking Lean: what is counted, and what falls short."""

from __future__ import annotations

import pytest

from bench.peers import FLOORS, Tally, shortfalls, table, times_over


def ways(*solved: int) -> list[Tally]:
    return [Tally(f"{letter}  way", 60, 100, number, 60.0) for letter, number in zip("abcd", solved, strict=True)]


@pytest.mark.parametrize(
    ("solved", "short"),
    [
        ((1, 20, 20, 30), []),
        ((2, 20, 20, 30), ["(a)"]),
        ((1, 21, 20, 30), ["(b)"]),
        ((1, 20, 21, 30), ["(c)"]),
        ((0, 0, 0, 20), []),
        ((0, 0, 0, 19), ["(a)"]),
        ((0, 0, 0, 0), ["(a)", "(b)", "(c)"]),
    ],
)
def test_what_falls_short_is_said(solved: tuple[int, ...], short: list[str]) -> None:
    said = shortfalls(ways(*solved), FLOORS)
    assert [word for words in said for word in words.split() if word.startswith("(")] == [f"{w}," for w in short]


def test_a_way_that_solves_none_is_a_bound() -> None:
    a, _, _, d = ways(0, 1, 1, 30)
    assert times_over(d, a) == (30.0, True)
    assert "≥      30.0 ×" in table(ways(0, 1, 1, 30))
    assert times_over(d, Tally("a  way")) == (0.0, True)
