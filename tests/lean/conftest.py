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
            kind = getattr(item, "callspec", None)
            if item.get_closest_marker("starts_often") and kind is not None and kind.params.get("session") == "shim":
                item.add_marker(pytest.mark.slow)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(900))
