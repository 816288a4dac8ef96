"""Runs from the command line as a user starts them: what is published, and what there was no time for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import child_environment
from orchestrator.errors import PublishError

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.timeout(900)]

LAKEFILE = 'name = "P"\n\n[[lean_lib]]\nname = "P"\n'
RESTING = """\
opaque P : Nat → Prop

-- orchestrator: skip
theorem all (n : Nat) : P n := by sorry

theorem three : P 3 := by sorry

theorem fine (n : Nat) : n + 0 = n := by sorry
"""
INDUCTIONS = """\
inductive Nums where
  | nil
  | cons (n : Nat) (rest : Nums)

namespace Nums

def append : Nums → Nums → Nums
  | nil, b => b
  | cons n a, b => cons n (a.append b)
""" + "".join(
    f"\ntheorem append_nil{i} (a : Nums) : a.append nil = a ∧ {i} < {i} + 1 := by\n  sorry\n" for i in range(9)
)


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command, with a ledger of its own and nothing of the environment that could name a host."""
    extra = {"ORCH_DATA_DIR": str(tmp_path / "data"), "ORCH_STATE_DIR": str(tmp_path / "data"), "ORCH_SERVERS": "1"}
    environment = child_environment(["PATH", "HOME", "LANG"], extra=extra)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "orchestrator.main", *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    return call


def origin(folder: Path, text: str) -> Path:
    """A bare repository of a project with one file."""
    work = folder / "work"
    work.mkdir()
    (work / "lakefile.toml").write_text(LAKEFILE)
    (work / "P.lean").write_text(text)
    git(work, "init", "-q", "-b", "main")
    git(work, "add", "-A")
    git(work, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-q", "-m", "all")
    git(folder, "clone", "-q", "--bare", str(work), str(folder / "origin.git"))
    return folder / "origin.git"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def summary_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


def test_a_pull_request_that_cannot_be_opened_is_an_error_and_only_proofs_are_pushed(run: Run, tmp_path: Path) -> None:
    repository = origin(tmp_path, RESTING)
    ended = run("prove", f"file://{repository}", "--publish", "pr", "--out", "out")
    statuses = {goal["declaration"]: goal["status"] for goal in summary_in(tmp_path / "out")["goals"]}
    assert statuses == {"all": "skipped", "three": "conditional", "fine": "solved"}
    (branch,) = [one for one in git(repository, "branch", "--format=%(refname:short)").split() if one != "main"]
    assert ended.returncode == PublishError.exit_code
    told = " ".join(ended.stderr.replace("│", " ").split())
    assert f"The branch {branch} is pushed, but no pull request could be opened" in told
    assert "no source host with a token is set up" in told
    changed = git(repository, "diff", "main", branch)
    assert "-theorem fine" in changed
    assert "three" not in changed.replace(" theorem three", ""), "what rests on a sorry is not pushed as a proof"


def test_what_cannot_be_published_that_way_is_said_with_the_ways_there_are(run: Run, tmp_path: Path) -> None:
    ended = run("prove", ".", "--publish", "mail")
    assert ended.returncode == 2
    assert all(word in ended.stderr + ended.stdout for word in ("mail", "patch", "branch", "pr"))


def test_goals_without_time_are_not_tried_say_so_and_come_first_in_the_next_run(run: Run, tmp_path: Path) -> None:
    repository = origin(tmp_path, INDUCTIONS)
    first = run("prove", str(repository), "--timeout", "1", "--out", "out")
    goals = summary_in(tmp_path / "out")["goals"]
    missed = [goal["declaration"] for goal in goals if goal["status"] == "not_tried"]
    assert missed
    assert {goal["note"] for goal in goals if goal["status"] == "not_tried"} == {"not reached: the time was up"}
    assert f"{len(missed)} not tried" in first.stdout + first.stderr
    tried = Counter((one["goal"], one["strategy"]) for one in attempts(tmp_path / "out"))
    assert set(tried.values()) <= {1}, "nobody is tried twice while others wait"
    run("prove", str(repository), "--timeout", "240", "--out", "next")
    order = list(dict.fromkeys(one["declaration"] for one in attempts(tmp_path / "next")))
    waited = [name for name in order if name in missed]
    assert set(waited) == set(missed)
    assert order[: len(waited)] == waited, "who was left out goes first"
    assert {goal["status"] for goal in summary_in(tmp_path / "next")["goals"]} == {"solved"}


def attempts(folder: Path) -> list[dict[str, Any]]:
    """All of a run, in the order in which they ended."""
    lines = (folder / "attempts.jsonl").read_text(encoding="utf-8").splitlines() if os.path.exists(folder) else []
    return sorted((json.loads(line) for line in lines), key=lambda one: str(one["timestamp"]))
