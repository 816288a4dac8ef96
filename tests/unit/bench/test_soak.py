"""What the soak calls flat: no growth of ours, of a server, of files or tasks, and nothing left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.soak import Sample, complaints, tenths

LIMIT = 1500.0
QUIET = [
    Sample(requests=50 * i, seconds=float(i), own=100.0, servers=900.0, files=20, tasks=5, started=2)
    for i in range(1, 101)
]


def said(samples: list[Sample], left: list[str] | None = None) -> str:
    return "; ".join(complaints(tenths(samples), samples, LIMIT, left or []))


def test_what_stays_as_it_is_is_flat() -> None:
    assert len(tenths(QUIET)) == 10
    assert said(QUIET) == ""


def test_warming_up_is_no_growth() -> None:
    assert said([replace(QUIET[0], own=30.0, servers=500.0, files=9), *QUIET[1:]]) == ""


@pytest.mark.parametrize(
    ("field", "step", "words"),
    [
        ("own", 0.5, "our own process grew by 40 MB"),
        ("servers", 3.0, "a server grew from"),
        ("files", 1, "open files went from"),
        ("tasks", 1, "tasks went from"),
    ],
)
def test_what_grows_little_by_little_shows(field: str, step: float, words: str) -> None:
    assert words in said([replace(s, **{field: getattr(s, field) + step * i}) for i, s in enumerate(QUIET)])


def test_a_server_beyond_its_limit_shows_once_is_enough() -> None:
    assert "a server had 2000 MB" in said([*QUIET[:50], replace(QUIET[50], servers=2000.0), *QUIET[51:]])


def test_what_is_left_running_shows() -> None:
    assert said(QUIET, ["node launch.cjs"]) == "left behind: node launch.cjs"


def test_a_handful_of_requests_says_nothing() -> None:
    assert "too few" in said(QUIET[:2])
