"""What holds for all tests, and the one Lean server that those of a worker share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:  # a test that needs no Lean does not wait for these
    from orchestrator.lean.embedded.session import EmbeddedSession
    from orchestrator.lean.servers import Servers

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
    """For several workers: a file's tests stay on one, and so do all that share a Prefect server or its database.

    What needs PostgreSQL or a browser is for `make test-all`.
    """
    for item in items:
        file = item.path.relative_to(HERE).as_posix()
        fixtures = getattr(item, "fixturenames", ())
        call = getattr(item, "callspec", None)
        needs = (*fixtures, *(call.params.values() if call else ()))
        if "postgres" in needs or "postgres_url" in needs or file.startswith("browser/"):
            item.add_marker(pytest.mark.slow)
        shared = "prefect" if "prefect_server" in fixtures else "faults" if file.startswith("faults/") else file
        item.add_marker(pytest.mark.xdist_group(shared))
    items.sort(key=lambda item: _weight(item.path.relative_to(HERE).as_posix()))


def _weight(file: str) -> int:
    return next((number for number, start in enumerate(HEAVIEST) if file.startswith(start)), len(HEAVIEST))


@pytest.fixture(scope="session", autouse=True)
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Prefect database for all tests of a worker, so that none of their runs stands among the developer's own.

    One for each test would cost more than anything else.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.delenv("PREFECT_API_URL", raising=False)
        yield


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The embedded Lean of this user, installed if it is not."""
    from orchestrator.config import load_settings
    from orchestrator.lean.servers import choose_lean, provision
    from orchestrator.source.project import Project

    settings = load_settings(start_timeout=600)
    paths = settings.paths
    return provision(settings, paths, choose_lean(settings, paths, Project("none", "/nowhere")))


@pytest.fixture(scope="session")
async def shared_lean(servers: Servers) -> AsyncIterator[EmbeddedSession]:
    """The session for fixtures that outlive a test; a test takes `lean`."""
    from orchestrator.lean.embedded.session import EmbeddedSession

    session = servers.session()
    assert isinstance(session, EmbeddedSession)
    yield session
    await session.close()


@pytest.fixture
async def lean(shared_lean: EmbeddedSession) -> EmbeddedSession:
    """The server that all tests of a worker share. One that breaks it costs the next test a start of some seconds."""
    await shared_lean.recycle_if_grown()
    return shared_lean
