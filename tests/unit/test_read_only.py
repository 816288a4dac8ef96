"""The package as most services have it: installed by another user, and not to be written by whoever runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from somebody_else import NOBODY, SOMEBODY_ELSE, can_be_somebody_else

SORRY = "theorem a : 1 = 1 := by sorry\n"

pytestmark = pytest.mark.skipif(not can_be_somebody_else(), reason="only root, with setpriv, can act as another user")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of root's with lean-interact as it comes, without the folder that its import makes."""
    folder = tmp_path_factory.mktemp("installed")
    package = find_spec("lean_interact")
    assert package is not None
    assert package.origin is not None
    shutil.copytree(Path(package.origin).parent, folder / "lean_interact", ignore=shutil.ignore_patterns("cache"))
    return folder


def as_somebody_else(installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    home = installed / "home"
    if not home.is_dir():
        (home / "repo").mkdir(parents=True)
        (home / "repo/lakefile.toml").write_text('name = "T"\n[[lean_lib]]\nname = "T"\n')
        (home / "repo/T.lean").write_text(SORRY)
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "LANG": "C.UTF-8"}
    return subprocess.run(
        [*SOMEBODY_ELSE, sys.executable, *command],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [("--version",), ("extract", "repo", "--static"), ("ledger", "stats")])
def test_commands_work(installed: Path, words: tuple[str, ...]) -> None:
    done = as_somebody_else(installed, "-m", "orchestrator.main", *words)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_the_doctor_finds_folders_of_the_user_that_can_be_written(installed: Path) -> None:
    done = as_somebody_else(installed, "-m", "orchestrator.main", "lean", "doctor")
    assert f"{installed}/home/.local/share/lean-orchestrator can be written" in done.stdout


def test_where_the_repl_comes_from_is_read_without_writing(installed: Path) -> None:
    program = "from orchestrator.lean.native.ready_repl import repl_release; print(*repl_release())"
    done = as_somebody_else(installed, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("https://")
    assert not (installed / "lean_interact/cache").exists()


def test_imported_by_itself_it_would_have_failed(installed: Path) -> None:
    assert "Permission denied" in as_somebody_else(installed, "-c", "import lean_interact").stderr
