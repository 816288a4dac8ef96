"""The blueprint commands by text alone: what they print, write and refuse."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from orchestrator.cli.main import app, run
from orchestrator.cli.output import open_ledger, shown_origin
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import GoalRecord

LEAN = "theorem good : 1 = 1 := rfl\n\ntheorem bad : 2 = 2 := by sorry\n\ndef data : Nat := sorry\n"
TEX = r"""\begin{lemma}\label{good}\lean{good}\leanok\end{lemma}\begin{proof}\leanok\end{proof}
\begin{theorem}\label{bad}\lean{bad, elsewhere}\uses{good}\leanok\end{theorem}
\begin{proof}\uses{good}\leanok\end{proof}
\begin{definition}\label{data}\lean{data}\leanok\end{definition}
\begin{theorem}\label{m}\mathlibok\end{theorem}\begin{lemma}\label{n}\notready\end{lemma}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "blueprint/src").mkdir(parents=True)
    (folder / "lakefile.toml").write_text('name = "T"\n[[lean_lib]]\nname = "T"\n')
    (folder / "T.lean").write_text(LEAN)
    (folder / "blueprint/src/web.tex").write_text(TEX)
    return folder


def type_in(*words: str) -> int:
    return run(lambda: app(list(words), result_action="return_value", exit_on_error=False))


