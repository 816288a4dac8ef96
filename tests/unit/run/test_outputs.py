"""The output folder: checked before the work, written whole."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.run.report.files import check_folder, write_outputs


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
