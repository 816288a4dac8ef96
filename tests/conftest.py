"""What holds for all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
HEAVIEST = ("flows/test_examples.py", "faults", "flows", "lean", "cheats", "docs")
"""What takes minutes, the longest first: with the quick tests at the end, no worker is left alone with a long one."""

# Whole runs over the examples leave goals open, on each of which a search would spend all of its minute.
os.environ.setdefault("ORCH_TIMEOUT_REPROVER", "2")

# How long an example takes says more about the machine than about the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For several workers: a file's tests stay on one, and so do all that share a process's Prefect server."""
    for item in items:
        file = item.path.relative_to(HERE).as_posix()
        shared = "prefect_server" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("prefect" if shared else file))
    items.sort(key=lambda item: _weight(item.path.relative_to(HERE).as_posix()))


def _weight(file: str) -> int:
    return next((place for place, start in enumerate(HEAVIEST) if file.startswith(start)), len(HEAVIEST))
