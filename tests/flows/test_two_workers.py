"""Two workers on one Prefect server with PostgreSQL behind it: one limit over both, one ledger for both."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from orchestrator.ledger.store import Ledger

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None) or (
    Path(found).parent if (found := shutil.which("initdb")) else None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(BIN is None, reason="no PostgreSQL on this machine"),
]
PREFECT = [sys.executable, "-m", "prefect"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str], cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=cwd, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


@contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """A PostgreSQL of our own with the databases `prefect` and `ledger`; its port. It does not run as root."""
    assert BIN is not None
    port = free_port()
    as_user: list[str] = []
    if os.getuid() == 0:
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres")
        folder.chmod(0o755)
        for parent in folder.parents[:3]:
            parent.chmod(parent.stat().st_mode | 0o011)
    data = folder / "data"
    subprocess.run([*as_user, BIN / "initdb", "-D", data, "-A", "trust", "-U", "t"], check=True, capture_output=True)
    options = ["-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with running([*as_user, str(BIN / "postgres"), "-D", str(data), *options], folder.parent / "pg.log", {}, folder):
        for name in ("prefect", "ledger"):
            create = [BIN / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "t", name]
            for _ in range(60):
                if subprocess.run(create, capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.5)
            else:
                pytest.fail("PostgreSQL did not start")
        yield port


def most_at_once(entries: list[dict[str, float]]) -> int:
    """The largest number of intervals that overlap."""
    edges = sorted([(e["from"], 1) for e in entries] + [(e["to"], -1) for e in entries])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def test_two_workers_share_the_limits_the_bandit_and_the_claims(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    logs = tmp_path / "logs"
    logs.mkdir()
    with ExitStack() as held:
        database = held.enter_context(postgres(tmp_path / "pg"))
        port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ORCH_"))},
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://t@127.0.0.1:{database}/prefect",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PYTHONPATH": str(ROOT),
        }

        def prefect(*words: str) -> None:
            reply = subprocess.run([*PREFECT, *words], env=environment, cwd=ROOT, capture_output=True, text=True)
            assert reply.returncode == 0, reply.stdout + reply.stderr

        server = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        held.enter_context(running(server, logs / "server.log", environment, tmp_path))
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        setup = [sys.executable, "-m", "orchestrator.main", "setup", "--limits", "on", "--json"]
        told = subprocess.run(setup, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        assert json.loads(told.stdout)["limits"] == {"light": 8, "heavy": 2}
        file = tmp_path / "prefect.yaml"
        pull = [{"prefect.deployments.steps.set_working_directory": {"directory": str(HERE)}}]
        url = f"postgresql+psycopg://t@127.0.0.1:{database}/ledger"
        deployments = [
            {
                "name": worker,
                "entrypoint": "tests/flows/shared_limits.py:shared_limits",
                "parameters": {"worker": worker, "ledger_url": url, "log": str(logs)},
                "work_pool": {"name": "lean"},
                "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
            }
            for worker in ("one", "two")
        ]
        file.write_text(json.dumps({"pull": pull, "deployments": deployments}))
        prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(file))
        for worker in ("one", "two"):
            command = [*PREFECT, "worker", "start", "--pool", "lean", "--name", worker, "--limit", "1"]
            held.enter_context(running(command, logs / f"worker-{worker}.log", environment, tmp_path))
        watched = [
            subprocess.Popen(
                [*PREFECT, "deployment", "run", f"shared-limits/{worker}", "--watch"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for worker in ("one", "two")
        ]
        for process in watched:
            output, _ = process.communicate(timeout=1200)
            assert process.returncode == 0, output.decode()
        entries = {
            worker: [json.loads(line) for line in (logs / f"{worker}.jsonl").read_text().splitlines()]
            for worker in ("one", "two")
        }
        everything = [*entries["one"], *entries["two"]]
        at_once = {
            weight: most_at_once([entry for entry in everything if entry["weight"] == weight])
            for weight in ("light", "heavy")
        }
        print({"each": {worker: len(found) for worker, found in entries.items()}, "at once": at_once})
        assert at_once["light"] <= 8
        assert at_once["heavy"] <= 2
        assert sorted(entry["goal"] for entry in everything) == sorted(
            [*(f"light{n}" for n in range(14)), *(f"heavy{n}" for n in range(4))]
        )
        with Ledger.open(url) as ledger:
            (statistics,) = [entry for entry in ledger.strategy_statistics() if entry.context == ""]
            assert (statistics.trials, statistics.successes) == (18, 18)
