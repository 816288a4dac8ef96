"""The blueprint commands by text alone: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import app, run

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


def test_sync_by_text_only_takes_false_marks_away(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = repo / "blueprint/src/web.tex"
    assert type_in("blueprint", "check", str(repo), "--static") == 7
    assert type_in("blueprint", "sync", str(repo), "--static") == 0
    assert file.read_text() == TEX
    assert "Nothing was written" in capsys.readouterr().out
    assert type_in("blueprint", "sync", str(repo), "--static", "--write") == 0
    assert file.read_text().count("\\leanok") == TEX.count("\\leanok") - 2
    capsys.readouterr()
    assert type_in("blueprint", "sync", str(repo), "--static", "--write", "--json") == 0
    assert json.loads(capsys.readouterr().out)["edits"] == []
    assert type_in("blueprint", "check", str(repo), "--static") == 0


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
