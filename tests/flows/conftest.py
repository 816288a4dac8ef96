"""One Prefect server for all tests of this folder, and small repositories to run flows on."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import set_prefect_defaults
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.protocol import Reply, Request
from orchestrator.lean.servers import Servers

set_prefect_defaults()

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Prefect leaves sockets for the garbage collector to close."""
    ignored = pytest.mark.filterwarnings("ignore:.*<socket:pytest.PytestUnraisableExceptionWarning")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(ignored)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collects the garbage of a test with it, so that no later test is blamed for Prefect's sockets."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server with a database of its own; it takes some seconds to start."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the ledger of this test, and little time for what no strategy proves."""
    for name in ("DATA", "STATE"):
        monkeypatch.setenv(f"ORCH_{name}_DIR", str(tmp_path / "home"))
    for name, value in (("SERVERS", "1"), ("TIMEOUT_MICRO", "2"), ("TIMEOUT_HAMMER", "2"), ("TIMEOUT_REPROVER", "1")):
        monkeypatch.setenv(f"ORCH_{name}", value)
    return tmp_path / "home"


class Borrowed:
    """The worker's session, which goes on when it is closed."""

    def __init__(self, lent: EmbeddedSession, one_at_a_time: asyncio.Lock) -> None:
        self._lent, self._one_at_a_time = lent, one_at_a_time

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lent, name)

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        async with self._one_at_a_time:
            return await self._lent.exchange(request, timeout=timeout)

    async def recycle_if_grown(self) -> bool:
        return False

    async def close(self) -> None:
        pass


@pytest.fixture
async def one_lean(lean: EmbeddedSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs of this test have one process for everything, the gate included: a start takes longer than the rest.

    `test_examples` and `tests/faults` are about runs whose processes are their own.
    """
    borrowed = Borrowed(lean, asyncio.Lock())
    monkeypatch.setattr(Servers, "session", lambda *_: borrowed)


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Path]:
    """Makes a git repository with the library `T` from the texts of its files, or changes it.

    `repository(A="theorem {x}a : …")` writes `T/A.lean`. "{x}" stands for a word that no other test has, so that no
    answer can be known from another one.
    """
    word = f"x{uuid.uuid4().hex[:8]}_"
    folder = tmp_path / "repository"

    def make(**texts: str) -> Path:
        (folder / "T").mkdir(parents=True, exist_ok=True)
        (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-pre\n")
        (folder / "lakefile.toml").write_text('name = "T"\n\n[[lean_lib]]\nname = "T"\n')
        for name, text in texts.items():
            (folder / f"T/{name}.lean").write_text(text.replace("{x}", word))
        git(folder, "init", "-q")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "change")
        return folder

    return make


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder."""
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, env=dict(os.environ))