def test_status_counts_and_tells_by_the_text(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert type_in("blueprint", "status", str(repo), "--static", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {
        "nodes": 5,
        "proofs": 2,
        "declarations": 4,
        "statement_marks": 3,
        "proof_marks": 2,
        "not_ready": 1,
        "mathlib": 1,
        "uses": 2,
    }
    assert (told["by"], told["not_seen"], told["false_marks"]) == ("text", ["elsewhere"], 2)
    notes = {line["key"]: line["notes"] for line in told["lines"]}
    assert notes["good"] == []
    assert "false mark in the proof" in notes["bad"][0]
    assert "false mark in the statement" in notes["data"][0]
    assert type_in("blueprint", "status", str(repo), "--static", "--every") == 0
    assert "5 nodes" in capsys.readouterr().out


def test_sync_by_text_takes_false_marks_away_only_where_the_text_is_trusted(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = repo / "blueprint/src/web.tex"
    assert type_in("blueprint", "check", str(repo), "--static") == 7
    assert type_in("blueprint", "sync", str(repo), "--static") == 0
    assert file.read_text() == TEX
    assert "Nothing was written" in capsys.readouterr().err
    assert type_in("blueprint", "sync", str(repo), "--static", "--write") == 0
    assert file.read_text() == TEX
    assert "2 marks left that only the text shows to be false: add --trust-text" in capsys.readouterr().out
    assert type_in("blueprint", "sync", str(repo), "--static", "--write", "--trust-text") == 0
    assert file.read_text().count("\\leanok") == TEX.count("\\leanok") - 2
    capsys.readouterr()
    assert type_in("blueprint", "sync", str(repo), "--static", "--write", "--trust-text", "--json") == 0
    assert json.loads(capsys.readouterr().out)["edits"] == []
    assert type_in("blueprint", "check", str(repo), "--static") == 0
    assert capsys.readouterr().out == "3 of 3 marks could not be checked.\n"
    assert type_in("blueprint", "check", str(repo), "--static", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["true"], told["marks"], told["unchecked"]) == (None, 3, 3)


def test_the_diff_on_standard_output_is_a_patch_whatever_its_lines_hold(
    repo: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = repo / "blueprint/src/web.tex"
    before = TEX.encode().replace(b"\n", b"\r\n", 1) + b"% " + b"long line " * 400 + b"\xff\x1b[31m\t\n"
    file.write_bytes(
        before.replace(b"\\uses{good}\\leanok\\end{proof}", b"\\leanok " + b"and then " * 90 + b"\\end{proof}")
    )
    assert type_in("blueprint", "sync", str(repo), "--static") == 0
    patch = repo.parent / "x.patch"
    patch.write_bytes(capfdbinary.readouterr().out)
    subprocess.run(["git", "apply", str(patch)], cwd=repo, check=True)
    assert file.read_bytes().count(b"\\leanok") == TEX.count("\\leanok") - 2
    assert type_in("blueprint", "sync", str(repo), "--static") == 0
    assert capfdbinary.readouterr().out == b""


def test_a_list_of_names_out_of_date_is_told_without_lean(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "blueprint/src/web.tex").write_text("\\begin{lemma}\\label{good}\\lean{good}\\end{lemma}\n")
    decls = repo / "blueprint/lean_decls"
    decls.write_text("old_name")
    assert type_in("blueprint", "check", str(repo), "--static") == 7
    assert "lean_decls: is out of date" in capsys.readouterr().out
    assert type_in("blueprint", "sync", str(repo), "--static", "--write") == 0
    assert decls.read_text() == "good"
    assert type_in("blueprint", "check", str(repo), "--static") == 0
    assert "Lean has not seen every declaration" in capsys.readouterr().out


def test_without_lean_nothing_is_called_true(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "T.lean").write_text("theorem vague (n : Nat) : n = (sorry : Nat) := by sorry\n")
    (repo / "blueprint/src/web.tex").write_text("\\begin{lemma}\\lean{vague}\\end{lemma}\n")
    assert type_in("blueprint", "check", str(repo), "--static", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["true"], told["ready"]) == (None, [])
    assert (told["lines"][0]["statement"], told["lines"][0]["notes"]) == ("not formalised", ["sorry in vague"])


def test_a_loose_name_is_looked_for_as_well(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "blueprint/src/web.tex").write_text("\\lean{good, gone}\n")
    assert type_in("blueprint", "check", str(repo), "--static", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["not_seen"], told["true"]) == (["gone"], None)


def test_a_proof_that_is_written_is_not_ready_to_be_proved(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "".join(
        f"\\begin{{lemma}}\\label{{{name}}}\\lean{{{name}}}\\leanok\\end{{lemma}}\\begin{{proof}}\\end{{proof}}\n"
        for name in ("good", "bad", "gone")
    )
    (repo / "blueprint/src/web.tex").write_text(text)
    assert type_in("blueprint", "status", str(repo), "--static", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [key for key, _ in told["ready"]] == ["bad", "gone"]
    assert told["unmarked"] == 0
    assert ["mark missing" in str(line["notes"]) for line in told["lines"]] == [True, False, False]


def test_what_cannot_be_done_is_told(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert type_in("blueprint", "sync", str(repo), "--write", "--ref", "HEAD") == 7
    assert "only a folder can be written to" in " ".join(capsys.readouterr().err.split())
    (repo / "blueprint/src/web.tex").unlink()
    assert type_in("blueprint", "status", str(repo), "--static") == 7
    assert "has no blueprint" in " ".join(capsys.readouterr().err.split())


def test_a_blueprint_in_lean_files_is_only_reported(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "blueprint/src/web.tex").write_text("\\inputleanmodule{T}\n")
    (repo / "T.lean").write_text('@[blueprint "one"]\ntheorem one : 1 = 1 := by sorry\n')
    assert type_in("blueprint", "sync", str(repo), "--static", "--write") == 0
    assert "written by LeanArchitect" in capsys.readouterr().out


def test_sorries_by_the_text(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "T.lean").write_text(LEAN + "proof_wanted later : 3 = 3\n-- sorry\n")
    assert type_in("extract", str(repo), "--static", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [place["declaration"] for place in told["places"]] == ["bad", "data"]
    assert [place["declaration"] for place in told["proofs_wanted"]] == ["later"]
    assert type_in("extract", str(repo), "--static") == 0
    assert "2 sorries in 1 file of 1, 1 proof_wanted" in capsys.readouterr().out


def test_a_node_with_a_counterexample_is_never_next(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    monkeypatch.setenv("ORCH_LEDGER_URL", f"sqlite:///{repo.parent / 'ledger.db'}")
    (repo / "blueprint/src/web.tex").write_text(r"\begin{lemma}\label{bad}\lean{bad}\leanok\end{lemma}")
    where = SourceSpan(Position(3, 26), Position(3, 31))
    goal = Goal(id="g", text="⊢ 2 = 2", file="T.lean", declaration="bad", span=where, command=where)
    with open_ledger() as ledger:
        record = GoalRecord(
            goal=goal, repo=shown_origin(str(repo)) or "", status=GoalStatus.LOOKS_FALSE, source=LEAN, source_line=1
        )
        ledger.record_goals([record])

    def told() -> tuple[list[object], bool]:
        capsys.readouterr()
        assert type_in("blueprint", "status", str(repo), "--static", "--json") == 0
        shown = json.loads(capsys.readouterr().out)
        return shown["ready"], "counterexample to a goal of bad" in shown["lines"][0]["notes"]

    assert told() == ([], True)
    (repo / "T.lean").write_text(LEAN.replace("2 = 2", "2 = 2 + 0"))
    assert told() == ([["bad", 0]], False)
    with open_ledger() as ledger:
        ledger.record_goals([record.model_copy(update={"source": ""})])
    assert told() == ([["bad", 0]], False)


def test_a_blueprint_beside_the_project_is_written_where_it_is(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "blueprint").rename(repo.parent / "blueprint")
    (repo.parent / "blueprint/lean_decls").write_text("old")
    assert type_in("blueprint", "sync", str(repo), "--static", "--write") == 0
    assert f"Paths start from {repo.parent}" in capsys.readouterr().out
    assert (repo.parent / "blueprint/lean_decls").read_text().split() == ["good", "bad", "elsewhere", "data"]


def test_a_large_blueprint_is_counted_file_by_file_and_its_problems_are_listed_alone(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = repo / "blueprint/src/web.tex"
    file.write_text(TEX + "".join(f"\\begin{{lemma}}\\label{{later{n}}}\\end{{lemma}}\n" for n in range(500)))

    def shown(*words: str) -> list[str]:
        assert type_in("blueprint", "status", str(repo), "--static", *words) == 0
        return capsys.readouterr().out.splitlines()

    table = shown()
    assert table[0].split()[0] == "file"
    assert table[1].split()[0] == "blueprint/src/web.tex"
    assert len(table) < 12
    assert sum("later" in line for line in shown("--every")) >= 500
    keys = [line.partition(" ")[0] for line in shown("--only-problems")]
    assert keys[:3] == ["node", "bad", "data"]
    assert not any(key.startswith("later") for key in keys)
