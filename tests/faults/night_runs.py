"""Runs of the real command on small repositories, to be disturbed by tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from extras_hidden import without_extras

PATIENCE = 900.0
EASY = ("1 + 1 = 2", "∀ n : Nat, n + 0 = n", "∀ p q : Prop, p ∧ q → q ∧ p")
SHORT = {"ORCH_TIMEOUT_MICRO": "4", "ORCH_TIMEOUT_HAMMER": "4", "ORCH_TACTIC_TIMEOUT": "2", "ORCH_MARKET": "no"}
"""Settings of a run that is not disturbed while it looks for proofs that there are not."""
HARD = "∀ a b c : Nat, 0 < a → 0 < b → a ^ {power} + b ^ {power} ≠ c ^ {power}"


def write_repository(folder: Path, *, hard: int) -> Path:
    """A git repository with a file of three easy goals and another of `hard` goals that no tactic closes.

    No two repositories have the same content, so that nothing about one is known from another.
    """
    word = f"x{uuid.uuid4().hex[:8]}"
    (folder / "Night").mkdir(parents=True)
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-pre\n")
    (folder / "lakefile.toml").write_text('name = "Night"\n\n[[lean_lib]]\nname = "Night"\n')
    easy = [f"theorem {word}_easy{i} : {statement} := by sorry" for i, statement in enumerate(EASY)]
    none = [f"theorem {word}_hard{i} : {HARD.format(power=i + 3)} := by sorry" for i in range(hard)]
    (folder / "Night/Easy.lean").write_text("\n\n".join(easy) + "\n")
    (folder / "Night.lean").write_text("\n\n".join(["import Night.Easy", *none]) + "\n")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        identity = ("-c", "user.name=Night", "-c", "user.email=night@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)
    return folder


@dataclass
class NightRun:
    """`orchestrator prove` in a process group of its own, as in a terminal.

    Attributes:
        repo: what to work on.
        home: folder for the ledger, the results and the output.
        settings: ORCH_… and other variables.
        name: of the folder in `home` for the results, and of the file that takes the output.
        arguments: what else is given on the command line.
        extras: whether the optional libraries are there. Without them a run is what most users have, and starts sooner.
    """

    repo: Path | str
    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str = "out"
    arguments: Sequence[str] = ()
    extras: bool = False

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self._printed = self.home / f"{self.name}put.txt"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "PREFECT_"))}
        environment |= {name: os.environ[name] for name in ("PREFECT_HOME", "ORCH_CACHE_DIR") if name in os.environ}
        environment |= {"ORCH_DATA_DIR": str(self.home), "ORCH_STATE_DIR": str(self.home), "ORCH_SERVERS": "1"}
        # How soon a Lean is ready says more about the machine than about the run.
        environment |= {"ORCH_START_TIMEOUT": "600"}
        if not self.extras:
            environment |= without_extras()
        with self._printed.open("wb") as printed:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "orchestrator.main",
                    "prove",
                    str(self.repo),
                    f"--out={self.out}",
                    *self.arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env={**environment, **self.settings},
                start_new_session=True,
            )
        self._family: dict[int, psutil.Process] = {}

    @property
    def out(self) -> Path:
        """Folder of the results."""
        return self.home / self.name

    @property
    def output(self) -> str:
        """What was printed so far."""
        return self._printed.read_text(encoding="utf-8")

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json."""
        value: dict[str, Any] = json.loads((self.out / "summary.json").read_text(encoding="utf-8"))
        return value

    def wait_for(self, words: str) -> None:
        """Wait until `words` are printed."""
        self._wait(lambda: words in self.output or self._process.poll() is not None)
        assert words in self.output, self.output

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until something is so, or the run has ended."""
        self._wait(lambda: ready() or self._process.poll() is not None)
        assert ready(), self.output

    def wait_to_end(self) -> int:
        """Wait until the run has ended; its exit code."""
        self._wait(lambda: self._process.poll() is not None)
        assert self._process.returncode is not None
        return self._process.returncode

    def interrupt(self) -> None:
        """Press Ctrl-C: the whole foreground process group gets the signal."""
        os.killpg(self._process.pid, signal.SIGINT)

    @property
    def process_id(self) -> int:
        """Of the command, and of its process group."""
        return self._process.pid

    def terminate(self) -> None:
        """Send SIGTERM to the command alone, as a service manager may."""
        self._process.terminate()

    def terminate_all(self) -> None:
        """Send SIGTERM to the command and all that it has started, as `systemctl stop` does."""
        for process in (psutil.Process(self._process.pid), *self._note_children()):
            process.terminate()

    def kill(self) -> None:
        """End the command without a chance to clean up."""
        self._note_children()
        self._process.kill()
        self._process.wait()

    def lean_servers(self) -> list[psutil.Process]:
        """The Lean servers that run now."""
        return [process for process in self._note_children() if "launch.cjs" in " ".join(_command(process))]

    def left_over(self) -> list[str]:
        """Processes that the command started, directly or not, and that still run a few seconds after its end."""
        _, alive = psutil.wait_procs(list(self._family.values()), timeout=15)
        return [" ".join(_command(process)) for process in alive]

    def clean_up(self) -> None:
        """End what is left, whatever happened."""
        self._note_children()
        for process in (*self._family.values(), *([psutil.Process(self._process.pid)] if self._running else [])):
            if process.is_running():
                process.kill()
        self._process.wait()

    @property
    def _running(self) -> bool:
        return self._process.poll() is None

    def _wait(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not ready():
            assert time.monotonic() < end, f"too late; printed so far:\n{self.output}"
            self._note_children()
            # Looking for children reads all of /proc.
            time.sleep(0.3)

    def _note_children(self) -> list[psutil.Process]:
        if not self._running:
            return []
        try:
            children = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        self._family.update((child.pid, child) for child in children)
        return children


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
