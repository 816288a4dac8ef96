"""What everything around Lean costs: `python -m bench.overhead` sets the real command against its own Lean time.

The wall time of `orchestrator prove` over the examples against the Lean time spent (shared out over the servers); the
same command once more, when nothing has changed; ten times as many goals against one time, with short limits: Lean's
time for a goal that nobody proves is the same in both, and what grows beside it is to be seen; and what a file that
does not elaborate costs `orchestrator extract`, in the middle and at the bottom of a chain of 60 files that import one
another: no more than finding the sorries of all of them would.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.command import run_child, run_command, write_figures

ROOT = Path(__file__).parents[1]
OVER_LEAN = 1.25
SECOND_SECONDS = 10.0
TEN_TIMES = 11.0
BROKEN = 1.3
_SHORT = {"ORCH_TIMEOUT_HAMMER": "2", "ORCH_TIMEOUT_MICRO": "2"}
_FILES = 2
_GOALS_A_FILE = 6
_CHAIN = 60
_TEMPLATES = (
    "theorem {name} (a b : Nat) : a + b + {n} = b + a + {n} := by sorry",
    "theorem {name} (p q : Prop) (hp : p) (hq : q) : p ∧ q ∨ {n} = 0 := by sorry",
    "theorem {name} (l : List Nat) : (l ++ [{n}]).length = l.length + 1 := by sorry",
    "theorem {name} (a b : Nat) : a ^ {m} + b ^ {m} ≠ ({n} + 1) ^ {m} ∨ a * b ≤ {n} * (a + b) := by sorry",
)


@dataclass(frozen=True)
class Figure:
    """One figure, and the most it may be."""

    name: str
    value: float
    most: float
    unit: str
    details: str

    @property
    def short(self) -> bool:
        """It is more than that."""
        return self.value > self.most


@dataclass(frozen=True)
class Timed:
    """One run of the command: its wall seconds from start to exit, and its summary."""

    seconds: float
    summary: Mapping[str, Any]

    @property
    def lean_seconds(self) -> float:
        """Lean time, shared out over the servers."""
        return float(self.summary["lean_seconds"]) / max(1, int(self.summary["lean_servers"]))


def prove(repo: Path, home: Path, limits: Mapping[str, str] | None = None) -> Timed:
    """Run `orchestrator prove` without models, with a ledger and answers of its own, on the installed Lean."""
    seconds = _command(("prove", str(repo), "--out", str(home / "out")), home, limits)
    timed = Timed(seconds, json.loads((home / "out/summary.json").read_text(encoding="utf-8")))
    print(f"{repo.name}: {timed.seconds:.1f} s wall, {timed.lean_seconds:.1f} s Lean on each server", flush=True)
    return timed


def _command(words: Sequence[str], home: Path, limits: Mapping[str, str] | None = None) -> float:
    """Seconds of a command that keeps what it knows in `home`."""
    # What a model computes is neither Lean's time nor what goes on around it.
    models = {"ORCH_REPROVER_GENERATOR": str(home / "none")}
    own = {"ORCH_DATA_DIR": str(home), "ORCH_STATE_DIR": str(home)}
    environment = {**models, **os.environ, **own, **(limits or {})}
    start = time.monotonic()
    with (home / "output.txt").open("ab") as printed:
        command = [sys.executable, "-m", "orchestrator.main", *words]
        code = run_child(command, environment=environment, output=printed, folder=home)
    seconds = time.monotonic() - start
    if code:
        said = (home / "output.txt").read_text(encoding="utf-8", errors="replace")
        sys.exit(f"`orchestrator {words[0]}` ended with {code}; it printed:\n{said[-2000:]}")
    return seconds


def generated(folder: Path, times: int, word: str) -> Path:
    """A git repository with `times` times as many goals, in as many more files; `word` makes it a new one."""
    return _project(folder, {f"F{file}": _theorems(word, file) for file in range(_FILES * times)})


def chain(folder: Path, broken: int | None) -> Path:
    """A git repository of files with sorries, each importing the one before it, one of them with a stray `end`.

    Beside them stands one that imports nothing, so that something is left to work on.
    """
    word = f"t{time.time_ns()}"
    files = {"Beside": _theorems(word, _CHAIN)}
    for file in range(_CHAIN):
        header = f"import G.F{file - 1}\n\n" if file else ""
        end = "\nend Nowhere\n" if file == broken else ""
        files[f"F{file}"] = header + _theorems(word, file) + end
    return _project(folder, files)


def _theorems(word: str, file: int) -> str:
    return "\n\n".join(
        _TEMPLATES[i % len(_TEMPLATES)].format(name=f"{word}_{file}_{i}", n=7 * file + i + 2, m=3 + file % 5)
        for i in range(_GOALS_A_FILE)
    )


def _project(folder: Path, files: Mapping[str, str]) -> Path:
    (folder / "G").mkdir(parents=True)
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-pre\n")
    (folder / "lakefile.toml").write_text('name = "G"\n\n[[lean_lib]]\nname = "G"\nglobs = ["G.+"]\n')
    for name, text in files.items():
        (folder / f"G/{name}.lean").write_text(text + "\n", encoding="utf-8")
    commit(folder)
    return folder


def examples(folder: Path) -> Path:
    """The examples as a git repository of their own, each time with other content, so that no answer is known."""
    subprocess.run(["bash", str(ROOT / "scripts/demo_repository.sh"), str(ROOT / "examples"), str(folder)], check=True)
    first = sorted(folder.rglob("*.lean"))[0]
    first.write_text(first.read_text(encoding="utf-8") + f"\n-- {time.time_ns()}\n", encoding="utf-8")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Make a folder a git repository with all that is in it."""
    identity = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "bench")):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def measure(scratch: Path, *, only: str = "") -> list[Figure]:
    """All figures, or those of one part."""
    figures = []
    if only in ("", "examples"):
        figures += _examples(scratch)
    if only in ("", "growth"):
        figures.append(_growth(scratch))
    if only in ("", "chains"):
        figures += _chains(scratch)
    return figures


