"""The output folder: checked before the work, written whole."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus
from orchestrator.run.conclude import Conclusion, end_message, write_results
from orchestrator.run.report.files import check_folder, new_folder, prune_folders, runs_folder, write_outputs
from orchestrator.run.report.summary import GoalReport, Summary


def test_files_are_written_and_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    first = write_outputs(folder, {"report.md": "old", "proofs.patch": "résumé \udcff"})
    assert first == (folder / "report.md", folder / "proofs.patch")
    write_outputs(folder, {"report.md": "new"})
    assert (folder / "report.md").read_text() == "new"
    assert (folder / "proofs.patch").read_bytes() == "résumé ".encode() + b"\xff"
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "proofs.patch", "report.md"]
    assert (folder / "report.md").stat().st_mode & 0o777 == 0o644


def test_results_inside_a_repository_do_not_make_it_dirty(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write_outputs(tmp_path / "out", {"report.md": "text"})
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, check=True, capture_output=True)
    assert status.stdout == b""


def test_a_folder_that_was_there_is_left_as_it_is(tmp_path: Path) -> None:
    check_folder(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_no_folder_is_no_problem() -> None:
    check_folder("")


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300])
def test_what_cannot_be_written_is_said_beforehand(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OrchestratorError) as refused:
        check_folder(str(tmp_path / name))
    assert refused.value.where == str(tmp_path / name)
    assert "--out" in refused.value.hint


def test_a_result_that_cannot_be_written_leaves_no_half_of_one(tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OrchestratorError):
        write_outputs(tmp_path, {"report.md": "text"})
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_only_the_newest_results_are_kept(tmp_path: Path) -> None:
    runs = runs_folder(tmp_path, "https://example.org/owner/project.git")
    assert runs.parent == tmp_path / "runs"
    assert runs.name.startswith("project-")
    assert runs != runs_folder(tmp_path, "https://example.org/other/project.git")
    made = [runs / f"20260101-0000{n:02}-aa" for n in range(40)]
    for number, folder in enumerate(made):
        folder.mkdir(parents=True)
        if number != 5 and number != 39:  # one that failed long ago, and one that goes on
            (folder / "summary.json").write_text("{}")
    prune_folders(runs)
    assert sorted(runs.iterdir()) == made[9:]
    assert new_folder(runs).name > made[-1].name


def summary_of(*statuses: str, commit: str = "c") -> Summary:
    goals = tuple(GoalReport(Goal(f"g{n}", "⊢ p"), GoalStatus(status)) for n, status in enumerate(statuses))
    began = datetime(2026, 1, 1, tzinfo=UTC)
    return Summary(
        run_id="later",
        repo="r",
        ref="HEAD",
        commit=commit,
        started=began,
        wall_seconds=1.0,
        goals=goals,
        attempts=(),
        config={"profile": 1},
    )


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        (summary_of("solved", "not_tried"), True),
        (summary_of("solved", "solved"), False),
        (summary_of("solved", "open", commit="d"), False),
        (summary_of("solved", "rejected"), False),  # what was accepted once is not sound
    ],
)
def test_a_poorer_patch_never_takes_the_place_of_a_fuller_one(tmp_path: Path, later: Summary, kept: bool) -> None:
    write_results(Conclusion(summary_of("solved", "conditional"), "full", "", ()), str(tmp_path))
    end = write_results(Conclusion(later, "poor", "", ()), str(tmp_path))
    assert (tmp_path / "proofs.patch").read_text() == ("full" if kept else "poor")
    assert end.folder == str(tmp_path / "later" if kept else tmp_path)
    assert (Path(end.folder) / "proofs.patch").read_text() == "poor"
    assert end_message(end).endswith(f"patch: {end.folder}/proofs.patch")
    if kept:
        assert end.summary.notes == (
            f"{tmp_path}/proofs.patch is kept: it proves 2 sorries of this commit, this run 1; the results of this run "
            f"are in {tmp_path}/later",
        )


def test_a_patch_for_the_blueprint_is_not_offered_when_there_is_none(tmp_path: Path) -> None:
    write_results(Conclusion(summary_of("solved"), "proofs", "marks", ()), str(tmp_path))
    assert (tmp_path / "blueprint.patch").read_text() == "marks"
    write_results(Conclusion(summary_of("solved"), "proofs", "", ()), str(tmp_path))
    assert not (tmp_path / "blueprint.patch").exists()
