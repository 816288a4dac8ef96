"""One fault's stage: a repository, a ledger, a place to break things, and what a run and the next one came to."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from night_runs import NightRun, write_repository

from orchestrator.config import load_settings
from orchestrator.paths import find_paths

CANNOT = "cannot be injected here"
PATIENT = {"ORCH_START_TIMEOUT": "600", "ORCH_TIMEOUT_MICRO": "20"}
"""What a run is given on a machine that may be busy with other things."""
Heal = Callable[[], object]
Fault = Callable[["Scene"], str]


class NotHere(Exception):
    """This machine does not let the fault be injected; says why."""


@dataclass
class Scene:
    """Where a fault happens.

    Attributes:
        root: a folder of its own.
        api: address of a Prefect server that all runs of the suite share.
    """

    root: Path
    api: str
    runs: list[NightRun] = field(default_factory=list)
    heals: list[Heal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repo = write_repository(self.root / "repo", hard=0)
        self.home = self.root / "home"
        self.home.mkdir()

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.home / "ledger.db"

    def start(self, **settings: str) -> NightRun:
        """Start a run."""
        run = NightRun(
            self.repo, self.home, {**PATIENT, "PREFECT_API_URL": self.api, **settings}, name=f"out{len(self.runs)}"
        )
        self.runs.append(run)
        return run

    def finish(self, **settings: str) -> str:
        """A run from its start to its end; what it said."""
        run = self.start(**settings)
        code = run.wait_to_end()
        return said(run, code)

    def commit(self, files: dict[str, bytes], *, message: str = "more") -> None:
        """Add files to the repository."""
        for path, content in files.items():
            (self.repo / path).parent.mkdir(parents=True, exist_ok=True)
            (self.repo / path).write_bytes(content)
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def git(self, *arguments: str) -> None:
        """Run git in the repository."""
        identity = ("-c", "user.name=Night", "-c", "user.email=night@example.org", "-c", "protocol.file.allow=always")
        subprocess.run(["git", *identity, *arguments], cwd=self.repo, check=True, capture_output=True)

    def attempts(self) -> list[tuple[object, ...]]:
        """Every attempt in the ledger, without asking our own code."""
        if not self.ledger.exists():
            return []
        with closing(sqlite3.connect(self.ledger)) as connection:
            try:
                return connection.execute(
                    "SELECT id, goal_hash, strategy, outcome FROM attempts ORDER BY id"
                ).fetchall()
            except sqlite3.DatabaseError:
                return []

    def own_cache(self) -> Path:
        """A cache of its own with the embedded Lean, whose files are links to the real ones; to be damaged by name."""
        ours = find_paths(load_settings().paths).cache / "embedded-lean"
        cache = self.root / "cache"
        cache.mkdir()
        try:
            subprocess.run(["cp", "-al", str(ours), str(cache / "embedded-lean")], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            shutil.copytree(ours, cache / "embedded-lean", symlinks=True)
        return cache

    @contextmanager
    def small_disk(self, name: str, size: str) -> Iterator[Path]:
        """A file system of its own, of a few kilobytes."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], capture_output=True, text=True
        )
        if done.returncode:
            raise NotHere(f"no tmpfs can be mounted ({done.stderr.strip()})")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)

    def clean_up(self) -> list[str]:
        """End everything; what was still running a few seconds after the last run's end."""
        left = [line for run in self.runs for line in run.left_over()]
        for run in self.runs:
            run.clean_up()
        return left


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: str
    saw: str
    lost: str
    next_run: str
    left: str

    @property
    def good(self) -> bool:
        """Nothing was lost, the next run finished, and nothing was left behind (or the fault cannot be had here)."""
        return self.saw.startswith(CANNOT) or (self.lost, self.next_run, self.left) == ("nothing", "yes", "nothing")


def said(run: NightRun, code: int) -> str:
    """The line that tells the user what happened, and the exit code."""
    assert "Traceback" not in run.output, run.output
    telling = [
        line.strip()
        for line in run.output.splitlines()
        if any(mark in line for mark in ("error:", "stopped", "ended early", "left out", "note:"))
    ]
    totals = [line.strip() for line in run.output.splitlines() if "solved and verified" in line]
    last = (telling or totals or run.output.splitlines() or [""])[-1].strip()
    return f"{last} [exit {code}]"


def play(name: str, fault: Fault, *, api: str) -> Row:
    """Inject a fault, then see whether the next run finishes and whether anything is gone."""
    root = Path(tempfile.mkdtemp(prefix="fault-"))
    scene = Scene(root, api)
    try:
        try:
            saw = fault(scene)
        except NotHere as error:
            return Row(name, f"{CANNOT}: {error}", "nothing", "yes", "nothing")
        for heal in scene.heals:
            heal()
        before = scene.attempts()
        after_fault = scene.clean_up()
        run = scene.start()
        code = run.wait_to_end()
        assert "Traceback" not in run.output, run.output
        goals = run.summary["goals"] if code == 0 else []
        easy = [goal["status"] for goal in goals if "_easy" in goal["declaration"]]
        # On a very busy machine one of the three may run out of time.
        finished = len(easy) == 3 and "solved" in easy and not run.summary["stopped"]
        now = scene.attempts()
        lost = "nothing" if now[: len(before)] == before else f"{len(before)} attempts before, {len(now)} after"
        left = [*after_fault, *scene.clean_up(), *_locks(scene)]
        return Row(name, saw, lost, "yes" if finished else f"no: {said(run, code)}", "; ".join(left) or "nothing")
    finally:
        scene.clean_up()
        shutil.rmtree(root, ignore_errors=True)


def _locks(scene: Scene) -> list[str]:
    """Locks that somebody still holds on the ledger, and git's own."""
    found = [str(path) for path in (scene.repo / ".git").rglob("*.lock")]
    if scene.ledger.exists():
        try:
            with closing(sqlite3.connect(scene.ledger, timeout=1)) as connection:
                connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            found.append(f"ledger: {error}")
    return found


def end_group(process: psutil.Process) -> None:
    """Kill a process and its children."""
    with suppress(psutil.NoSuchProcess):
        for child in (*process.children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                child.kill()
