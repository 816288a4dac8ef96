"""What a wheel can do that somebody else has installed, with nothing of the checkout."""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from installed_wheel import Installation

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.timeout(3600), pytest.mark.xdist_group("wheel")]


def test_a_project_is_proved(installation: Installation) -> None:
    installation.run("orchestrator", "prove", "repo", "--out", "out")
    assert "+theorem easy" in (installation.home / "out/proofs.patch").read_text()
    findings = json.loads(installation.run("orchestrator", "doctor", "--json"))
    fixes = [one["fix"] for one in findings["findings"] if one["what"].startswith("extra models")]
    assert fixes == [fix for fix in fixes if str(installation.programs) in fix and "lean-orchestrator" not in fix]


def test_three_commands_make_a_nightly(installation: Installation) -> None:
    """Install, `nightly`, and the dashboard; the unit that `--install-service` writes says what to keep running."""
    port = str(free_port())
    own = {"PREFECT_SERVER_API_PORT": port, "XDG_CONFIG_HOME": str(installation.home / "config")}
    soon = datetime.now(UTC) + timedelta(minutes=3)
    words = ("nightly", "repo", "--at", f"{soon:%H:%M}", "--timezone", "UTC", "--json")
    made = json.loads(installation.run("orchestrator", *words, **own))
    assert made["deployment"] == "nightly/repo"
    assert "lean-project/repo" in made["blocks"]
    log = installation.home / "worker.log"
    worker = installation.start("orchestrator", "worker", log=log, **own)
    try:
        api = Server(f"http://127.0.0.1:{port}/api")
        run = waited(lambda: api.finished("repo"), log)
        assert run["state"]["type"] == "COMPLETED", log.read_text()[-3000:]
        assert run["state"]["message"].startswith("1 of 1 solved, patch: ")
        assert run["name"] == "nightly repo"
        (patch,) = Path(made["results"]).glob("*/proofs.patch")
        assert "+theorem easy" in patch.read_text()
        artifact = api.ask("/artifacts/filter", {"artifacts": {"key": {"any_": ["lean-orchestrator-patch"]}}})
        assert "+theorem easy" in artifact[0]["data"]
        address = {"PREFECT_API_URL": api.url}
        installed = json.loads(installation.run("orchestrator", "setup", "--repo", "repo", "--json", **address))
        assert installed["deployments"] == ["nightly", "on-push", "supply", "premises", "bank"]
    finally:
        worker.terminate()
        worker.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A Prefect server's API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, body: object) -> Any:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def finished(self, deployment: str) -> Any:
        """The first run of a deployment that is over; None while there is none."""
        wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
        try:
            runs = self.ask("/flow_runs/filter", wanted)
        except OSError:
            return None
        return next((run for run in runs if re.match("COMPLETED|FAILED|CRASHED|CANCELLED", run["state"]["type"])), None)


def waited(found: Callable[[], Any], log: Path) -> Any:
    end = time.monotonic() + 1800
    while (value := found()) is None:
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(2)
    return value
