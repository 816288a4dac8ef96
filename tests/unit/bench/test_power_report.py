"""The figures of the power benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.power.methods import CLOSED, OURS, SINGLE, TRY, WITHOUT, row_key
from bench.power.report import (
    OF_CLOSED,
    OF_OPEN,
    UNION,
    Contribution,
    Count,
    contributions,
    counts,
    figures,
    shortfalls,
    table,
)
from bench.power.rows import Row, Rows
from bench.retrieval import FIRST, recall
from orchestrator.errors import ConfigError


def rows(goal: str, ours: float, tried: float, other: float = 0.0) -> list[Row]:
    """A goal measured with everything; 0 seconds stand for unsolved."""
    times = dict.fromkeys(SINGLE, 0.0) | {"grind": other, TRY: tried, OURS: ours}
    return [Row(goal, method, "k", bool(seconds), seconds or 30.0) for method, seconds in times.items()]


MEASURED = [
    *rows("both", ours=1.0, tried=4.0),
    *rows("both-too", ours=2.0, tried=2.0),
    *rows("ours", ours=9.0, tried=0.0),
    *rows("nobody", ours=0.0, tried=0.0),
    *rows("lost", ours=0.0, tried=0.0, other=1.0),
    Row("half-measured", OURS, "k", True, 1.0),
]
GOALS = {row.goal for row in MEASURED}


def test_what_is_asked_is_counted_over_goals_that_were_measured_with_everything() -> None:
    found = figures(MEASURED, GOALS)
    assert (found.goals, found.single, found.ours, found.tried) == (5, 3, 3, 2)
    assert found.of_open == pytest.approx(1 / 2)
    assert found.of_open_to_try == pytest.approx(1 / 3)
    assert found.lost == pytest.approx(1 / 3)
    assert found.time_ratio == pytest.approx(3 / 6)
    assert found.median_time_ratio == pytest.approx((0.25 + 1.0) / 2)
    short = shortfalls(found, "all")
    assert [line.split()[1] for line in short] == ["of_open_to_try", "lost"]


def test_what_a_ratio_is_made_of_is_measured_together() -> None:
    ours = row_key(OURS, 30.0, "lean-a")
    assert row_key(TRY, 30.0, "lean-a") == row_key(f"{WITHOUT}hammer", 30.0, "lean-a") == ours
    assert row_key("grind", 30.0, "lean-a") not in (
        ours,
        row_key("grind", 30.0, "lean-b"),
        row_key("grind", 9.0, "lean-a"),
    )
    assert ours not in (row_key(OURS, 30.0, "lean-b"), row_key(OURS, 9.0, "lean-a"))
    assert row_key(TRY, 30.0, "lean-a", timed=False) == row_key("grind", 30.0, "lean-a")


def test_nothing_measured_falls_short() -> None:
    found = figures((), {"a"})
    assert found.of_open is None
    assert len(shortfalls(found, "all")) == 4


def test_methods_are_shown_with_ours_last() -> None:
    lines = table(MEASURED, GOALS)
    assert lines[-1].method == OURS
    assert (lines[-1].measured, lines[-1].solved, lines[-1].seconds) == (6, 4, 13.0)
    by_name = {line.method: line for line in lines}
    assert (by_name[TRY].solved, by_name[TRY].median_seconds) == (2, 3.0)


def test_a_strategy_counts_for_what_is_lost_without_it() -> None:
    without = [
        Row("both", "ours without hammer", "k", False, 30.0),
        Row("both-too", "ours without hammer", "k", True, 3.0),
        Row("ours", "ours without hammer", "old", False, 30.0),
    ]
    assert contributions([*MEASURED, *without], GOALS) == {"hammer": Contribution(2, 1)}


def test_rows_are_kept_as_they_come_and_the_latest_counts(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    kept = Rows(path)
    kept.add(Row("g", OURS, "old", False, 30.0))
    kept.add(Row("g", OURS, "new", True, 1.0, details={"by": "hammer"}))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"goal": "cut o')
    again = Rows(path)
    assert [row.key for row in again] == ["new"]
    assert again.has("g", OURS, "new")
    assert not again.has("g", OURS, "old")
    path.write_text('nonsense\n{"goal": "g"}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="not a row"):
        Rows(path)


def test_recall_counts_the_first_answers_over_goals_that_use_something() -> None:
    many = [f"x{number}" for number in range(FIRST)]
    found = recall(
        {"a": ["p", "q"], "b": ["r"], "none": [], "unasked": ["s"]},
        {"a": ["q", "z"], "b": [*many, "r"], "none": ["p"]},
    )
    assert (found.goals, found.premises) == (3, 4)
    assert found.by_goal == pytest.approx(0.5 / 3)
    assert found.by_premise == pytest.approx(1 / 4)
    assert recall({}, {}).by_goal == 0


def test_what_is_done_to_a_proof_afterwards_is_told_apart() -> None:
    late = Row("g", OURS, "k", True, 3.0, details={CLOSED: 1.0})
    found = figures([*rows("g", ours=3.0, tried=4.0)[:-1], late], {"g"})
    assert found.time_ratio == pytest.approx(1 / 4)
    assert found.whole_time_ratio == pytest.approx(3 / 4)


def test_counts_compare_methods_over_the_goals_measured_with_all_of_them() -> None:
    found = counts(MEASURED)
    assert found[OURS] == Count(4, 6)
    assert found["grind"] == Count(1, 5)
    assert found[UNION] == Count(3, 5)
    assert found[OF_OPEN] == Count(1, 2)
    assert found[OF_CLOSED] == Count(2, 3)
    assert UNION not in counts([Row("a", OURS, "k", True, 1.0)])


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [(Count(81, 263), 0.2553, 0.3662), (Count(15, 148), 0.0624, 0.1605), (Count(0, 20), 0.0, 0.1611)],
)
def test_an_interval_is_wilsons(count: Count, low: float, high: float) -> None:
    assert count.interval == pytest.approx((low, high), abs=1e-4)


def test_of_no_goals_nothing_is_known() -> None:
    assert Count(0, 0).interval == (0.0, 1.0)
