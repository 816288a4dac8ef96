"""Where files go."""

from __future__ import annotations

from pathlib import Path

from orchestrator.config import Settings


def test_each_folder_can_be_given() -> None:
    paths = Settings(cache_dir=Path("/c"), data_dir=Path("/d"), state_dir=Path("/s")).paths
    assert (paths.cache, paths.data, paths.state) == (Path("/c"), Path("/d"), Path("/s"))
    assert paths.embedded_lean.parent == Path("/c")
    assert paths.checkouts.parent == Path("/c")
    assert paths.ledger_file.parent == Path("/d")
    assert paths.logs.parent == Path("/s")


def test_the_others_are_this_users_and_absolute() -> None:
    paths = Settings().paths
    for folder in (paths.cache, paths.data, paths.state):
        assert folder.is_absolute()
        assert "lean-orchestrator" in folder.parts
