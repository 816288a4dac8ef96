"""The command `sorrydb`: files in and out, and records by their id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import app, run
from orchestrator.cli.sorrydb import copy, find, list_records, read_file
from orchestrator.errors import ConfigError


def entry(number: int) -> dict[str, Any]:
    return {
        "repo": {
            "remote": f"https://github.com/o/r{number % 5}",
            "branch": "main",
            "commit": f"{number % 9:040x}",
            "lean_version": "v4.20.0",
        },
        "location": {
            "path": "A.lean",
            "start_line": number + 1,
            "start_column": 2,
            "end_line": number + 1,
            "end_column": 7,
        },
        "debug_info": {"goal": f"α : Type\n⊢ {number} = {number}", "url": "u"},
        "metadata": {"blame_email_hash": "h", "blame_date": "d", "inclusion_date": "i", "not ours": [1.50, None]},
        "id": f"{number:064x}"[::-1],
    }


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "db.json"
    value = {"documentation": "all of them …", "sorries": [entry(number) for number in range(1000)]}
    path.write_text(json.dumps(value, indent=4) + "\n")
    return path


def test_a_thousand_records_go_through_unchanged(database: Path, tmp_path: Path) -> None:
    assert copy(database, tmp_path / "copy.json") == 0
    assert (tmp_path / "copy.json").read_bytes() == database.read_bytes()


def test_records_are_chosen_by_repository_and_number(database: Path, tmp_path: Path) -> None:
    command = ["sorrydb", "copy", str(database), str(tmp_path / "few.json"), "--repo", "o/r3", "--limit", "7"]
    assert run(lambda: app(command, result_action="return_value", exit_on_error=False)) == 0
    few = json.loads((tmp_path / "few.json").read_text())
    assert few == {"documentation": "all of them …", "sorries": [entry(number) for number in range(3, 38, 5)]}


def test_records_are_counted_with_the_command_that_works_on_them(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list_records(database) == 0
    said = capsys.readouterr().out
    assert "1000 records of 5 repositories" in said
    assert "orchestrator prove https://github.com/o/r0" in said


def test_a_record_is_found_by_the_beginning_of_its_id(database: Path) -> None:
    records = read_file(database).records
    assert find(records, records[37].id) == records[37]
    with pytest.raises(ConfigError, match="records have an id"):
        find(records, "0")
    with pytest.raises(ConfigError, match="no records"):
        find(records, "zzz")


@pytest.mark.parametrize(("content", "words"), [(b"\xff", "UTF-8"), (b"{}", "no list"), (None, "cannot be read")])
def test_what_is_no_file_of_records_is_said(content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        read_file(tmp_path / "x")
