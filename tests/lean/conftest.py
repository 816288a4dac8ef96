"""What holds for all tests on a real Lean."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here talks to a real Lean, and a busy machine may take its time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lean)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(900))
