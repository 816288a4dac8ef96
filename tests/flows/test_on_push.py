"""The flow for pushes, with its reports; and a run that publishes, on a small repository."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks import LeanProject, Prover, SourceHost
from flows.nightly import nightly
from flows.on_push import on_push
from orchestrator.errors import ConfigError, OrchestratorError
from orchestrator.run.request import HostKind

pytestmark = [pytest.mark.lean, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(900)]

Repository = Callable[..., Path]
BASE = "def {x}double (n : Nat) : Nat := n + n\n"
USER = "import T.Base\n\ntheorem {x}four : {x}double 2 = 4 := by sorry\n"
OTHER = "theorem {x}alone : 1 + 1 = 2 := by sorry\n"
FALSE = "import T.Base\n\ntheorem {x}small (n : Nat) : {x}double n < 4 := by sorry\n"
SKIPPED = "theorem {x}left : 2 + 2 = 4 := by sorry -- exercise\n"


def statuses(summary: dict[str, Any]) -> dict[str, str]:
    return {goal["declaration"].partition("_")[2]: goal["status"] for goal in summary["goals"]}


def last_commit(repo: Path) -> str:
    command = ["git", "show", "--format=%B", "orchestrator/proofs"]
    return subprocess.run(command, cwd=repo, check=True, capture_output=True, text=True).stdout


@pytest.mark.usefixtures("one_lean")
async def test_a_push_is_judged_by_what_it_touched(repository: Repository, home: Path, tmp_path: Path) -> None:
    repo = repository(Base=BASE, User=USER, Other=OTHER)
    repository(Base=BASE + "\n-- changed\n", False_=FALSE, Left=SKIPPED)
    reports = tmp_path / "reports"
    summary = await on_push(str(repo), since="HEAD~1", reports=str(reports))
    assert statuses(summary) == {"four": "solved", "small": "looks_false", "left": "skipped"}
    notes = (reports / "annotations.txt").read_text(encoding="utf-8")
    assert "::notice file=T/User.lean,line=3" in notes
    assert "::warning file=T/False_.lean,line=3" in notes
    assert "false for n = 2" in notes
    assert len(json.loads((reports / "results.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]) == 2
    with pytest.raises(OrchestratorError, match="1 finding that fail_on names"):
        await on_push(str(repo), since="HEAD~1", reports=str(reports), fail_on=["looks_false"])
    assert 'failures="1"' in (reports / "junit.xml").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="fail_on cannot be 'nothing'"):
        await on_push(str(repo), fail_on=["nothing"])


@pytest.mark.usefixtures("one_lean")
async def test_a_project_block_says_what_and_how_and_a_branch_is_pushed(
    repository: Repository, home: Path, tmp_path: Path
) -> None:
    repo = repository(Other=OTHER)
    await Prover(profile=1, budget_seconds=60.0, servers=1).asave("push-test", overwrite=True)
    host = SourceHost(kind=HostKind.GITHUB, repository="owner/name")
    await host.asave("push-test", overwrite=True)
    block = LeanProject(
        repo=str(repo), publish="branch", prover="push-test", source_host="push-test", out=str(tmp_path / "out")
    )
    await block.asave("push-test", overwrite=True)
    summary = await nightly(project="push-test")
    assert statuses(summary) == {"alone": "solved"}
    assert any("pushed 1 commit to orchestrator/proofs" in note for note in summary["notes"])
    shown = last_commit(repo)
    assert "Checked from scratch" in shown
    assert shown.count("\n-theorem") == 1
    assert "not published" not in str(summary["notes"])
    again = await nightly(str(repo))
    assert statuses(again) == {"alone": "skipped"}
    (goal,) = again["goals"]
    assert "proved on the branch orchestrator/proofs" in goal["note"]
    kept = await nightly(project="push-test")
    assert statuses(kept) == {"alone": "solved"}
    with pytest.raises(ConfigError, match="there is no block lean-project/nowhere"):
        await nightly(project="nowhere")
    with pytest.raises(ConfigError, match="no repository is named"):
        await nightly()
