"""Pictures of results: the right curves, and files that are pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.plots import by_strategy, cactus, draw, history

ROWS = [
    {"id": "a", "solved": True, "seconds": 2.0, "strategy": "micro"},
    {"id": "b", "solved": False, "seconds": 9.0, "strategy": ""},
    {"id": "c", "solved": True, "seconds": 0.5, "strategy": "hammer"},
    {"id": "d", "solved": True, "seconds": 1.0, "strategy": "micro"},
]
RESULT = {"timestamp": "20250930-214500", "goals_total": 4, "goals_solved": 3, "goals": ROWS}
LATER = {**RESULT, "timestamp": "20251001-214500", "goals_solved": 0, "goals": ROWS[1:2]}


def test_a_cactus_curve_counts_what_is_solved_in_the_order_of_time() -> None:
    assert cactus(ROWS) == ([0.5, 1.0, 2.0], [1, 2, 3])
    assert cactus([]) == ([], [])


def test_strategies_have_curves_of_their_own() -> None:
    assert by_strategy(ROWS) == {"hammer": ([0.5], [1]), "micro": ([1.0, 2.0], [1, 2])}


def test_the_history_is_in_the_order_of_time() -> None:
    assert history([LATER, RESULT]) == [("20250930-214500", 3, 4), ("20251001-214500", 0, 4)]


@pytest.mark.slow
def test_pictures_are_written_as_svg_and_png(tmp_path: Path) -> None:
    written = draw([LATER, RESULT], tmp_path / "pictures")
    assert sorted(path.name for path in written) == sorted(
        f"{name}.{kind}" for name in ("cactus", "strategies", "history") for kind in ("svg", "png")
    )
    for path in written:
        head = path.read_bytes()[:200]
        assert head.startswith(b"\x89PNG") if path.suffix == ".png" else b"<svg" in head or b"<?xml" in head
