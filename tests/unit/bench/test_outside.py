"""A suite of Lean files as the benchmark takes it: any folder, and rows that are not taken for another suite's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.outside import chosen
from orchestrator.goals.goal import Goal
from orchestrator.source.loading import load_project

GOALS = [
    Goal(id=f"g{number}", text="⊢ True", module="Sums", declaration=f"sum_{number}", is_prop=number != 3)
    for number in range(6)
]


def test_a_loose_folder_is_a_suite(tmp_path: Path) -> None:
    (tmp_path / "Sums.lean").write_text("theorem sum : 1 + 1 = 2 := by sorry\n", encoding="utf-8")
    (tmp_path / "Products.lean").write_text("import Sums\n", encoding="utf-8")
    assert [module.name for module in load_project(tmp_path, loose=True).modules] == ["Sums", "Products"]


def test_a_sample_is_nobodys_choice_and_asks_for_proofs(tmp_path: Path) -> None:
    (tmp_path / "Sums.lean").write_text("-- sums\n", encoding="utf-8")
    project = load_project(tmp_path, loose=True)
    every = chosen(project, GOALS, 0)
    assert {goal.declaration for goal in every.values()} == {f"sum_{number}" for number in (0, 1, 2, 4, 5)}
    assert list(chosen(project, GOALS, 2)) == list(every)[:2]
    assert list(chosen(project, GOALS[::-1], 0)) == list(every)


def test_a_suite_that_was_changed_is_measured_again(tmp_path: Path) -> None:
    (tmp_path / "Sums.lean").write_text("-- sums\n", encoding="utf-8")
    project = load_project(tmp_path, loose=True)
    changed = project.with_texts({"Sums.lean": "-- more sums\n"})
    assert not set(chosen(project, GOALS, 0)) & set(chosen(changed, GOALS, 0))
    assert set(chosen(replace(project, name="other"), GOALS, 0)) == set(chosen(project, GOALS, 0))
