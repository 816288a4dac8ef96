"""What the tests of disturbed runs share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from night_runs import NightRun, write_repository


@pytest.fixture(scope="session", autouse=True)
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prefect's database for all of these tests; making a new one takes longer than anything else."""
    before = os.environ.get("PREFECT_HOME")
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("prefect"))
    yield
    if before is None:
        del os.environ["PREFECT_HOME"]
    else:
        os.environ["PREFECT_HOME"] = before


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., NightRun]]:
    """Starts runs on one repository with one ledger: `start(hard=…, ORCH_…=…)`."""
    runs: list[NightRun] = []

    def start_run(*, hard: int = 8, **settings: str) -> NightRun:
        repo = runs[0].repo if runs else write_repository(tmp_path / "repo", hard=hard)
        runs.append(NightRun(repo, tmp_path / "home", settings))
        return runs[-1]

    yield start_run
    for run in runs:
        run.clean_up()
