"""The replay of a matrix: what a policy, a fixed order and the oracle come to on goals made up for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.bank import Split, load_bank
from bench.matrix import ArmKind, Row, Trial, halves, line_of, read_matrix, row_of, write_matrix
from bench.policies import (
    Spent,
    best_order,
    curve_area,
    everything,
    leads_of,
    learned,
    main,
    night_area,
    oracle,
    recorded,
    replay,
    task_of,
    work,
)
from bench.record_matrix import code_of
from orchestrator.errors import ConfigError
from orchestrator.strategies.policy.bandit import CostAware, SeedUcb, Statistics, after
from orchestrator.strategies.policy.prior import load_prior, tactic_policy

ARMS = ("rfl", "simp", "try?")
outcomes = st.lists(st.tuples(st.booleans(), st.sampled_from([0.05, 0.5, 3.0])), min_size=3, max_size=3)


def row(name: str, *trials: tuple[bool, float], split: Split = Split.TUNE) -> Row:
    made = tuple(Trial(arm, ArmKind.TACTIC, ok, s) for arm, (ok, s) in zip(ARMS, trials, strict=False))
    return Row(name, "nat", split, "⊢ p", "Bank.Nat.A", 0.5, made)


def test_work_ends_with_a_proof_or_with_the_time() -> None:
    task = task_of(row("nat-001", (False, 1.0), (True, 2.0), (True, 4.0)))
    made, spent = work(task, ARMS, 8.0)
    assert ([trial.arm for trial in made], spent) == (["rfl", "simp"], Spent(3.0, True))
    assert work(task, ("try?", "rfl"), 8.0)[1] == Spent(4.0, True)
    assert work(task, ("rfl", "try?"), 4.5) == ([task.trials["rfl"]], Spent(4.5, False))
    assert work(task, ("nothing",), 8.0) == ([], Spent(0.0, False))


def test_areas_by_hand() -> None:
    spent = [Spent(2.0, True), Spent(4.0, False), Spent(4.0, True)]
    assert curve_area(spent, 8.0) == pytest.approx((6 + 4) / 24)
    assert night_area(spent, 10.0) == pytest.approx((8 + 0) / 30)
    assert curve_area([], 8.0) == 0.0


def test_micro_is_no_arm_of_its_own_and_other_strategies_are() -> None:
    trials = (Trial("micro", ArmKind.STRATEGY, True, 1.0), Trial("hammer", ArmKind.STRATEGY, True, 1.0))
    task = task_of(Row("nat-001", "nat", Split.TUNE, "⊢ p", "", 0.5, trials))
    assert list(task.trials) == ["hammer"]


def test_a_policy_hears_of_its_own_trials_only() -> None:
    task = task_of(row("nat-001", (False, 1.0), (True, 2.0), (True, 4.0)))
    told = learned(task, work(task, ARMS, 8.0)[0])
    assert [(trial.arm, trial.success, trial.failed_before) for trial in told] == [
        ("rfl", False, frozenset()),
        ("simp", True, frozenset({"rfl"})),
    ]


def test_everything_conditions_on_every_failure() -> None:
    known = everything([task_of(row("nat-001", (False, 1.0), (True, 2.0), (False, 4.0)))])
    assert known.of("simp", after("rfl")).successes == 1
    assert known.of("rfl", after("try?")).trials == 1
    assert known.of("rfl", after("rfl")).trials == 0


@settings(deadline=None, max_examples=40)
@given(st.lists(outcomes, min_size=1, max_size=8))
def test_nobody_beats_the_oracle_and_hindsight_is_not_bettered_by_moving_one_arm(
    table: list[list[tuple[bool, float]]],
) -> None:
    tasks = [task_of(row(f"nat-{n:03}", *trials)) for n, trials in enumerate(table)]
    limit = 8.0
    most = curve_area(oracle(tasks, limit), limit)

    def area(order: Sequence[str]) -> float:
        return curve_area([work(task, order, limit)[1] for task in tasks], limit)

    order = best_order(tasks, limit)
    best = area(order)
    assert best <= most + 1e-9
    for arm in order:
        rest = [other for other in order if other != arm]
        assert all(area((*rest[:place], arm, *rest[place:])) <= best + 1e-9 for place in range(len(order)))
    for policy in (SeedUcb(), CostAware(exploration=0.0)):
        spent = replay(tasks, policy, Statistics(), limit)
        assert curve_area(spent, limit) <= most + 1e-9
        assert all(one.seconds <= limit for one in spent)


def test_a_matrix_is_read_as_it_was_written(tmp_path: Path) -> None:
    other = replace(row("nat-001", (False, 3.0), split=Split.HELD_OUT), codes={"hammer": "0a"})
    rows = [row("nat-002", (True, 0.125)), other]
    write_matrix(rows, tmp_path / "m.gz")
    assert read_matrix(tmp_path / "m.gz") == (rows[1], rows[0])
    before = (tmp_path / "m.gz").read_bytes()
    write_matrix(rows[::-1], tmp_path / "m.gz")
    assert (tmp_path / "m.gz").read_bytes() == before
    assert row_of(line_of(rows[0])) == rows[0]


def test_code_is_that_of_a_strategy_and_of_all_it_uses() -> None:
    codes = [code_of(strategy) for strategy in ("micro", "hammer", "sketch")]
    assert len(set(codes)) == 3
    assert code_of("hammer") == codes[1]


def test_an_arm_that_adds_nothing_waits() -> None:
    both = row("nat-001", (True, 1.0), (True, 1.1), (False, 1.0))
    other = row("nat-003", (False, 1.0), (False, 1.0), (True, 1.0))
    tasks = [task_of(one) for one in (both, replace(both, goal="nat-002"), other)]
    order = recorded(tasks, caution=0.0)
    assert list(order) == ["rfl", "try?", "simp"]
    assert order["rfl"].rate == pytest.approx(2 / 3)
    assert list(recorded(tasks, leads=("simp", "nobody here"), caution=0.0)) == ["simp", "try?", "rfl"]


def test_one_success_is_less_than_many() -> None:
    rows = [row(f"nat-{n:03}", (False, 0.3), (True, 2.0)) for n in range(5)]
    tasks = [task_of(one) for one in (*rows, row("nat-009", (True, 0.3), (False, 2.0)))]
    assert list(recorded(tasks, caution=0.0)) == ["rfl", "simp"]
    assert list(recorded(tasks)) == ["simp", "rfl"]


def test_a_strong_arm_leads_unless_an_order_is_surely_better() -> None:
    # "try?" proves nearly all; "rfl" sometimes, and nobody knows when.
    luck = [row(f"nat-{n:03}", (n % 7 == 0, 1.0), (False, 1.0), (n % 5 > 0, 1.0)) for n in range(40)]
    assert leads_of([task_of(one) for one in luck], 8.0) == ("try?",)
    # "rfl" costs nothing, and each time it spares "try?" three seconds.
    cheap = [row(f"nat-{n:03}", (n % 2 == 0, 0.05), (False, 1.0), (n % 9 > 0, 3.0)) for n in range(40)]
    assert leads_of([task_of(one) for one in cheap], 8.0) == ()


def test_a_file_that_is_no_matrix_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gz").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="no attempt matrix"):
        read_matrix(tmp_path / "m.gz")
    assert main(["--matrix", str(tmp_path / "m.gz")]) == ConfigError.exit_code


def test_what_is_held_out_is_in_the_half_that_is_reported() -> None:
    rows = [row(f"nat-{n:03}", split=Split.HELD_OUT if n % 3 == 0 else Split.TUNE) for n in range(31)]
    tune, report = halves(rows)
    assert (len(tune), len(report)) == (16, 15)
    assert {r.goal for r in tune} | {r.goal for r in report} == {r.goal for r in rows}
    assert all(r.split is Split.TUNE for r in tune)
    assert halves(rows[::-1]) == (tune, report)


def test_the_matrix_that_comes_with_it_is_of_the_bank() -> None:
    bank = {goal.id: goal for goal in load_bank()}
    rows = read_matrix()
    assert len(rows) == len(bank)
    assert all(r.split is bank[r.goal].split and len(r.trials) >= 17 for r in rows)
    assert any(trial.kind is ArmKind.STRATEGY for r in rows for trial in r.trials)


def test_micro_starts_from_the_tuning_half_and_nothing_else() -> None:
    tune, _ = halves(read_matrix())
    counted = everything(task_of(r) for r in tune)
    known = load_prior()
    order = recorded([task_of(r) for r in tune], kinds=(ArmKind.TACTIC,))
    assert list(tactic_policy().arms) == list(order)
    for arm, (rate, added) in order.items():
        assert tactic_policy().arms[arm] == pytest.approx((rate, added), abs=1e-5)
    assert set(known.table) == set(counted.table)
    for key, entry in counted.table.items():
        assert (known.table[key].trials, known.table[key].successes) == (entry.trials, entry.successes)