def _examples(scratch: Path) -> list[Figure]:
    repo, home = examples(scratch / "examples"), scratch / "home"
    home.mkdir()
    first, second = prove(repo, home), prove(repo, home)
    words = f"{first.seconds:.1f} s wall, {first.lean_seconds:.1f} s Lean on {first.summary['lean_servers']} servers"
    solved = f"{first.summary['goals_solved']} and {second.summary['goals_solved']} goals solved"
    return [
        Figure("wall time over Lean time", first.seconds / first.lean_seconds, OVER_LEAN, "×", words),
        Figure("second run", second.seconds, SECOND_SECONDS, "s", solved),
        Figure("Lean processes of the second run", float(second.summary["lean_processes"]), 0.0, "", solved),
    ]


def _growth(scratch: Path) -> Figure:
    word = f"t{time.time_ns()}"
    runs = []
    for times in (1, 10):
        home = scratch / f"home{times}"
        home.mkdir()
        runs.append(prove(generated(scratch / f"generated{times}", times, f"{word}_{times}"), home, _SHORT))
    one, ten = runs
    words = f"{one.summary['goals_total']} goals {one.seconds:.1f} s, {ten.summary['goals_total']} {ten.seconds:.1f} s"
    return Figure("ten times the goals", ten.seconds / one.seconds, TEN_TIMES, "×", words)


def _chains(scratch: Path) -> list[Figure]:
    seconds = {}
    for place, broken in {"nowhere": None, "in the middle": _CHAIN // 2, "at the bottom": 0}.items():
        home = scratch / f"home {place}"
        home.mkdir()
        seconds[place] = _command(("extract", str(chain(scratch / f"chain {place}", broken))), home)
    whole = seconds.pop("nowhere")
    return [
        Figure(f"an error {place} of {_CHAIN} files", took / whole, BROKEN, "×", f"{took:.1f} s; none: {whole:.1f} s")
        for place, took in seconds.items()
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a figure is more than it may be."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--json", type=Path, default=None, help="write the figures to this file, too")
    parser.add_argument("--only", choices=["examples", "growth", "chains"], default="", help="one part")
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="overhead-") as scratch:
        figures = measure(Path(scratch), only=arguments.only)
    grid = Table()
    for heading in ("figure", "value", "at most", "details"):
        grid.add_column(heading, justify="left" if heading in ("figure", "details") else "right")
    for figure in figures:
        mark = "[red]" if figure.short else ""
        value, most = f"{mark}{figure.value:.2f} {figure.unit}", f"{figure.most:g} {figure.unit}"
        grid.add_row(figure.name, value, most, figure.details)
    Console(width=130).print(grid)
    write_figures(arguments.json, [asdict(figure) for figure in figures])
    return 1 if any(figure.short for figure in figures) else 0


if __name__ == "__main__":
    run_command(main)
