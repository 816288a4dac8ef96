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
from orchestrator.cli.main import app, run
from orchestrator.errors import ConfigError, OrchestratorError, PublishError
from orchestrator.run.request import HostKind
from tests.doubles.host_api import TOKEN, host_api

pytestmark = [pytest.mark.lean, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(900)]

Repository = Callable[..., Path]
BASE = "def {x}double (n : Nat) : Nat := n + n\n"
USER = "import T.Base\n\ntheorem {x}four : {x}double 2 = 4 := by sorry\n"
OTHER = "theorem {x}alone : 1 + 1 = 2 := by sorry\n"
FALSE = "import T.Base\n\ntheorem {x}small (n : Nat) : {x}double n < 4 := by sorry\n"
RESTS = (
    "opaque {x}f (n : Nat) : Nat\nopaque {x}g (n : Nat) : Nat\n\n"
    "@[simp] theorem {x}unknown (n : Nat) : {x}f n = {x}g n := by sorry\n\n"
    "theorem {x}rests (n : Nat) : {x}f n + 0 = {x}g n + 0 := by sorry\n\n"
    "theorem {x}four : 2 + 2 = 4 := by sorry\n"
)
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


@pytest.mark.slow
def test_a_pull_request_from_the_command_line_is_of_proofs_alone(
    repository: Repository, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo, origin = repository(Base=RESTS), tmp_path / "origin.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repo), str(origin)], check=True)
    words = ["prove", str(repo), "--out", str(tmp_path / "out"), "--timeout", "20", "--publish", "pr"]

    def prove_with(token: str, url: str) -> tuple[int, str]:
        host = SourceHost(repository="owner/name", token=token, api_url=url, push_url=str(origin))
        host.save("pull", overwrite=True)
        LeanProject(repo=str(repo), source_host="pull").save("pull", overwrite=True)
        code = run(lambda: app([*words, "--project", "pull"], result_action="return_value", exit_on_error=False))
        shown = capsys.readouterr()
        return code, " ".join((shown.out + shown.err).split())

    with host_api() as (url, host):
        code, said = prove_with("wrong", url)
        assert code == PublishError.exit_code
        assert "The branch orchestrator/proofs is pushed, but no pull request could be opened" in said
        assert host.requests == []
        code, said = prove_with(TOKEN, url)
        assert (code, "opened h/7" in said) == (0, True)
        (request,) = host.requests
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert statuses(summary) == {"unknown": "open", "rests": "conditional", "four": "solved"}
    assert (request["title"], request["base"]) == ("Prove 1 sorry", "main")
    shown = ["git", "show", "orchestrator/proofs:T/Base.lean"]
    pushed = subprocess.run(shown, cwd=origin, check=True, capture_output=True, text=True).stdout
    asked = (repo / "T/Base.lean").read_text()
    assert pushed.partition("_four")[0] == asked.partition("_four")[0]
    assert "sorry" not in pushed.partition("_four")[2]
