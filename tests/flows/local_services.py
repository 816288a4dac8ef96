"""A Prefect server, its PostgreSQL and its workers as processes of this machine, for the tests that need real ones."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None) or (
    Path(found).parent if (found := shutil.which("initdb")) else None
)
PREFECT = [sys.executable, "-m", "prefect"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str], cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=cwd, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


@contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """A PostgreSQL of our own with the databases `prefect` and `ledger`; its port. It does not run as root."""
    assert BIN is not None
    port = free_port()
    as_user: list[str] = []
    if os.getuid() == 0:
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres")
        folder.chmod(0o755)
        temporary = Path(tempfile.gettempdir())
        for parent in (path for path in folder.parents if temporary in path.parents):
            parent.chmod(parent.stat().st_mode | 0o011)
    data = folder / "data"
    subprocess.run([*as_user, BIN / "initdb", "-D", data, "-A", "trust", "-U", "t"], check=True, capture_output=True)
    options = ["-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with running([*as_user, str(BIN / "postgres"), "-D", str(data), *options], folder.parent / "pg.log", {}, folder):
        for name in ("prefect", "ledger"):
            create = [BIN / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "t", name]
            for _ in range(60):
                if subprocess.run(create, capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.5)
            else:
                pytest.fail("PostgreSQL did not start")
        yield port


@contextmanager
def prefect_environment(folder: Path, database: str = "") -> Iterator[dict[str, str]]:
    """A Prefect server on a database URL, SQLite in `folder` unless given: the environment that leads to it."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ORCH_"))},
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(ROOT),
    }
    if database:
        environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database
    server = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with running(server, folder / "server.log", environment, folder):
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail((folder / "server.log").read_text()[-2000:])
        yield environment


def prefect(environment: dict[str, str], *words: str) -> str:
    """Run a command of Prefect's own; what it printed."""
    reply = subprocess.run([*PREFECT, *words], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    return reply.stdout
