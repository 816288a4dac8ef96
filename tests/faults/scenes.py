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
from night_runs import EASY, NightRun, write_repository

from orchestrator.config import load_settings

CANNOT = "cannot be injected here"
PATIENT = {"ORCH_START_TIMEOUT": "600", "ORCH_TIMEOUT_MICRO": "10", "ORCH_TIMEOUT_HAMMER": "5", "ORCH_MARKET": "no"}
"""What a run is given on a machine that may be busy with other things; the marketplace only where it is looked at."""
ATTEMPTS = (
    "SELECT id, goal_hash, goal_text, strategy, success, outcome, tactics, error, timestamp, run_id, goal_id, "
    "environment FROM attempts"
)
PROOFS = "SELECT id, goal_hash, script, verdict, run_id FROM proofs"
HEAVY = "theorem heavy (a b c : Nat) (h : 0 < a) (k : 0 < b) : a ^ 3 + b ^ 3 ≠ c ^ 3 := by sorry\n"
PLACES: set[Path] = set()
"""Folders in use now, for whoever ends the suite."""
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
        runs: every run so far.
        heals: what brings the world back into order before the next run.
        kept: every row of attempts and proofs that was ever seen in the ledger; none may be missing in the end.
    """

    root: Path
    api: str
    runs: list[NightRun] = field(default_factory=list)
    heals: list[Heal] = field(default_factory=list)
    kept: set[tuple[object, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.repo = write_repository(self.root / "repo", hard=0)
        self.home = self.root / "home"
        self.cache = self._own_cache()
        self.temporary = self.root / "tmp"
        for folder in (self.home, self.temporary):
            folder.mkdir()

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.home / "ledger.db"

    def start(self, *arguments: str, repo: Path | str | None = None, **settings: str) -> NightRun:
        """Start a run."""
        run = NightRun(
            repo or self.repo,
            self.home,
            {
                **PATIENT,
                "PREFECT_API_URL": self.api,
                "ORCH_CACHE_DIR": str(self.cache),
                "TMPDIR": str(self.temporary),
                **settings,
            },
            name=f"out{len(self.runs)}",
            arguments=arguments,
            extras=not settings.keys().isdisjoint(("ORCH_REPROVER_GENERATOR", "ORCH_LLM_URL")),
        )
        self.runs.append(run)
        return run

    def finish(self, *arguments: str, repo: Path | str | None = None, **settings: str) -> str:
        """A run from its start to its end; what it said."""
        run = self.start(*arguments, repo=repo, **settings)
        code = run.wait_to_end()
        self.note()
        return said(run, code)

    def commit(self, files: dict[str, bytes], *, message: str = "more") -> None:
        """Add files to the repository."""
        for path, content in files.items():
            (self.repo / path).parent.mkdir(parents=True, exist_ok=True)
            (self.repo / path).write_bytes(content)
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def git(self, *arguments: str) -> str:
        """Run git in the repository; what it printed."""
        identity = ("-c", "user.name=Night", "-c", "user.email=night@example.org", "-c", "protocol.file.allow=always")
        done = subprocess.run(["git", *identity, *arguments], cwd=self.repo, check=True, capture_output=True, text=True)
        return done.stdout

    def note(self) -> None:
        """Remember what the ledger holds, if it can be read."""
        self.kept |= set(self.rows(ATTEMPTS)) | set(self.rows(PROOFS))

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What is in the ledger, without asking our own code."""
        if not self.ledger.exists():
            return []
        with closing(sqlite3.connect(self.ledger)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.DatabaseError:
                return []

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

    def _own_cache(self) -> Path:
        """A cache with the embedded Lean in it, whose files are links to the real ones; to be damaged by name."""
        ours = load_settings().paths.cache / "embedded-lean"
        cache = self.root / "cache"
        cache.mkdir()
        try:
            subprocess.run(["cp", "-al", str(ours), str(cache / "embedded-lean")], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            shutil.rmtree(cache / "embedded-lean", ignore_errors=True)
            shutil.copytree(ours, cache / "embedded-lean", symlinks=True)
        return cache

    def clean_up(self) -> list[str]:
        """End everything; what was still running a few seconds after the last run's end."""
        left = [line for run in self.runs for line in run.left_over()]
        for run in self.runs:
            run.clean_up()
        return left


def slow(scene: Scene, *arguments: str, **settings: str) -> NightRun:
    """A run with a goal that takes its time, so that there is a middle to disturb."""
    if not (scene.repo / "Night/Heavy.lean").exists():
        scene.commit({"Night/Heavy.lean": HEAVY.encode(), "Night.lean": b"import Night.Easy\nimport Night.Heavy\n"})
    return scene.start(*arguments, **settings)


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
    PLACES.add(root)
    scene = Scene(root, api)
    try:
        try:
            saw = fault(scene)
        except NotHere as error:
            return Row(name, f"{CANNOT}: {error}", "nothing", "yes", "nothing")
        for heal in scene.heals:
            heal()
        after_fault = scene.clean_up()
        scene.note()
        committed = scene.git("rev-parse", "HEAD"), scene.git("status", "--porcelain")
        run = scene.start()
        code = run.wait_to_end()
        assert "Traceback" not in run.output, run.output
        left = [*after_fault, *scene.clean_up(), *_locks(scene), *_temporary_files(scene)]
        lost = _missing(scene)
        if committed != (scene.git("rev-parse", "HEAD"), scene.git("status", "--porcelain")):
            lost.append("the repository changed")
        return Row(name, saw, "; ".join(lost) or "nothing", _finished(scene, run, code), "; ".join(left) or "nothing")
    finally:
        scene.clean_up()
        shutil.rmtree(root, ignore_errors=True)
        PLACES.discard(root)


def _finished(scene: Scene, run: NightRun, code: int) -> str:
    """ "yes" when a run went through, said so in the ledger, and has every goal that can be proved, proved."""
    if code != 0:
        return f"no: {said(run, code)}"
    goals = run.summary["goals"]
    status = {goal["declaration"]: goal["status"] for goal in goals if "_easy" in goal["declaration"]}
    recorded = scene.rows(f"SELECT status FROM runs WHERE id = '{run.summary['run_id']}'")
    if run.summary["stopped"] or recorded != [("finished",)]:
        return f"no: stopped ({run.summary['stopped']}), {recorded} in the ledger"
    if list(status.values()) != ["solved"] * len(EASY):
        return f"no: {status}"
    subprocess.run(["git", "apply", "--check", str(run.out / "proofs.patch")], cwd=scene.repo, check=True)
    return "yes"


def _missing(scene: Scene) -> list[str]:
    """What was in the ledger once and is not there any more, as it was."""
    now = {*scene.rows(ATTEMPTS), *scene.rows(PROOFS)}
    return [f"{row} of the ledger" for row in sorted(scene.kept - now, key=str)][:3]


def _locks(scene: Scene) -> list[str]:
    """Locks that somebody still holds on the ledger, goals that are still taken, and git's own locks."""
    repositories = (scene.repo / ".git", scene.cache / "checkouts/mirrors", scene.cache / "checkouts/trees")
    found = [str(path) for folder in repositories for path in folder.rglob("*.lock")]
    if scene.ledger.exists():
        try:
            with closing(sqlite3.connect(scene.ledger, timeout=1)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                found += [f"claim: {row}" for row in connection.execute("SELECT * FROM claims")]
        except sqlite3.OperationalError as error:
            found.append(f"ledger: {error}")
    return found


def _temporary_files(scene: Scene) -> list[str]:
    """What is left in the folder for temporary files, and what was begun in the cache and never got its name."""
    begun = [*scene.cache.glob("checkouts/*/tmp-*"), *scene.cache.glob("checkouts/trees/*/tmp-*")]
    return [str(path) for path in (*scene.temporary.iterdir(), *begun)]


def end_group(process: psutil.Process) -> None:
    """Kill a process and its children."""
    with suppress(psutil.NoSuchProcess):
        for child in (*process.children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                child.kill()
