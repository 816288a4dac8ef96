"""Two workers on one Prefect server with PostgreSQL behind it: one limit over both, one ledger for both."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from local_services import BIN, PREFECT, ROOT, postgres, prefect, prefect_environment, running
from shared_limits import HEAVY, LIGHT

from orchestrator.ledger.store import Ledger

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(BIN is None, reason="no PostgreSQL on this machine"),
]


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
        url = f"postgresql+asyncpg://t@127.0.0.1:{database}/prefect"
        environment = held.enter_context(prefect_environment(tmp_path, url))
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
        prefect(environment, "--no-prompt", "deploy", "--all", "--prefect-file", str(file))
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
        assert min(map(len, entries.values())) > 0, "one of them did everything"
        assert at_once["light"] <= 8
        assert at_once["heavy"] <= 2
        assert sorted(entry["goal"] for entry in everything) == sorted(
            [*(f"light{n}" for n in range(LIGHT)), *(f"heavy{n}" for n in range(HEAVY))]
        )
        with Ledger.open(url) as ledger:
            (statistics,) = [entry for entry in ledger.strategy_statistics() if entry.context == ""]
            assert (statistics.trials, statistics.successes) == (LIGHT + HEAVY,) * 2
