"""The whole job on the examples, as a user runs it: `orchestrator prove`, then git, then `extract` and `verify`.

Two of the files, with every kind of sorry and of verdict, are enough for most runs of the tests; all of them are slow.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from extras_hidden import without_extras

from orchestrator.blueprint.loading import load

ROOT = Path(__file__).parents[2]
EXPECTED = json.loads((ROOT / "examples/expected.json").read_text(encoding="utf-8"))

FILES = ("Arith", "Tree")
CHAPTERS = ("numbers", "trees")
"""Few of the files, and the chapters of the blueprint about them."""
QUICK = {"ORCH_TIMEOUT_MICRO": "6", "ORCH_TIMEOUT_HAMMER": "4", "ORCH_TIMEOUT_REPROVER": "3", "ORCH_MARKET": "no"}
QUICKER = {
    **QUICK,
    "ORCH_TIMEOUT_MICRO": "4",
    "ORCH_TIMEOUT_HAMMER": "2",
    "ORCH_SERVERS": "1",
    "ORCH_ROUNDS": "1",
    "ORCH_COUNTEREXAMPLES": "no",
    **without_extras(),
}
"""What a run of few files is given: one server, no model to be loaded, no second try of what is hard, and none of the
searches whose end a busy machine decides."""
TRADING = {"ORCH_TIMEOUT_REPROVER": "3", "ORCH_MARKET": "yes"}
"""What the hammer cannot prove in its usual time is what matters here."""

pytestmark = [pytest.mark.lean, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Example:
    """A git copy of examples, what `prove` wrote about it, and the folder of everything."""

    repository: Path
    out: Path
    summary: dict[str, Any]
    folder: Path
    settings: Mapping[str, str]

    @property
    def sorries(self) -> list[dict[str, Any]]:
        """What is known of the sorries of its files."""
        return [item for item in EXPECTED["sorries"] if (self.repository / item["file"]).exists()]

    def orchestrator(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command, as the run was started."""
        return orchestrator(self.folder, *arguments, settings=self.settings)


