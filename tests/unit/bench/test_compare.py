"""Comparing two results: planted differences are found, noise is not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.compare import compare, main, mcnemar, permutation
from orchestrator.errors import ConfigError

Rows = list[dict[str, object]]


def rows(solved: list[bool], seconds: list[float] | None = None) -> Rows:
    times = seconds or [1.0] * len(solved)
    return [{"id": f"g-{i:03}", "solved": s, "seconds": t} for i, (s, t) in enumerate(zip(solved, times, strict=True))]


def test_a_run_compared_with_itself_is_no_difference() -> None:
    same = rows([True, False] * 20)
    found = compare(same, same)
    assert (found.both, found.neither, found.p_solved, found.p_time) == (20, 20, 1.0, 1.0)
    assert (found.verdict, found.b_is_worse) == ("no difference beyond noise", False)


def test_a_planted_gain_is_found() -> None:
    found = compare(rows([False] * 60 + [True] * 40), rows([True] * 12 + [False] * 48 + [True] * 40))
    assert (found.only_b, found.only_a) == (12, 0)
    assert found.p_solved < 0.001
    assert "B solves more" in found.verdict


def test_a_planted_loss_is_found_and_is_worse() -> None:
    found = compare(rows([True] * 50), rows([True] * 40 + [False] * 10))
    assert found.b_is_worse


def test_a_planted_speedup_is_found_below_noisy_times() -> None:
    noise = random.Random(1)
    slow = [noise.lognormvariate(0, 1) for _ in range(80)]
    fast = [second / 1.5 * noise.lognormvariate(0, 0.5) for second in slow]
    found = compare(rows([True] * 80, slow), rows([True] * 80, fast))
    assert found.p_time < 0.01
    assert 1.2 < found.speedup < 1.9
    assert "B is" in found.verdict
    assert not found.b_is_worse


def test_noise_is_seldom_taken_for_a_difference() -> None:
    """At a level of 5 % no more than about 5 of 100 pairs of runs that differ by chance alone are called different."""
    noise = random.Random(2)
    called = 0
    for _ in range(100):
        a = rows([noise.random() < 0.5 for _ in range(40)], [noise.lognormvariate(0, 1) for _ in range(40)])
        b = rows([noise.random() < 0.5 for _ in range(40)], [noise.lognormvariate(0, 1) for _ in range(40)])
        called += mcnemar(*_discordant(a, b)) < 0.05
    assert called <= 10


def _discordant(a: Rows, b: Rows) -> tuple[int, int]:
    pairs = list(zip(a, b, strict=True))
    only_a = sum(bool(x["solved"]) and not y["solved"] for x, y in pairs)
    only_b = sum(bool(y["solved"]) and not x["solved"] for x, y in pairs)
    return only_a, only_b


def test_mcnemar_gives_the_binomial_values() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(0, 5) == pytest.approx(2 / 2**5)
    assert mcnemar(1, 8) == pytest.approx(2 * (1 + 9) / 2**9)


@given(st.lists(st.floats(-5, 5), max_size=8))
def test_a_permutation_test_does_not_care_which_run_is_called_a(differences: list[float]) -> None:
    one = permutation(differences, rounds=200)
    other = permutation([-d for d in differences], rounds=200)
    assert one == other
    assert 0 < one <= 1


def test_only_goals_of_both_runs_count() -> None:
    found = compare(rows([True] * 5), rows([True] * 3))
    assert found.goals == 3


def test_nothing_in_common_is_said() -> None:
    with pytest.raises(ConfigError, match="no goal in common"):
        compare(rows([True]), [])


def test_the_command_prints_writes_and_exits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "a.json", tmp_path / "b.json"
    good.write_text(json.dumps({"goals": rows([True] * 20)}))
    bad.write_text(json.dumps({"goals": rows([False] * 20)}))
    assert main([str(good), str(bad), "--json", str(tmp_path / "c.json")]) == 1
    assert "A solves more" in capsys.readouterr().out
    assert json.loads((tmp_path / "c.json").read_text())["only_a"] == 20
    assert main([str(bad), str(good)]) == 0
    assert main([str(good), str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
