"""Ledgers for the tests: in memory, in a file, and on a real PostgreSQL server where the machine has one."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
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
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not programs:
        pytest.skip("no PostgreSQL server under /usr/lib/postgresql")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    user = "postgres" if as_postgres else pwd.getpwuid(os.geteuid()).pw_name
    home = Path(tempfile.mkdtemp(prefix="ledger-postgres-"))
    if as_postgres:
        shutil.chown(home, user)
    control = [*as_postgres, str(programs[-1].parent / "pg_ctl"), "-D", str(home / "data"), "-w"]

    def call(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
    try:
        call(*as_postgres, str(programs[-1]), "-D", str(home / "data"), "-U", user, "-A", "trust", "-E", "UTF8")
        call(*control, "-l", str(home / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://{user}@127.0.0.1:{port}"
        finally:
            call(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


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
