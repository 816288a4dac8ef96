"""Light and heavy limits on a Prefect server with PostgreSQL, and none where they would not hold."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.settings import PREFECT_API_URL, temporary_settings

from orchestrator.cli.prefect_server import LocalServer
from orchestrator.config import SchedulerSettings, Switch, child_environment
from tasks.limits import ensure_limits, has_postgres

SETTINGS = SchedulerSettings(max_light=2, max_heavy=1)


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    """Port of a PostgreSQL server for a Prefect server."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("no PostgreSQL server under /usr/lib/postgresql")
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    home = Path(tempfile.mkdtemp(prefix="prefect-postgres-"))
    if as_postgres:
        shutil.chown(home, "postgres")
    control = [*as_postgres, str(programs[-1].parent / "pg_ctl"), "-D", str(home / "data"), "-w"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"

    def call(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    try:
        call(*as_postgres, str(programs[-1]), "-D", str(home / "data"), "-U", "limits", "-A", "trust", "-E", "UTF8")
        call(*control, "-l", str(home / "log"), "-o", options, "start")
        try:
            yield port
        finally:
            call(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def server(postgres: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Prefect server on that database."""
    home = tmp_path_factory.mktemp("prefect")
    extra = {
        "PREFECT_SERVER_DATABASE_DRIVER": "postgresql+asyncpg",
        "PREFECT_SERVER_DATABASE_HOST": "127.0.0.1",
        "PREFECT_SERVER_DATABASE_PORT": str(postgres),
        "PREFECT_SERVER_DATABASE_USER": "limits",
        "PREFECT_SERVER_DATABASE_NAME": "postgres",
        "PREFECT_SERVER_DATABASE_PASSWORD": "unused",
        "PREFECT_HOME": str(home),
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
    }
    environment = child_environment(["PATH", "HOME", "LANG"], extra=extra)
    with LocalServer("prefect.server.api.server:create_app", environment=environment, log=home / "log") as local:
        local.wait_until_ready("/api/health", seconds=240)
        with temporary_settings({PREFECT_API_URL: f"{local.url}/api"}):
            yield


async def slots(name: str) -> tuple[int, int]:
    """The limit of a tag, and how many of its slots are taken."""
    async with get_client() as client:
        found = await client.read_global_concurrency_limit_by_name(f"tag:{name}")
        return found.limit, found.active_slots


async def take(name: str, number: int) -> None:
    """What a killed run leaves behind."""
    async with get_client() as client:
        await client.update_global_concurrency_limit(f"tag:{name}", GlobalConcurrencyLimitUpdate(active_slots=number))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_limits_are_made_on_a_server_with_postgres_and_hold(server: None) -> None:
    async with get_client() as client:
        assert await has_postgres(client)
    assert not await ensure_limits(SETTINGS.model_copy(update={"limits": Switch.OFF}), flow="limited")
    assert await ensure_limits(SETTINGS, flow="limited")
    assert (await slots("light"), await slots("heavy")) == ((2, 0), (1, 0))
    assert await ensure_limits(SETTINGS.model_copy(update={"max_light": 3}), flow="limited")
    assert (await slots("light"))[0] == 3
    at_once: list[int] = []
    running = 0

    @task(tags=["heavy"])
    async def heavy() -> None:
        nonlocal running
        running += 1
        at_once.append(running)
        await asyncio.sleep(0.5)
        running -= 1

    @flow(name="limited")
    async def limited() -> None:
        await ensure_limits(SETTINGS, flow="limited")
        await asyncio.gather(heavy(), heavy())

    started = time.monotonic()
    await limited()
    assert at_once == [1, 1], f"{time.monotonic() - started:.0f} s"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_slots_of_dead_runs_are_freed_unless_another_run_goes_on(server: None) -> None:
    await ensure_limits(SETTINGS, flow="sweeping")
    await take("light", 2)
    await ensure_limits(SETTINGS, flow="sweeping")
    assert await slots("light") == (2, 0)

    @flow(name="sweeping")
    async def sweeping(depth: int) -> tuple[int, int]:
        if depth:
            return await sweeping(depth - 1)
        await take("heavy", 1)
        await ensure_limits(SETTINGS, flow="sweeping")
        return await slots("heavy")

    assert await sweeping(0) == (1, 0)
    assert await sweeping(1) == (1, 1)
    await take("heavy", 0)


async def test_a_server_with_sqlite_is_left_alone(prefect_server: None) -> None:
    async with get_client() as client:
        assert not await has_postgres(client)
        assert not await ensure_limits(SETTINGS, flow="any")
        assert await client.read_global_concurrency_limits() == []
