"""The commands suggested after a run really do what they say."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
from run_summaries import a_goal, a_summary

from orchestrator.blueprint.nodes import Blueprint
from orchestrator.blueprint.status import BlueprintStatus
from orchestrator.blueprint.sync import BlueprintUpdate, Mark
from orchestrator.cli.next_commands import next_commands
from orchestrator.run.marks import seen_from
from orchestrator.source.diff import unified_diff


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "my repo"
    (folder / "sub").mkdir(parents=True)
    (folder / "A.lean").write_text("old\n")
    (folder / "sub/A.lean").write_text("old\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "proofs.patch").write_text(unified_diff({"A.lean": ("old\n", "new\n")}))
    (folder / "blueprint.patch").touch()
    return folder


@pytest.mark.parametrize("inside", ["", "sub"])
def test_the_first_command_takes_the_proofs(repo: Path, out: Path, inside: str) -> None:
    (command,) = next_commands(str(repo / inside), a_summary(a_goal("solved")), out)
    subprocess.run(command, shell=True, check=True, cwd=out)
    assert (repo / inside / "A.lean").read_text() == "new\n"
    assert git(repo, "status", "--porcelain").split() == ["M", f"{inside}/A.lean".lstrip("/")]


def test_in_the_repository_itself_the_command_is_short(repo: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)
    assert next_commands(".", a_summary(a_goal("solved")), out) == (f"git apply {out}/proofs.patch",)


def test_a_stopped_run_can_go_on(repo: Path, out: Path) -> None:
    first, second = next_commands(str(repo), a_summary(a_goal("solved"), stopped="asked to"), out)
    assert first.startswith("orchestrator prove '")
    assert second.startswith("git ")


def test_where_nothing_was_proved_more_time_may_help(repo: Path, tmp_path: Path) -> None:
    (command,) = next_commands(str(repo), a_summary(a_goal()), tmp_path)
    assert "--profile 2" in command
    (command,) = next_commands(str(repo), a_summary(a_goal(), config={"profile": 2}), tmp_path)
    assert "--more-time" in command
    assert next_commands(str(repo), a_summary(), tmp_path) == ()


def test_what_was_not_reached_is_gone_on_with_after_the_patch(repo: Path, out: Path) -> None:
    first, second = next_commands(str(repo), a_summary(a_goal("solved"), a_goal("not_tried")), out)
    assert first.startswith("git ")
    assert second.startswith("orchestrator prove ")
    lost = {"files": 2, "worked_on": 1, "sorries": 5, "why": ["import Mathlib"], "words": "1 of 2 files worked on"}
    (command,) = next_commands(str(repo), a_summary(coverage=lost), repo)
    assert command == f"orchestrator lean doctor {shlex.quote(str(repo))}   # which Lean the other files need"
    broken = {**lost, "why": ["do not elaborate"]}
    assert next_commands(str(repo), a_summary(coverage=broken), repo) == ()


def test_a_repository_behind_a_url_needs_a_clone(out: Path) -> None:
    (command,) = next_commands("https://example.org/repo", a_summary(a_goal("solved")), out)
    assert command == f"git apply {out}/proofs.patch   # in a clone"


@pytest.mark.parametrize("place", ["", "lean", "code/lean"])
def test_a_blueprint_above_the_project_is_patched_where_it_is(repo: Path, out: Path, place: str) -> None:
    (repo / place).mkdir(parents=True, exist_ok=True)
    (repo / "blueprint").mkdir()
    (repo / "blueprint/web.tex").write_text("old\n")
    (out / "proofs.patch").write_text("")
    (out / "blueprint.patch").write_text(unified_diff({"blueprint/web.tex": ("old\n", "new\n")}))
    mark = Mark("l", "blueprint/web.tex", 1, "statement", "added")
    found = BlueprintUpdate(Blueprint(base=str(repo)), BlueprintStatus(()), (mark,), "", {mark.file: "new\n"})
    update = seen_from(str(repo / place), found)
    assert [(repo / place / path).resolve() for path in update.texts] == [repo / "blueprint/web.tex"]
    marks = [asdict(mark) for mark in update.marks]
    (command,) = next_commands(str(repo / place), a_summary(a_goal("solved"), blueprint=marks), out)
    subprocess.run(command, shell=True, check=True, cwd=out)
    assert (repo / "blueprint/web.tex").read_text() == "new\n"
