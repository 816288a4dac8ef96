"""The deployments on a real Prefect server with a process worker, as `orchestrator setup` leaves them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from local_services import BIN, PREFECT, ROOT, postgres, prefect_environment, running
from playwright.sync_api import sync_playwright

from orchestrator.ledger.store import Ledger

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.timeout(3600)]

EASY = "theorem {x}{n} (a b : Nat) : a + b + {n} = b + a + {n} := by sorry\n\n"
HARD = "theorem {x}hard{n} (a b c : Nat) : (a + 1) ^ {n} + (b + 1) ^ {n} ≠ (c + 1) ^ {n} := by sorry\n\n"


@dataclass(frozen=True)
class Service:
    """A server that was set up: how to reach it, and a folder of its own."""

    environment: dict[str, str]
    folder: Path

    def api(self, path: str, body: object | None = None) -> Any:
        """A request to the server."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.environment["PREFECT_API_URL"] + path, data, headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def start(self, deployment: str, *words: str, **parameters: object) -> subprocess.Popen[str]:
        """`prefect deployment run`."""
        given = [word for name, value in parameters.items() for word in ("-p", f"{name}={json.dumps(value)}")]
        command = [*PREFECT, "deployment", "run", deployment, *words, *given]
        return subprocess.Popen(
            command, env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """Flow runs of a deployment, the oldest first, without those that its schedule has planned."""
        found = self.api(f"/deployments/name/{deployment}")
        body = {"flow_runs": {"deployment_id": {"any_": [found["id"]]}}, "sort": "START_TIME_ASC", "limit": 50}
        runs: list[dict[str, Any]] = self.api("/flow_runs/filter", body)
        return [run for run in runs if not run["auto_scheduled"]]

    def state(self, run: str) -> str:
        """The type of a run's state."""
        return str(self.api(f"/flow_runs/{run}")["state"]["type"])

    def wait(self, run: str, *states: str, seconds: float = 600) -> str:
        """The state of a run, once it is one of these."""
        end = time.monotonic() + seconds
        while (state := self.state(run)) not in states:
            assert time.monotonic() < end, f"{run} is {state}, not {states}"
            time.sleep(1)
        return state


@pytest.fixture(params=["sqlite", "postgres"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A server that was set up twice; nothing is new the second time."""
    with ExitStack() as held:
        url = ""
        if request.param == "postgres":
            if BIN is None:
                pytest.skip("no PostgreSQL on this machine")
            (tmp_path / "pg").mkdir()
            url = f"postgresql+asyncpg://t@127.0.0.1:{held.enter_context(postgres(tmp_path / 'pg'))}/prefect"
        environment = held.enter_context(prefect_environment(tmp_path, url))
        home = str(tmp_path / "home")
        environment |= {"ORCH_DATA_DIR": home, "ORCH_STATE_DIR": home}
        # What is looked at is how runs come and go; most of their time would go into goals that nobody proves.
        environment |= {"ORCH_TIMEOUT_HAMMER": "2", "ORCH_TIMEOUT_REPROVER": "2"}
        told = []
        for _ in range(2):
            setup = [sys.executable, "-m", "orchestrator.main", "setup", "--json"]
            done = subprocess.run(setup, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            told.append(json.loads(done.stdout))
        assert told[0]["limits"] == told[1]["limits"] == ({"light": 8, "heavy": 2} if url else {})
        assert told[0]["deployments"] == told[1]["deployments"]
        assert [name for name in told[0]["blocks"] if name not in told[1]["blocks"]] == ["lean-prover/default"]
        yield Service(environment, tmp_path)


def worker(service: Service) -> Any:
    """A worker of the pool."""
    command = [*PREFECT, "worker", "start", "--pool", "lean", "--name", "one"]
    return running(command, service.folder / "worker.log", service.environment, service.folder)


def repository(folder: Path, text: str) -> Path:
    """A git repository with one file."""
    folder.mkdir(exist_ok=True)
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-pre\n")
    (folder / "lakefile.toml").write_text('name = "T"\n\n[[lean_lib]]\nname = "T"\n')
    (folder / "T.lean").write_text(text)
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "change")):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)
    return folder


def texts(number: int, template: str = EASY) -> str:
    """So many goals that no other test has."""
    word = f"x{time.time_ns()}_"
    return "".join(template.replace("{x}", word).replace("{n}", str(n + 3)) for n in range(number))


def test_the_next_nights_are_planned(service: Service) -> None:
    found = service.api("/deployments/name/nightly/nightly")
    body = {"flow_runs": {"deployment_id": {"any_": [found["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}}}
    end = time.monotonic() + 180
    while not (planned := service.api("/flow_runs/filter", body)):
        assert time.monotonic() < end, (service.folder / "server.log").read_text()[-3000:]
        time.sleep(2)
    assert all(run["auto_scheduled"] and "T01:00:00" in run["expected_start_time"] for run in planned)


def test_a_night_and_a_push_end_completed_with_their_artifacts(service: Service) -> None:
    repo = repository(service.folder / "repo", texts(2))
    out = service.folder / "out"
    with worker(service):
        night = service.start("nightly/nightly", "--watch", repo=str(repo), out=str(out), project="")
        output, _ = night.communicate(timeout=1200)
        assert night.returncode == 0, output + (service.folder / "worker.log").read_text()[-3000:]
        assert json.loads((out / "summary.json").read_text())["goals_solved"] == 2
        repository(repo, (repo / "T.lean").read_text() + texts(1))
        push = service.start("on-push/on-push", "--watch", repo=str(repo), project="", reports=str(out / "ci"))
        output, _ = push.communicate(timeout=1200)
        assert push.returncode == 0, output
    assert "::notice" in (out / "ci/annotations.txt").read_text()
    for deployment in ("nightly/nightly", "on-push/on-push"):
        (run,) = service.runs(deployment)
        assert run["state"]["type"] == "COMPLETED"
        found = service.api("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
        by_key = {artifact["key"]: str(artifact["id"]) for artifact in found}
        assert {"lean-orchestrator-report", "lean-orchestrator-progress"} <= {*by_key}, found
        look_at_the_ui(service, str(run["id"]), str(run["name"]), by_key["lean-orchestrator-report"])


def look_at_the_ui(service: Service, run: str, name: str, report: str) -> None:
    """A person sees the run, completed, and its report (where there is a Chromium); pictures are in out/screenshots."""
    program = shutil.which("chromium")
    if program is None:
        return
    base = service.environment["PREFECT_API_URL"].removesuffix("/api")
    pictures = ROOT / "out/screenshots"
    pictures.mkdir(parents=True, exist_ok=True)
    kind = name.split()[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{base}/runs/flow-run/{run}")
        for word in (name.strip(), "Completed"):
            page.get_by_text(word).first.wait_for(timeout=60_000)
        page.wait_for_timeout(3000)  # the graph draws itself
        page.screenshot(path=pictures / f"prefect-{kind}.png", full_page=True)
        page.goto(f"{base}/artifacts/artifact/{report}")
        page.get_by_text("lean-orchestrator-report").first.wait_for(timeout=60_000)
        page.get_by_text("solved").first.wait_for(timeout=60_000)
        page.screenshot(path=pictures / f"prefect-{kind}-report.png", full_page=True)
        browser.close()


def test_a_second_night_is_cancelled_while_one_is_going_and_the_next_goes_on_after_the_worker_was_killed(
    service: Service,
) -> None:
    repo = repository(service.folder / "repo", texts(3) + texts(12, HARD))
    given = {"repo": str(repo), "project": "", "out": str(service.folder / "out")}
    ledger = Path(service.environment["ORCH_DATA_DIR"]) / "ledger.db"
    with worker(service) as process:
        finished(service.start("nightly/nightly", **given))
        (first,) = service.runs("nightly/nightly")
        service.wait(first["id"], "RUNNING")
        finished(service.start("nightly/nightly", **given))
        second = next(run for run in service.runs("nightly/nightly") if run["id"] != first["id"])
        assert service.wait(second["id"], "CANCELLED", seconds=120) == "CANCELLED"
        end = time.monotonic() + 600
        while not ledger.exists() or successes(ledger) < 3:
            assert time.monotonic() < end, (service.folder / "worker.log").read_text()[-3000:]
            time.sleep(0.5)
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for one in family:
            one.send_signal(signal.SIGKILL)
    assert service.state(first["id"]) != "COMPLETED"
    before = attempts(ledger)
    with worker(service):
        for _ in range(10):  # until the lease of the run that was killed has expired
            again = service.start("nightly/nightly", "--watch", **given)
            again.communicate(timeout=1800)
            last = service.runs("nightly/nightly")[-1]
            if service.state(last["id"]) != "CANCELLED":
                break
            time.sleep(30)
        assert service.wait(last["id"], "COMPLETED", "FAILED", "CRASHED", seconds=60) == "COMPLETED"
    summary = json.loads((service.folder / "out/summary.json").read_text())
    assert summary["goals_solved"] >= 3
    after = attempts(ledger)
    assert after[: len(before)] == before
    assert repeated(ledger) == []
    assert not [p for p in family if p.is_running() and p.pid != os.getpid()]


def finished(command: subprocess.Popen[str]) -> None:
    """Wait for a command, which has to succeed."""
    output, _ = command.communicate(timeout=600)
    assert command.returncode == 0, output


def attempts(ledger: Path) -> list[tuple[str, str]]:
    """Finished attempts as (goal, strategy), in order."""
    with Ledger.open(ledger) as store:
        return [(one.goal_id, one.strategy) for one in store.attempts()]


def repeated(ledger: Path) -> list[tuple[object, ...]]:
    """Attempts of a strategy on a goal, with the same settings and time as one that had come to its end already."""
    seen: dict[tuple[object, ...], list[object]] = {}
    with Ledger.open(ledger) as store:
        for one in store.attempts():
            if one.details.get("broken"):
                continue  # Lean was lost under it, and the attempt is made again
            key = (one.goal_id, one.strategy, one.configuration, one.environment, one.budget_seconds)
            seen.setdefault(key, []).append((one.run_id, one.outcome, one.error, dict(one.details)))
    return [(*key, *rows) for key, rows in seen.items() if len(rows) > 1]


def successes(ledger: Path) -> int:
    """How many attempts have proved their goal."""
    with Ledger.open(ledger) as store:
        return sum(one.success for one in store.attempts())
