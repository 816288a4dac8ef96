"""How much our strategies prove of a folder of Lean files with sorries, beside every single tactic of Lean.

`python -m bench.outside --suite FOLDER` takes a Lean project, or a folder of loose files, and works on each of its
sorries with every single tactic and with ours, under the same limits; every proof of ours goes through the gate. What
was measured before is kept, so that an interrupted run continues. Exit code 1: ours proves less than the single
tactics do together, or the gate refuses a proof.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.command import run_command, write_figures
from bench.power.checks import gate
from bench.power.measuring import Bench, measure_all
from bench.power.methods import OURS
from bench.power.report import UNION, Count, counts
from bench.power.rows import Rows
from orchestrator.config import LeanChoice, load_settings
from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.servers import Servers, choose_lean, provision, usable
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.store import chooser, known_library
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project

DEFAULT_WORK = Path("bench/results/outside.jsonl")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.outside", description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="a Lean project, or a folder of loose Lean files")
    parser.add_argument("--json", type=Path, help="write figures and rows to this file")
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, help="rows measured so far (default: %(default)s)")
    parser.add_argument("--goals", type=int, default=0, help="only this many goals, nobody's choice; 0 for all")
    parser.add_argument("--only", choices=["all", "single", "ours"], default="all", help="which methods to measure")
    parser.add_argument("--seconds", type=float, default=30.0, help="per goal and method (default: %(default)s)")
    return parser.parse_args(arguments)


def chosen(project: Project, goals: Sequence[Goal], count: int) -> dict[str, Goal]:
    """The goals that ask for a proof, or so many of them, in no order of place or difficulty.

    The key of each changes with its declaration and with all that its file sees, so that rows of other suites, or of
    this one before a change, are not taken for its own.
    """

    def digest(goal: Goal) -> str:
        return hashlib.sha256(f"{project.environment_digest(goal.module)} {goal.id}".encode()).hexdigest()[:12]

    found = sorted(((digest(goal), goal) for goal in goals if goal.is_prop), key=lambda pair: pair[0])
    return {f"{goal.declaration}-{key}": goal for key, goal in found[: count or len(found)]}


async def elaborated(servers: Servers, project: Project, console: Console) -> tuple[Project, Extraction]:
    """The project and its goals; files that do not elaborate are named and left out."""
    async with servers.fresh(project) as workspace:
        extraction = await extract(workspace, project.modules)
    for problem in (*project.problems, *extraction.problems):
        console.print(f"left out: {problem.path}: {problem.message}", highlight=False, soft_wrap=True)
    refused = {problem.path for problem in extraction.problems}
    kept = tuple(module for module in project.modules if module.path not in refused)
    return replace(project, modules=kept), extraction


async def run(options: argparse.Namespace, console: Console) -> int:
    """Measure, verify, print."""
    settings = load_settings(start_timeout=600, lean=LeanChoice.EMBEDDED)
    paths = settings.paths
    project = usable(settings, paths, load_project(options.suite, loose=True))
    servers = provision(settings, paths, choose_lean(settings, paths, project))
    project, extraction = await elaborated(servers, project, console)
    goals = chosen(project, extraction.goals, options.goals)
    console.print(f"{len(goals)} goals, {options.seconds:g} s each and method, {servers.description}", highlight=False)
    methods = frozenset({"single", OURS} if options.only == "all" else {options.only})
    choose = chooser(known_library(paths, servers), premises_seen(project, extraction))
    rows = Rows(options.work)
    bench = Bench(servers, project, extraction, goals, options.seconds, settings, choose, rows, methods, timed=False)
    await measure_all(bench, tuple(goals), console)
    refused = await gate(servers, project, extraction, goals, bench.rows) if OURS in methods else {}
    return conclude(bench, refused, options.json, console)


def conclude(bench: Bench, refused: dict[str, str], file: Path | None, console: Console) -> int:
    """Print the table, write the file, and say what falls short."""
    rows = [row for row in bench.rows if row.goal in bench.goals and row.key == bench.key(row.method)]
    found = counts([row for row in rows if not (row.method == OURS and row.goal in refused)])
    shown = Table(title=f"{bench.project.name}: {len(bench.goals)} goals", title_justify="left")
    shown.add_column("method")
    for name in ("solved", "of", "share", "95 % interval"):
        shown.add_column(name, justify="right")
    for name, count in found.items():
        low, high = count.interval
        interval = f"{low:.1%} to {high:.1%}" if count.of else ""
        shown.add_row(name, str(count.solved), str(count.of), f"{count.share:.1%}" if count.of else "", interval)
    console.print(shown)
    for goal, reason in sorted(refused.items()):
        console.print(f"short: the gate refuses {bench.goals[goal].declaration}: {reason}", highlight=False)
    if file is not None:
        content = {
            "suite": bench.project.name,
            "seconds": bench.seconds,
            "lean": bench.servers.description,
            "figures": {name: {**asdict(count), "interval": count.interval} for name, count in found.items()},
            "refused": refused,
            "rows": [asdict(row) for row in rows],
        }
        write_figures(file, content)
    behind = OURS in found and found[OURS].solved < found.get(UNION, Count(0, 0)).solved
    if behind:
        console.print("short: ours proves less than the single tactics together", highlight=False)
    return 1 if refused or behind else 0


def main() -> int:
    """Run from the command line."""
    options = parse()
    console = Console(file=sys.stdout)
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(run(options, console))
    console.print("stopped; run the same command again to go on", highlight=False)
    return 130


if __name__ == "__main__":
    run_command(main)
