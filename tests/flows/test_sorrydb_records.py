"""Records of SorryDB from end to end: from a record alone to a proof that fits where its sorry stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.timeout(1800)]

TEXT = """def dbl (n : Nat) : Nat := n + n

theorem dbl_eq (n : Nat) : dbl n = 2 * n := by
  sorry

theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := sorry

theorem wrong (n : Nat) : dbl n = n := by sorry
"""


def orchestrator(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ORCH_DATA_DIR": str(folder / "data"), "ORCH_STATE_DIR": str(folder / "data")}
    command = (sys.executable, "-m", "orchestrator.main", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_records_are_proved_from_their_remote_alone(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    (origin / "lakefile.toml").write_text('name = "T"\n[[lean_lib]]\nname = "T"\n')
    (origin / "T.lean").write_text(TEXT)
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "all")):
        subprocess.run(["git", *identity, *command], cwd=origin, check=True)
    remote = origin.as_uri()
    orchestrator(tmp_path, "sorrydb", "export", remote, "db.json", "--ref", "main")
    records = json.loads((tmp_path / "db.json").read_text())["sorries"]
    assert len(records) == 3
    assert {record["repo"]["remote"] for record in records} == {remote}

    # The origin goes on; a record names its commit.
    (origin / "T.lean").write_text("-- rewritten\n")
    subprocess.run(["git", *identity, "commit", "-qam", "later"], cwd=origin, check=True)
    orchestrator(tmp_path, "sorrydb", "run", "db.json", records[1]["id"], "--out", "one")
    (answer,) = json.loads((tmp_path / "one/proofs.json").read_text())
    assert answer["sorry"] == records[1]
    assert answer["proof_verified"]
    (summary,) = (tmp_path / "one").glob("*/summary.json")
    assert [goal["declaration"] for goal in json.loads(summary.read_text())["goals"]] == ["swap"]

    done = orchestrator(tmp_path, "sorrydb", "run", "db.json", "--all", "--budget", "900", "--out", "all")
    assert "2 of 3 records proved, 3 answered" in done.stdout
    answers = {answer["sorry"]["id"]: answer for answer in json.loads((tmp_path / "all/proofs.json").read_text())}
    filled = TEXT
    for record in reversed(records):
        proof, where = answers[record["id"]]["proof"], record["location"]
        lines = filled.split("\n")
        line = lines[where["start_line"] - 1]
        lines[where["start_line"] - 1] = (
            line[: where["start_column"]] + (proof or "sorry") + line[where["end_column"] :]
        )
        filled = "\n".join(lines)
    assert answers[records[2]["id"]]["feedback"] == "looks_false"
    (origin / "T.lean").write_text(filled)
    assert "1 sorry" in orchestrator(tmp_path, "extract", "origin").stdout

    again = orchestrator(tmp_path, "sorrydb", "run", "db.json", "--all", "--budget", "900", "--out", "all")
    assert "3 answered" in again.stdout
    assert "T.lean:" not in again.stdout, "what has an answer is not worked on again"
