"""What the tests of disturbed runs share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from night_runs import NightRun, write_repository


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_works() -> Iterator[None]:
    """A shell that starts the tests in the background has them ignore Ctrl-C, which the runs would inherit."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


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
