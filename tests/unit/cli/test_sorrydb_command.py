"""The command `sorrydb`: files in and out, and records by their id."""

from __future__ import annotations

import json
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from orchestrator.cli.main import app, run
from orchestrator.cli.prefect_server import StartingServer
from orchestrator.cli.sorrydb import copy, find, list_records, read_file
from orchestrator.cli.sorrydb import run as run_records
from orchestrator.cli.sorrydb_queue import RecordWork, keep_proofs, shared_time
from orchestrator.cli.terminal import make_console
from orchestrator.errors import CheckoutError, ConfigError
from orchestrator.run.report import sorrydb
from orchestrator.run.report.files import PATCH, write_outputs
from orchestrator.run.report.sorrydb import SorryRecord, proof_entry
from orchestrator.source.diff import unified_diff


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


def test_time_is_shared_among_the_records_that_are_left(database: Path) -> None:
    records = read_file(database).records[:4]
    clock = iter((0.0, 0.0, 5.0, 45.0, 85.0))
    seen = [seconds for seconds, _ in shared_time(records, 100.0, None, lambda: next(clock))]
    assert seen == [25.0, 95 / 3, 27.5, 15.0]
    assert [s for s, _ in shared_time(records, None, 7.0)] == [7.0] * 4
    assert [s for s, _ in shared_time(records, None, None)] == [None] * 4
    assert [s for s, _ in shared_time(records, 8.0, 60.0, lambda: 0.0)] == [8.0] * 4
    assert list(shared_time(records, 0.0, None)) == []


class Runs:
    """Stands in for the work on a record: proves those whose line is even, and cannot fetch the fifth."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.stop_after = 10**6
        monkeypatch.setattr(RecordWork, "make_ready", lambda _self, record: self.ready(record))
        monkeypatch.setattr(RecordWork, "prove", lambda _self, _server, record, _seconds, _out: self.prove(record))
        monkeypatch.setattr("orchestrator.cli.runs.shown_run", lambda *_: nullcontext())

    def ready(self, record: SorryRecord) -> None:
        if record.span.start.line == 5:
            raise CheckoutError("no such repository")

    def prove(self, record: SorryRecord) -> tuple[dict[str, Any], dict[str, Any]]:
        self.asked.append(record.id)
        even = record.span.start.line % 2 == 0
        entry = proof_entry(record, "rfl" if even else None, verified=even)
        return entry, {"stopped": "interrupted" if len(self.asked) > self.stop_after else "", "goals": []}


def test_a_queue_goes_on_where_it_was_stopped(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = tmp_path / "few.json"
    assert copy(database, few, limit=10) == 0
    runs, out = Runs(monkeypatch), tmp_path / "out"
    runs.stop_after = 3
    assert run_records(few, all_=True, out=out) == 130
    first = json.loads((out / "proofs.json").read_text())
    assert 3 <= len(first) <= 4
    runs.stop_after = 10**6
    assert run_records(few, all_=True, out=out) == 0
    entries = json.loads((out / "proofs.json").read_text())
    assert len(entries) == 10
    assert len(set(runs.asked)) == 9
    assert len(runs.asked) == 10, "one was asked again: it was stopped"
    assert [e["error_type"] for e in entries if not e["success"]] == ["CheckoutError"]
    assert sorted(e["sorry"]["location"]["start_line"] for e in entries if e["proof_verified"]) == [2, 4, 6, 8, 10]
    assert run_records(few, all_=True, out=out, budget=0.0) == 0
    assert len(runs.asked) == 10
    assert (out / ".gitignore").is_file()


def test_a_record_or_all_of_them_are_named(database: Path, tmp_path: Path) -> None:
    for record, everything in (("", False), ("0", True)):
        with pytest.raises(ConfigError, match="--all"):
            run_records(database, record, all_=everything, out=tmp_path)
    with pytest.raises(ConfigError, match="--timeout"):
        run_records(database, "0", budget=60.0, out=tmp_path)


def test_the_answer_is_what_the_patch_of_the_run_puts_in_place_of_the_sorry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_CACHE_DIR", str(tmp_path / "cache"))
    origin, out = tmp_path / "origin", tmp_path / "out"
    origin.mkdir()
    text = "theorem one : 1 = 1 := sorry\r\n\r\ntheorem two : 2 = 2 := sorry\r\n"
    (origin / "A.lean").write_bytes(text.encode())
    for words in (("init", "-q"), ("add", "-A"), ("-c", "user.name=T", "-c", "user.email=t@t", "commit", "-qm", "all")):
        subprocess.run(["git", *words], cwd=origin, check=True)
    location = {"path": "A.lean", "start_line": 3, "start_column": 23, "end_line": 3, "end_column": 28}
    raw = {**entry(1), "location": location, "repo": {"remote": str(origin), "commit": "HEAD"}}
    record = sorrydb.read(json.dumps({"sorries": [raw]})).records[0]
    for changed, proof in ((text[:-7] + "rfl\r\n", "rfl"), (text.replace("sorry", "rfl"), None), (text, None)):

        def prove(_server: object, asked: dict[str, Any], changed: str = changed) -> dict[str, Any]:
            assert asked["only"] == "A.lean:3:23"
            write_outputs(Path(asked["out"]), {PATCH: unified_diff({"A.lean": (text, changed)})})
            return {"goals": [{"status": "solved", "strategy": "micro"}]}

        monkeypatch.setattr("orchestrator.cli.runs.check_first", lambda *_: None)
        monkeypatch.setattr("orchestrator.cli.runs.prove_on", prove)
        answer, _ = RecordWork("", make_console()).prove(cast(StartingServer, None), record, None, out)
        assert (answer["proof"], answer["proof_verified"]) == (proof, proof is not None)
        assert ("see proofs.patch" in answer["feedback"]) == (proof is None and changed != text)


def test_answers_of_another_kind_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "proofs.json").write_text("{}{")
    with pytest.raises(ConfigError, match="not a list of proofs"):
        keep_proofs(tmp_path, {"a": {}})
    assert (tmp_path / "proofs.json").read_text() == "{}{"
