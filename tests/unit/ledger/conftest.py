"""Ledgers for the tests: in memory, in a file, and on a real PostgreSQL server where the machine has one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from ledger_clock import Clock

from bench.postgres import new_database, temporary_server
from orchestrator.errors import OrchestratorError
from orchestrator.ledger.store import Ledger

_numbers = count(1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server started for the tests, without a database name."""
    try:
        with temporary_server() as url:
            yield url
    except OrchestratorError as error:
        pytest.skip(str(error))


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """URL of an empty database."""
    return new_database(postgres_server, f"ledger{next(_numbers)}")


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
