"""The faults of `fault_list`, each as a test: what the user saw is said, nothing is lost, and the next run finishes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_list import FAULTS
from scenes import CANNOT, Fault, play

from orchestrator.cli.prefect_server import LocalServer
from orchestrator.config import child_environment

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect server that all runs share."""
    home: Path = tmp_path_factory.mktemp("prefect-of-faults")
    environment = child_environment(["*"], extra={"PREFECT_HOME": str(home), "PREFECT_UI_ENABLED": "0"})
    application = "prefect.server.api.server:create_app"
    with LocalServer(application, environment=environment, log=home / "server.log") as server:
        server.wait_until_ready("/api/health", seconds=900)
        yield f"{server.url}/api"


def test_there_are_as_many_as_asked_for() -> None:
    assert len(FAULTS) >= 25


@pytest.mark.parametrize(("name", "fault"), FAULTS.items(), ids=FAULTS.keys())
def test_a_fault_is_told_and_loses_nothing(name: str, fault: Fault, api: str) -> None:
    row = play(name, fault, api=api)
    if row.saw.startswith(CANNOT):
        pytest.skip(row.saw)
    assert row.good, row
    assert row.saw
