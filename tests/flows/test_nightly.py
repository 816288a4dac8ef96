"""The nightly flow on small repositories, and the command around it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prefect.artifacts import Artifact

from flows.nightly import nightly
from orchestrator.cli.main import app, run
from orchestrator.cli.next_commands import next_commands
from orchestrator.errors import RepositoryError
from orchestrator.ledger.records import RunStatus
from orchestrator.ledger.store import Ledger
from tasks.artifacts import PROGRESS_KEY
from tasks.report import GOALS_KEY, PATCH_KEY, REPORT_KEY

pytestmark = [pytest.mark.lean, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
BASE = "def {x}double (n : Nat) : Nat := n + n\n\ntheorem {x}eq (n : Nat) : {x}double n = 2 * n := by sorry\n"
TOP = "import T.Base\n\ntheorem {x}four : {x}double 2 = 4 := by sorry\n"
SHORT = {"ROUNDS": "2", "TIMEOUT_MICRO": "4", "TIMEOUT_HAMMER": "4", "TACTIC_TIMEOUT": "2", "MARKET": "no"}
"""So that a run ends because everything was tried, and leaves nothing to try again."""
HARD = "theorem {x}hard (a b c : Nat) (h : 0 < a * b) : a ^ 3 + b ^ 3 ≠ c ^ 3 := by sorry\n"
BROKEN = "theorem {x}broken : 1 = := by sorry\n"

Repository = Callable[..., Path]


def statuses(summary: dict[str, Any]) -> dict[str, str]:
    """Status by the last part of a declaration's name."""
    return {goal["declaration"].partition("_")[2]: goal["status"] for goal in summary["goals"]}


def attempted(out: Path) -> set[str]:
    """Names of the declarations that a run tried something on; lemmas that the marketplace asked for are none."""
    lines = (out / "attempts.jsonl").read_text(encoding="utf-8").splitlines()
    names = {json.loads(line)["declaration"].partition("_")[2] for line in lines}
    return {name for name in names if "_helper" not in name}


async def prove(repo: Path, out: Path, **options: Any) -> dict[str, Any]:
    """A run of the flow; what it answers is what it writes."""
    summary: dict[str, Any] = await nightly(str(repo), out=str(out), **options)
    assert json.loads((out / "summary.json").read_text(encoding="utf-8")) == json.loads(json.dumps(summary))
    return summary


