"""Where files go."""

from __future__ import annotations

from pathlib import Path

from orchestrator.config import PathSettings, find_paths


def test_each_folder_can_be_given() -> None:
    paths = find_paths(PathSettings(cache=Path("/c"), data=Path("/d"), state=Path("/s")))
    assert (paths.cache, paths.data, paths.state) == (Path("/c"), Path("/d"), Path("/s"))
    assert paths.embedded_lean.parent == Path("/c")
    assert paths.checkouts.parent == Path("/c")
    assert paths.ledger_file.parent == Path("/d")
    assert paths.logs.parent == Path("/s")


def test_the_others_are_this_users_and_absolute() -> None:
    paths = find_paths(PathSettings(data=Path("relative")))
    assert paths.data == Path.cwd() / "relative"
    for folder in (paths.cache, paths.state):
        assert folder.is_absolute()
        assert "lean-orchestrator" in folder.parts
    assert find_paths() == find_paths(PathSettings())
