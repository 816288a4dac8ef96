"""Secrets planted in the environment and in addresses: nothing that a run prints or leaves behind holds one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from night_runs import NightRun

Start = Callable[..., NightRun]
SECRET = "hunter2-c0ffee"

pytestmark = [pytest.mark.lean, pytest.mark.timeout(1800)]


def command(folder: Path, *arguments: str, **settings: str) -> str:
    """What a command prints that cannot be done."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "PREFECT_"))}
    environment |= {"ORCH_DATA_DIR": str(folder), "ORCH_STATE_DIR": str(folder), "ORCH_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.main", *arguments],
        cwd=folder,
        env={**environment, **settings},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode not in (0, 1), done
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def files_with(folder: Path, secret: str) -> list[str]:
    """Files below a folder that hold the secret."""
    plain = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in plain if secret.encode() in path.read_bytes()]


def test_a_run_leaves_no_secret_of_its_environment_anywhere(start: Start, tmp_path: Path) -> None:
    run = start(
        hard=0,
        OPENAI_API_KEY=SECRET,
        GITHUB_ACCESS_TOKEN=SECRET,
        AWS_SECRET_ACCESS_KEY=SECRET,
        PREFECT_API_AUTH_STRING="",
    )
    run.wait_for("found ")
    for server in run.lean_servers():
        assert SECRET not in str(server.environ())
    assert run.wait_to_end() == 0
    assert SECRET not in run.output
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
def test_an_address_with_a_password_is_never_shown(address: str, tmp_path: Path) -> None:
    assert SECRET not in command(tmp_path, "extract", address)
    assert files_with(tmp_path, SECRET) == []


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://somebody:{SECRET}@127.0.0.1:9/ledger",
        f"postgresql+psycopg://somebody:{SECRET}@127.0.0.1:9/ledger?connect_timeout=1",
        f"mysql://somebody:{SECRET}@host/x",
    ],
)
def test_the_ledgers_password_is_never_shown(url: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    said = command(tmp_path, "prove", str(tmp_path / "repo"), ORCH_LEDGER_URL=url)
    assert SECRET not in said
    assert files_with(tmp_path, SECRET) == []
