"""Secrets planted in the environment and in addresses: nothing that a run prints or leaves behind holds one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from night_runs import NightRun

from orchestrator.cli.main import app, run

Start = Callable[..., NightRun]
SECRET = "hunter2-c0ffee"

pytestmark = [pytest.mark.lean, pytest.mark.timeout(1800)]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command prints that cannot be done."""
    for name in [name for name in os.environ if name.startswith(("ORCH_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    for name in ("DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"ORCH_{name}_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def said(*words: str) -> str:
        code = run(lambda: app(words, result_action="return_value", exit_on_error=False))
        shown = "".join(capfd.readouterr())
        assert code not in (0, 1), shown
        assert "Traceback" not in shown
        return shown

    return said


def files_with(folder: Path, secret: str) -> list[str]:
    """Files below a folder that hold the secret."""
    plain = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in plain if secret.encode() in path.read_bytes()]


def test_a_run_leaves_no_secret_of_its_environment_anywhere(start: Start, tmp_path: Path) -> None:
    night = start(
        hard=0,
        OPENAI_API_KEY=SECRET,
        GITHUB_ACCESS_TOKEN=SECRET,
        AWS_SECRET_ACCESS_KEY=SECRET,
        PREFECT_API_AUTH_STRING="",
    )
    night.wait_for("found ")
    for server in night.lean_servers():
        assert SECRET not in str(server.environ())
    assert night.wait_to_end() == 0
    assert SECRET not in night.output
    assert files_with(tmp_path, SECRET) == []


@pytest.mark.parametrize(
    "address",
    [
        f"http://somebody:{SECRET}@127.0.0.1:9/repo.git",
        f"https://{SECRET}@127.0.0.1:9/repo.git",
        f"http://127.0.0.1:9/repo.git?token={SECRET}",
        f"ftp://somebody:{SECRET}@127.0.0.1/repo.git",
    ],
)
def test_an_address_with_a_password_is_never_shown(address: str, command: Callable[..., str], tmp_path: Path) -> None:
    assert SECRET not in command("extract", address)
    assert files_with(tmp_path, SECRET) == []


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://somebody:{SECRET}@127.0.0.1:9/ledger",
        f"postgresql+psycopg://somebody:{SECRET}@127.0.0.1:9/ledger?connect_timeout=1",
        f"mysql://somebody:{SECRET}@host/x",
    ],
)
def test_the_ledgers_password_is_never_shown(
    url: str, command: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    monkeypatch.setenv("ORCH_LEDGER_URL", url)
    assert SECRET not in command("prove", str(tmp_path / "repo"))
    assert files_with(tmp_path, SECRET) == []
