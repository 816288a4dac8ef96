"""What to type after a run."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.cli.output import absolute
from orchestrator.config import Profile
from orchestrator.git.command import run_git
from orchestrator.goals.result import GoalStatus
from orchestrator.run.report.files import BLUEPRINT_PATCH, PATCH

_MORE_TIME = ("--more-time", "gives what ran out of time twice as much")


def next_commands(repo: str, summary: Mapping[str, Any], out: Path) -> tuple[str, ...]:
    """Shell commands that make use of a run's results, the most useful first; `summary` is that of summary.json."""
    commands = []
    again = f"orchestrator prove {shlex.quote(repo)}"
    if summary["stopped"]:
        commands.append(f"{again}   # goes on from here")
    marks = [mark["file"] for mark in summary["blueprint"]]
    above = Path(*(part for part in Path(marks[0]).parts if part == os.pardir)) if marks else Path()
    for name, start in ((PATCH, Path()), (BLUEPRINT_PATCH, above)):
        file = out / name
        if file.is_file() and file.stat().st_size:
            commands.append(_apply(repo, start, file))
    statuses = {goal["status"] for goal in summary["goals"]}
    profile = summary["config"]["profile"]
    if GoalStatus.NOT_TRIED in statuses and not summary["stopped"]:
        commands.append(f"{again}   # goes on with the goals that were not tried")
    elif not commands and GoalStatus.OPEN in statuses:
        more, why = (f"--profile {profile + 1}", "takes more time") if profile < Profile.THOROUGH else _MORE_TIME
        commands.append(f"{again} {more}   # {why}")
    if any(why.startswith("import ") for why in summary["coverage"]["why"]):
        there = f" {shlex.quote(repo)}" if Path(repo).expanduser().is_dir() else ""
        commands.append(f"orchestrator lean doctor{there}   # which Lean the other files need")
    return tuple(commands)


def _apply(repo: str, start: Path, patch: Path) -> str:
    """The `git apply` for a patch whose paths begin at `start`, as seen from `repo`, a folder of a repository."""
    folder = Path(os.path.normpath(absolute(repo) / start))
    if not folder.is_dir():
        return f"git apply {shlex.quote(str(patch))}   # in a clone"
    prefix = run_git(["rev-parse", "--show-prefix"], folder=folder).output.removesuffix("\n").rstrip("/")
    words = ["git", *([] if folder == Path.cwd() else ["-C", str(folder)]), "apply"]
    words += [f"--directory={prefix}"] if prefix else []
    return shlex.join([*words, str(patch)])
