"""The command line on input that cannot be worked on: one clear message, the right exit code, no traceback.

Nothing here needs Lean: each command stops before it would be started.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import app, run
from orchestrator.cli.verify import read_patch
from orchestrator.config import load_settings
from orchestrator.errors import OrchestratorError, PatchError
from orchestrator.lean.servers import usable
from orchestrator.run.verify import original_and_patched
from orchestrator.source.diff import unified_diff
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project, SourceModule

TEXT = "theorem a : 1 = 1 := by sorry\n"
PROVED = "theorem a : 1 = 1 := by rfl\n"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Own folders for everything that a command keeps."""
    for name in ("CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"ORCH_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one file."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "lakefile.toml").write_text('name = "T"\n[[lean_lib]]\nname = "T"\n')
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0\n")
    (folder / "T.lean").write_text(TEXT)
    git(folder, "init", "-q")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")


def type_in(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and standard error of a command."""
    code = run(lambda: app(list(words), result_action="return_value", exit_on_error=False))
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err
    return code, " ".join(shown.err.split())


@pytest.mark.parametrize("command", ["extract", "prove"])
def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str) -> None:
    code, said = type_in(capsys, command, "nowhere")
    assert code == 3
    assert f"error: there is no such folder ({tmp_path}/nowhere). Name a folder" in said


def test_a_folder_without_git_cannot_be_checked_out(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    shutil.rmtree(repo / ".git")
    for words in (("prove", "repo"), ("extract", "repo", "--ref", "HEAD")):
        code, said = type_in(capsys, *words)
        assert code == 3
        assert "not a git repository" in said
        assert "git init" in said


def test_an_unknown_ref(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    git(repo, "branch", "known")
    code, said = type_in(capsys, "extract", "repo", "--ref", "nowhere")
    assert code == 3
    assert "no commit called nowhere" in said
    assert "known" in said


def test_a_repository_without_a_commit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    code, said = type_in(capsys, "extract", "empty", "--ref", "HEAD")
    assert code == 3
    assert "no commit yet" in said


def test_no_lean_and_no_lean_file(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    (repo / "T.lean").unlink()
    code, said = type_in(capsys, "extract", "repo")
    assert code == 3
    assert "no Lean file yet" in said
    (repo / "lakefile.toml").unlink()
    (repo / "lean-toolchain").unlink()
    code, said = type_in(capsys, "extract", "repo")
    assert code == 3
    assert "neither a lakefile nor a lean-toolchain" in said


def test_nothing_but_an_import_cycle(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    (repo / "T").mkdir()
    (repo / "T.lean").write_text("import T.A\n")
    (repo / "T/A.lean").write_text("import T\n")
    code, said = type_in(capsys, "extract", "repo")
    assert code == 3
    assert "import cycle: T → T.A → T" in said


@pytest.mark.parametrize("command", ["extract", "prove"])
def test_a_project_with_mathlib_where_there_is_no_lean(
    capsys: pytest.CaptureFixture[str], repo: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(repo))
    (repo / "T.lean").write_text("import Mathlib\n" + TEXT)
    commit(repo)
    code, said = type_in(capsys, command, "repo")
    assert code == 4
    assert "imports Mathlib, which needs a native Lean" in said
    assert said.endswith("| sh lake exe cache get lake build")


def test_the_sorries_that_need_no_package_are_worked_on(
    capsys: pytest.CaptureFixture[str], repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = load_project(repo)
    settings = load_settings()
    assert usable(settings, settings.paths, project).problems == ()
    (repo / "T").mkdir()
    (repo / "T.lean").write_text("import T.A\nimport T.B\n")
    (repo / "T/A.lean").write_text(TEXT)
    (repo / "T/B.lean").write_text("import Mathlib\n" + TEXT)
    left = usable(settings, settings.paths, load_project(repo))
    assert [module.name for module in left.modules] == ["T.A"]
    assert "Mathlib" in left.problems[0].message
    (repo / "T/A.lean").write_text(PROVED)
    code, said = type_in(capsys, "extract", "repo")
    assert code == 4
    assert "lake exe cache get" in said


def test_sorries_that_nothing_here_can_work_on_are_said_at_once(
    capsys: pytest.CaptureFixture[str], repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_LEAN", "embedded")
    (repo / "T").mkdir()
    (repo / "T.lean").write_text("import T.A\nimport T.B\n" + TEXT)
    (repo / "T/A.lean").write_text(PROVED)
    (repo / "T/B.lean").write_text("import Mathlib\n" + TEXT)
    commit(repo)
    code, said = type_in(capsys, "prove", "repo")
    assert code == 3
    assert "1 of 3 files worked on; 2 sorries in the others: they import Mathlib" in said


def test_time_below_nothing_is_blamed_on_its_option(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    code, said = type_in(capsys, "prove", "repo", "--timeout", "-3")
    assert code == 2
    assert "--timeout" in said
    assert "ORCH_" not in said


def test_nothing_but_a_file_that_is_not_utf8(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    (repo / "T.lean").write_bytes(b"-- \xff\n")
    code, said = type_in(capsys, "extract", "repo")
    assert code == 3
    assert "T.lean: is not UTF-8" in said


@pytest.mark.parametrize("words", [["extract", "repo"], ["verify", "repo", "a.patch"], ["prove", "repo"]])
def test_a_variable_that_is_no_setting(
    capsys: pytest.CaptureFixture[str], repo: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    (repo.parent / "a.patch").write_text("something")
    monkeypatch.setenv("ORCH_SERVER", "1")
    code, said = type_in(capsys, *words)
    assert code == 2
    assert "Did you mean ORCH_SERVERS?" in said


@pytest.mark.parametrize("word", ["patch", "branch", "pr", "pull-request"])
def test_how_far_publishing_goes_is_said_as_the_help_says_it(word: str) -> None:
    _, bound, _ = app.parse_args(["prove", ".", "--publish", word], exit_on_error=False)
    assert bound.arguments["publish"] == {"pull-request": "pr"}.get(word, word)


@pytest.mark.parametrize(
    "words", [["prove"], ["prove", "repo", "--profile", "3"], ["extract", "repo", "--nonsense"], ["what"]]
)
def test_words_that_are_no_command(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert type_in(capsys, *words)[0] == 2


def test_results_that_could_not_be_written(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    code, said = type_in(capsys, "prove", "repo", "--out", "repo/T.lean")
    assert code == 1
    assert "The results cannot be written" in said
    assert "--out" in said


def test_a_damaged_ledger(capsys: pytest.CaptureFixture[str], repo: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/ledger.db").write_bytes(b"this is no database" * 100)
    code, said = type_in(capsys, "prove", "repo")
    assert code == 6
    assert "not a ledger" in said
    assert "Move" in said


def test_a_prefect_server_that_does_not_answer(
    capsys: pytest.CaptureFixture[str], repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    environment = {**os.environ, "PREFECT_HOME": str(repo.parent / "prefect")}
    command = [sys.executable, "-m", "orchestrator.main", "prove", "repo"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "PREFECT_API_URL=http://127.0.0.1:9/api" in done.stderr
    assert "prefect server start" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("", "empty"),
        ("this is no patch\n", "git does not take the patch"),
        (unified_diff({"T.lean": ("theorem b\n", "theorem c\n")}), "patch does not apply"),
        (unified_diff({"README.md": ("a\n", "b\n")}), "not Lean source"),
        (unified_diff({"../T.lean": ("a\n", "b\n")}), "leads out of the repository"),
        (
            "diff --git a/N.lean b/N.lean\nnew file mode 100644\n--- /dev/null\n+++ b/N.lean\n@@ -0,0 +1 @@\n+--\n",
            "N.lean",
        ),
    ],
)
def test_patches_that_cannot_be_judged(tmp_path: Path, content: str | None, words: str) -> None:
    (tmp_path / "T.lean").write_text(TEXT)
    if content is not None:
        (tmp_path / "a.patch").write_text(content)
    with pytest.raises(PatchError, match=words):
        original_and_patched(a_project(tmp_path), read_patch(tmp_path / "a.patch"))


def test_a_new_file_is_refused_whether_or_not_it_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "T.lean").write_text(TEXT)
    new = "diff --git a/N.lean b/N.lean\nnew file mode 100644\n--- /dev/null\n+++ b/N.lean\n@@ -0,0 +1 @@\n+--\n"
    (tmp_path / "N.lean").write_text("--\n")
    with pytest.raises(PatchError, match="already exists"):
        original_and_patched(a_project(tmp_path), new)


def test_a_patch_is_judged_the_same_before_and_after_it_is_applied(tmp_path: Path) -> None:
    patch = unified_diff({"T.lean": (TEXT, PROVED)})
    for text in (TEXT, PROVED):
        (tmp_path / "T.lean").write_text(text)
        project, texts = original_and_patched(a_project(tmp_path), patch)
        assert project.by_path["T.lean"].text == TEXT
        assert texts == {"T.lean": PROVED}


def a_project(folder: Path) -> Project:
    text = (folder / "T.lean").read_text()
    return Project("T", str(folder), modules=(SourceModule("T", "T.lean", text),))


def test_our_errors_are_one_line_and_others_are_not_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise OrchestratorError("It did not work", where="[here]", hint="Try \x1b[2Jagain")

    assert run(refuse) == 1
    assert capsys.readouterr().err == "error: It did not work ([here]). Try �[2Jagain\n"

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(fail)


def test_ctrl_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    assert run(interrupt) == 130
    assert "stopped" in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_error() -> None:
    script = "from orchestrator.cli.main import run; import sys; sys.exit(run(lambda: print('line\\n' * 100000)))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_a_large_repository_is_counted_file_by_file(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    (repo / "T.lean").write_text("import T.Many\nimport T.Gone\n")
    (repo / "T").mkdir()
    (repo / "T/Many.lean").write_text("theorem a : 1 = 1 := by sorry\n" * 150)

    def shown(*words: str) -> list[str]:
        assert run(lambda: app(["extract", "repo", "--static", *words], result_action="return_value")) == 0
        return capsys.readouterr().out.splitlines()

    header, row, hint, *rest = shown()
    assert (header.split(), row.split(), hint) == (["file", "sorry"], ["T/Many.lean", "150"], "--every lists each one")
    assert rest == shown("--only-problems")
    assert "T.Gone" in rest[0]
    assert rest[-1] == "150 sorries in 1 file of 1, 0 proof_wanted"
    assert len(shown("--every")) == 150 + len(rest)
