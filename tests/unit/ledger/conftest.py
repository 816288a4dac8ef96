"""Ledgers for the tests: in memory, in a file, and on a real PostgreSQL server where the machine has one."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from ledger_clock import Clock
from sqlalchemy import create_engine, text

from orchestrator.ledger.store import Ledger

_numbers = count(1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server started for the tests, without a database name."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: neither under /usr/lib/postgresql nor on the PATH")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    # It may stand where only an administrator's PATH leads.
    runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if os.geteuid() == 0 and runuser is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    as_postgres = [str(runuser), "-u", "postgres", "--"] if os.geteuid() == 0 else []
    user = "postgres" if as_postgres else pwd.getpwuid(os.geteuid()).pw_name
    home = Path(tempfile.mkdtemp(prefix="ledger-postgres-"))
    if as_postgres:
        shutil.chown(home, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={home}", "fsync=off")
    command = [*as_postgres, "sh", "-c", _GUARDED, str(home), str(programs / "postgres")]
    command += ["-D", str(home / "data"), *(word for setting in settings for word in ("-c", setting))]
    try:
        made = [
            *as_postgres,
            str(programs / "initdb"),
            "-D",
            str(home / "data"),
            "-U",
            user,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd="/")
        server = subprocess.Popen(command, stdin=subprocess.PIPE, cwd="/")
        try:
            _wait_for(port, server, programs, home / "log")
            yield f"postgresql+psycopg://{user}@127.0.0.1:{port}"
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


# The shell's input is open as long as this process lives, however it ends; then the server goes, and its files.
_GUARDED = """
"$@" >"$0/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$0"
"""


def _programs() -> Path | None:
    """The folder of a PostgreSQL server: the newest of Debian's packages, else the one on the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = packaged[-1] if packaged else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _wait_for(port: int, server: subprocess.Popen[bytes], programs: Path, log: Path) -> None:
    asked = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(1200):
        if subprocess.run(asked, stdout=subprocess.DEVNULL).returncode == 0:
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(f"the PostgreSQL server did not start:\n{log.read_text() if log.exists() else ''}")


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """URL of an empty database."""
    name = f"ledger{next(_numbers)}"
    engine = create_engine(f"{postgres_server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{postgres_server}/{name}"


@pytest.fixture(params=["memory", "file", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new ledger, of each kind in turn."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return "sqlite://" if request.param == "memory" else str(tmp_path / "new folder" / "ledger.db")


@pytest.fixture
def ledger(url: str, clock: Clock) -> Iterator[Ledger]:
    """A new ledger, of each kind in turn."""
    with Ledger.open(url, clock=clock) as opened:
        yield opened
