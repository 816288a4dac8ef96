"""One installed embedded Lean and one running server for all tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.config import load_settings
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.servers import Servers, choose_lean, provision
from orchestrator.source.project import Project

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here talks to a real Lean, and a busy machine may take its time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lean)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The embedded Lean of this user, installed if it is not."""
    settings = load_settings(start_timeout=600)
    paths = settings.paths
    return provision(settings, paths, choose_lean(settings, paths, Project("none", "/nowhere")))


@pytest.fixture(scope="session")
async def _shared(servers: Servers) -> AsyncIterator[EmbeddedSession]:
    session = servers.session()
    yield session
    await session.close()


@pytest.fixture
async def lean(_shared: EmbeddedSession) -> EmbeddedSession:
    """The server that all tests share. One that breaks it costs the next test a start."""
    await _shared.recycle_if_grown()
    return _shared