def git(repository: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
    command = ("git", "-C", str(repository), *identity, *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def orchestrator(folder: Path, *arguments: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ORCH_DATA_DIR": str(folder / "data"), **settings}
    command = (sys.executable, "-m", "orchestrator.main", *arguments)
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)


def prove(folder: Path, repository: Path, out: Path, settings: Mapping[str, str]) -> dict[str, Any]:
    done = orchestrator(folder, "prove", str(repository), "--out", str(out), settings=settings)
    assert done.returncode == 0, done.stdout + done.stderr
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return summary


def run(folder: Path, source: Path, settings: Mapping[str, str]) -> Example:
    repository, out = folder / "grove", folder / "out"
    subprocess.run(["bash", str(ROOT / "scripts/demo_repository.sh"), str(source), str(repository)], check=True)
    return Example(repository, out, prove(folder, repository, out, settings), folder, settings)


def few(folder: Path) -> Path:
    """A copy of the examples with few of their files."""
    shutil.copytree(ROOT / "examples", folder)
    for names, files, line in (
        (FILES, folder / "Grove", "import Grove.{}"),
        (CHAPTERS, folder / "blueprint/src/chapter", "\\input{{chapter/{}}}"),
    ):
        for file in files.iterdir():
            if file.stem not in names:
                file.unlink()
        listed = folder / ("Grove.lean" if names is FILES else "blueprint/src/content.tex")
        listed.write_text("".join(line.format(name) + "\n" for name in names))
    return folder


@pytest.fixture(scope="module", params=["few", pytest.param("all", marks=pytest.mark.slow)])
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    folder = tmp_path_factory.mktemp("examples")
    if request.param == "few":
        return run(folder, few(folder / "source"), QUICKER)
    return run(folder, ROOT / "examples", QUICK)


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return run(tmp_path_factory.mktemp("traded"), ROOT / "examples", TRADING)


def location(item: dict[str, Any]) -> tuple[str, int]:
    return item["file"], item["span"]["start"][0]


def truth_of(goal: dict[str, Any]) -> str:
    found = [item["truth"] for item in EXPECTED["sorries"] if location(item) == (goal["file"], goal["line"])]
    assert len(found) == 1, goal
    return str(found[0])


def test_every_sorry_is_a_goal(example: Example) -> None:
    found = sorted((goal["file"], goal["line"]) for goal in example.summary["goals"])
    assert found == sorted(location(item) for item in example.sorries)


def test_most_are_solved_and_no_false_one_is(example: Example) -> None:
    solved = [goal for goal in example.summary["goals"] if goal["status"] == "solved"]
    assert len(solved) >= 0.75 * sum(item["truth"] == "provable" for item in example.sorries)
    assert example.summary["goals_solved"] == len(solved)
    assert [goal["declaration"] for goal in solved if truth_of(goal) == "false"] == []
    assert all(goal["verdict"]["status"] in ("passed", "partial") for goal in solved)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_theorems_that_no_strategy_closes_alone_are_closed_through_the_marketplace(traded: Example) -> None:
    alone = {attempt["declaration"] for attempt in attempts(traded) if attempt["success"]}
    missed = [goal for goal in traded.summary["goals"] if goal["declaration"] not in alone]
    closed = [goal for goal in missed if goal["status"] == "solved"]
    assert len(closed) >= 5, [(goal["declaration"], goal["note"]) for goal in missed]
    completed = [trade for trade in traded.summary["market"] if trade["status"] == "completed"]
    told = html.unescape((traded.out / "report.html").read_text(encoding="utf-8")).splitlines()
    for goal in closed:
        assert goal["strategy"] == "market"
        assert goal["helpers"]
        name = goal["declaration"]
        for helper in goal["helpers"]:
            # Another ticket may have asked for a lemma by the same name, and was not needed in the end.
            used = [trade for trade in completed if trade["lemma"] == helper and name in trade["used_by"]]
            assert [bool(trade["supplier"]) for trade in used] == [True]
            assert any(f"<code>{helper}</code>" in line and name in line.partition("used by")[2] for line in told)


def attempts(example: Example) -> list[dict[str, Any]]:
    lines = (example.out / "attempts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_patch_applies_and_leaves_exactly_the_unsolved(example: Example) -> None:
    clone = example.folder / "patched"
    git(example.folder, "clone", "--quiet", str(example.repository), str(clone))
    git(clone, "apply", "--check", str(example.out / "proofs.patch"))
    git(clone, "apply", str(example.out / "proofs.patch"))
    extracted = json.loads(example.orchestrator("extract", str(clone), "--json").stdout)
    unsolved = sorted(g["id"] for g in example.summary["goals"] if g["status"] not in ("solved", "conditional"))
    by_declaration: dict[tuple[str, str], int] = {}
    for goal in example.summary["goals"]:
        if goal["id"] in unsolved:
            key = (goal["file"], goal["declaration"])
            by_declaration[key] = by_declaration.get(key, 0) + 1
    left: dict[tuple[str, str], int] = {}
    for goal in extracted["goals"]:
        key = (goal["file"], goal["declaration"])
        left[key] = left.get(key, 0) + 1
    assert left == by_declaration
    assert extracted["problems"] == []

    verified = example.orchestrator("verify", str(clone), str(example.out / "proofs.patch"), "--json")
    report = json.loads(verified.stdout)
    assert verified.returncode == 0, verified.stdout
    assert report["accepted"]
    assert {v["status"] for v in report["verdicts"]} <= {"passed", "partial", "conditional"}


def test_the_blueprint_tells_the_truth_afterwards(example: Example) -> None:
    clone = example.folder / "blueprint-clone"
    git(example.folder, "clone", "--quiet", str(example.repository), str(clone))
    git(clone, "apply", str(example.out / "proofs.patch"), str(example.out / "blueprint.patch"))
    nodes = load(clone).by_label
    open_declarations = {g["declaration"] for g in example.summary["goals"] if g["status"] != "solved"}
    for item in EXPECTED["blueprint"]:
        if item["label"] not in nodes and len(example.sorries) < len(EXPECTED["sorries"]):
            continue
        node = nodes[item["label"]]
        assert node.statement_leanok == item["statement"]["deserved"] or node.statement.mathlibok, item["label"]
        if "proof" not in item or node.statement.mathlibok:
            continue
        all_filled = not open_declarations & set(item["lean"])
        if not item["proof"]["deserved_when_filled"] or not all_filled:
            assert not node.proof_leanok, item["label"]
        if item["proof"]["deserved"]:
            assert node.proof_leanok, item["label"]


def test_a_second_run_repeats_nothing(example: Example) -> None:
    again = prove(example.folder, example.repository, example.folder / "again", example.settings)
    made = attempts(replace(example, out=example.folder / "again"))
    repeated = {attempt["goal"] for attempt in made}
    assert made == [], [attempt for attempt in attempts(example) if attempt["goal"] in repeated]
    # Where they are looked for, a counterexample that a busy machine had no time for is looked for again.
    assert again["lean_processes"] == 0 or "ORCH_COUNTEREXAMPLES" not in example.settings
    statuses = {goal["id"]: goal["status"] for goal in example.summary["goals"]}
    assert {goal["id"]: goal["status"] for goal in again["goals"]} == statuses
    assert (example.folder / "again/proofs.patch").read_bytes() == (example.out / "proofs.patch").read_bytes()
