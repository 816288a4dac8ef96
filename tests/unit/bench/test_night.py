"""How `bench.night` compares two programs, and what it calls too little."""

from __future__ import annotations

import pytest

from bench.night import WITHIN, Figure, area, shortfalls


def figure(program: str, *times: float) -> Figure:
    return Figure(program, 2.0, len(times), times, area=area(times, 120.0), share=0.5, spent=180.0)


def test_a_goal_that_is_not_proved_waits_for_the_whole_budget() -> None:
    assert figure("ours").wait == 120.0
    assert figure("ours", *[30.0] * WITHIN).wait == pytest.approx(30.0)
    assert figure("ours", *[30.0] * (WITHIN - 9)).wait == pytest.approx(0.8 * 30.0 + 0.2 * 120.0)


def test_only_what_falls_short_is_told() -> None:
    ours, slower = figure("ours", *[30.0] * WITHIN), figure("at c", *[37.0] * WITHIN)
    assert shortfalls([ours, slower], {2.0: {"ours": 0.96, "best fixed plan": 1.0}}) == []
    alike = figure("at c", *[35.0] * WITHIN)
    assert len(shortfalls([ours, alike], {2.0: {"ours": 0.9, "best fixed plan": 1.0}})) == 2