@pytest.mark.usefixtures("one_lean")
async def test_what_is_proved_can_be_taken_and_is_not_looked_for_again(
    repository: Repository, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SHORT.items():
        monkeypatch.setenv(f"ORCH_{name}", value)
    repo = repository(Base=BASE, Top=TOP, Hard=HARD, Broken=BROKEN)
    first = await prove(repo, tmp_path / "first")
    assert statuses(first) == {"eq": "solved", "four": "solved", "hard": "open"}
    assert [problem["file"] for problem in first["problems"]] == ["T/Broken.lean"]
    assert attempted(tmp_path / "first") == {"eq", "four", "hard"}
    with Ledger.open(home / "ledger.db") as ledger:
        (record,) = ledger.runs()
        assert "/flow-runs/flow-run/" in str(record.configuration["prefect_url"])
    assert record.status is RunStatus.FINISHED
    assert record.totals["goals_solved"] == 2
    for key, kind in ((REPORT_KEY, "markdown"), (GOALS_KEY, "table"), (PROGRESS_KEY, "progress")):
        artifact = await Artifact.aget(key)
        assert artifact is not None
        assert artifact.type == kind

    second = await prove(repo, tmp_path / "second")
    assert attempted(tmp_path / "second") == set()
    assert statuses(second) == statuses(first)
    notes = {goal["declaration"].partition("_")[2]: goal["note"] for goal in second["goals"]}
    assert notes["hard"] == "tried before with no less time; nothing changed"
    assert "known" in notes["eq"]
    patches = [(tmp_path / name / "proofs.patch").read_bytes() for name in ("first", "second")]
    assert patches[0] == patches[1]

    repository(Base=BASE + "\n-- a comment\n")
    third = await prove(repo, tmp_path / "third")
    assert attempted(tmp_path / "third") == {"eq", "four"}
    assert statuses(third) == statuses(first)

    apply = ["git", "apply", str(tmp_path / "third/proofs.patch")]
    await asyncio.to_thread(subprocess.run, apply, cwd=repo, check=True)
    repository()
    last = await prove(repo, tmp_path / "last")
    assert statuses(last) == {"hard": "open"}


@pytest.mark.usefixtures("one_lean")
async def test_stub_workers_prove_nothing(repository: Repository, home: Path, tmp_path: Path) -> None:
    repo = repository(Base=BASE)
    summary = await prove(repo, tmp_path / "out", profile=0)
    assert set(statuses(summary).values()) <= {"open", "rejected"}
    assert summary["config"]["profile"] == 0
    assert summary["goals_processed"] == 1
    assert (tmp_path / "out/proofs.patch").read_text() == ""


@pytest.mark.usefixtures("one_lean")
async def test_a_run_without_a_usable_file_fails_and_is_recorded_so(
    repository: Repository, home: Path, tmp_path: Path
) -> None:
    with pytest.raises(RepositoryError, match=r"No file of T can be worked on: T/Broken\.lean: 1:"):
        await prove(repository(Broken=BROKEN), tmp_path / "out")
    with Ledger.open(home / "ledger.db") as ledger:
        assert [record.status for record in ledger.runs()] == [RunStatus.FAILED]


@pytest.fixture
def grove(tmp_path: Path) -> Path:
    """The repository of `make demo`."""
    folder = tmp_path / "grove"
    subprocess.run(["bash", "scripts/demo_repository.sh", "examples", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.mark.usefixtures("one_lean")
@pytest.mark.parametrize("kind", ["small", pytest.param("grove", marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
async def test_what_was_proved_stays_proved_however_little_time_a_run_has(
    repository: Repository,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("ORCH_MARKET", "no")
    small = {f"P{n}": f"theorem {{x}}p{n} (a b : Nat) : a + b + {n} = b + {n} + a := by sorry\n" for n in range(4)}
    repo = repository(**small, Hard=HARD) if kind == "small" else request.getfixturevalue("grove")
    enough, most, runs = (15.0, 2.0, 4) if kind == "small" else (600.0, 60.0, 10)
    solved: set[str] = set()
    for budget in (enough, *sorted((Random(seed).uniform(0.1, most) for seed in range(runs)), reverse=True)):
        summary = await prove(repo, tmp_path / "out", budget_seconds=budget)
        now = {goal["id"] for goal in summary["goals"] if goal["status"] == "solved"}
        assert solved <= now, budget
        solved = now
    assert solved


@pytest.mark.usefixtures("one_lean")
async def test_a_blueprint_beside_the_project_is_made_true_where_it_is(
    repository: Repository, home: Path, tmp_path: Path
) -> None:
    repo = repository(Base=BASE + "\ntheorem {x}small (n : Nat) : n < 5 := by sorry\n")
    inside, tex = repo / "code/lean", repo / "blueprint/src/web.tex"
    names = re.findall(r"theorem (\w+)", (repo / "T/Base.lean").read_text())
    nodes = (f"\\begin{{theorem}}\\label{{{name}}}\\lean{{{name}}}\\end{{theorem}}\n" for name in names)
    for folder in (inside, tex.parent):
        folder.mkdir(parents=True)
    for name in ("T", "lakefile.toml", "lean-toolchain"):
        (repo / name).rename(inside / name)
    tex.write_text("".join(f"{node}\\begin{{proof}}\\end{{proof}}\n" for node in nodes))
    commit = "git add -A && git -c user.name=T -c user.email=t@example.org commit -q -m moved"
    await asyncio.to_thread(subprocess.run, commit, shell=True, cwd=repo, check=True)

    summary = await prove(inside, tmp_path / "out")
    assert statuses(summary) == {"eq": "solved", "small": "looks_false"}
    marks = [(mark["file"], mark["label"], mark["part"]) for mark in summary["blueprint"]]
    where, (proved, false) = "../../blueprint/src/web.tex", names
    assert marks == [(where, proved, "statement"), (where, proved, "proof"), (where, false, "statement")]
    assert "n = 5" in (tmp_path / "out/report.md").read_text(encoding="utf-8")
    for command in next_commands(str(inside), summary, tmp_path / "out"):
        await asyncio.to_thread(subprocess.run, command, shell=True, cwd=tmp_path, check=True)
    assert tex.read_text().count("\\leanok") == 3
    assert "sorry" not in (inside / "T/Base.lean").read_text().partition("small")[0]


@pytest.mark.usefixtures("one_lean")
async def test_a_night_that_names_no_folder_hands_its_results_over_all_the_same(
    repository: Repository, home: Path
) -> None:
    repo = repository(Base=BASE)
    state: Any = await nightly(str(repo), return_state=True)
    (patch,) = await asyncio.to_thread(lambda: [*home.glob("runs/repository-*/*/proofs.patch")])
    assert state.message == f"1 of 1 solved, patch: {patch}"
    kept = await Artifact.aget(PATCH_KEY)
    assert kept is not None
    assert patch.read_text(encoding="utf-8") in str(kept.data)


def test_the_command_prints_a_summary_and_json(
    repository: Repository, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = repository(Top="theorem {x}one : 1 = 1 := rfl\n")
    words = ["prove", str(repo), "--out", str(tmp_path / "out"), "--json"]
    assert run(lambda: app(words, result_action="return_value", exit_on_error=False)) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["goals_total"] == 0
    assert "No open goals: there is nothing to prove" in shown.err


def test_the_command_says_once_what_the_flow_could_not_do(
    repository: Repository, home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["prove", str(repository(Broken=BROKEN)), "--out", str(tmp_path / "out")]
    assert run(lambda: app(words, result_action="return_value", exit_on_error=False)) == 3
    shown = capfd.readouterr()
    assert shown.err.startswith("error: No file of T can be worked on: T/Broken.lean: 1:")
    assert (shown.out + shown.err).count("No file of T") == 1
    assert "Traceback" not in shown.out + shown.err


@pytest.mark.slow
def test_what_a_command_did_not_reach_is_said_and_comes_first_in_the_next(
    repository: Repository, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hard = "theorem {{x}}h{n} (a b c : Nat) (h : 0 < a * b) : a ^ {n} + b ^ {n} ≠ c ^ {n} := by sorry\n"
    repo, out = repository(Hard="".join(hard.format(n=n) for n in range(3, 8))), tmp_path / "out"
    tries: Counter[tuple[str, str]] = Counter()
    for seconds in ("0.1", *["4"] * 8):
        words = ["prove", str(repo), "--out", str(out), "--timeout", seconds]
        assert run(lambda words=words: app(words, result_action="return_value", exit_on_error=False)) == 0
        shown = capsys.readouterr().out
        lines = (out / "attempts.jsonl").read_text(encoding="utf-8").splitlines()
        made = [json.loads(line) for line in lines]
        tries.update((attempt["declaration"], attempt["strategy"]) for attempt in made)
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        tried, now = {declaration for declaration, _ in tries}, {attempt["declaration"] for attempt in made}
        for goal in summary["goals"]:
            assert goal["status"] in ("open", "not_tried")
            assert goal["status"] == "not_tried" or goal["declaration"] in tried
            assert goal["status"] == "open" or goal["declaration"] not in now
        waiting = len(summary["goals"]) - len(tried)
        assert shown.count(" not tried ") >= waiting
        assert waiting or seconds != "0.1"
        if not waiting:
            break
        assert max(tries.values(), default=0) <= 1
    assert len(tried) == 5


@pytest.mark.slow
def test_no_later_command_takes_a_proof_away(
    repository: Repository,
    home: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repo = repository(Base=BASE, Hard=HARD)
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> str:
        assert run(lambda: app(words, result_action="return_value", exit_on_error=False)) == 0
        return capsys.readouterr().out

    command("prove", str(repo), "--timeout", "60")
    patch = tmp_path / "out/proofs.patch"
    full = patch.read_text(encoding="utf-8")
    assert "sorry" in full
    command("prove", str(repo), "--timeout", "0.5")
    assert patch.read_text(encoding="utf-8") == full
    command("market", "supply", str(repo), "--timeout", "5")
    assert patch.read_text(encoding="utf-8") == full
    # What the library's lemmas rest on is not looked at, so that none is seen is all that can be said.
    judged = command("verify", str(repo), str(patch))
    assert "none seen" in judged
    assert "axioms inside the imported library" in judged
