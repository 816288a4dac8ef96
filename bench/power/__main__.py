"""How much our strategies prove, beside every single tactic of Lean, at the same time per goal, on real Lean.

`python -m bench.power` measures what is not measured yet: every row is written as it comes, and an interrupted run
continues. Time is processor time of the Lean server, so that other work on the machine stretches nobody's; ours
includes that of this process, in which the models run and premises are chosen.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.bank import BankGoal, Split, bank_project, load_bank
from bench.command import run_command, write_figures
from bench.power.checks import gate, measured_recall
from bench.power.measuring import Bench, measure_all
from bench.power.methods import OURS, WITHOUT
from bench.power.report import Figures, contributions, figures, shortfalls, table
from bench.power.rows import Row, Rows
from bench.retrieval import FIRST, Recall
from orchestrator.config import load_settings
from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.servers import Servers, choose_lean, provision
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.store import DEFAULT_IMPORTS, chooser, known_index, known_library
from orchestrator.source.project import Project

ASKED_RECALL = 0.6
DEFAULT_WORK = Path("bench/results/power.jsonl")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.power", description=__doc__)
    parser.add_argument("--json", type=Path, help="write figures and rows to this file")
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, help="rows measured so far (default: %(default)s)")
    parser.add_argument("--bank", type=Path, help="goals in another file, such as bench/families.jsonl")
    parser.add_argument("--split", choices=["all", *Split], default="all", help="which goals (default: %(default)s)")
    parser.add_argument("--goals", type=int, default=0, help="only this many goals, evenly spread; 0 for all")
    parser.add_argument("--only", choices=["all", "single", "ours"], default="all", help="which methods to measure")
    parser.add_argument("--seconds", type=float, default=30.0, help="per goal and method (default: %(default)s)")
    parser.add_argument("--part", default="1/1", help="such as 1/2: the first half of the goals, for two at a time")
    return parser.parse_args(arguments)


def chosen(split: str, count: int, bank: Path | None = None) -> tuple[BankGoal, ...]:
    """The goals of a split, all of them or `count` evenly spread ones."""
    goals = [goal for goal in load_bank(bank) if split in ("all", goal.split)]
    if count and count < len(goals):
        goals = [goals[i * len(goals) // count] for i in range(count)]
    return tuple(goals)


async def prepare(servers: Servers, bank: Sequence[BankGoal]) -> tuple[Project, Extraction, dict[str, Goal]]:
    """The bank as a project, elaborated, with the goal of each id."""
    project = bank_project(bank)
    async with servers.fresh(project) as workspace:
        extraction = await extract(workspace, project.modules)
    for problem in extraction.problems:
        raise SystemExit(f"{problem.path}: {problem.message}")
    by_module = {goal.module: goal for goal in extraction.goals}
    return project, extraction, {goal.id: by_module[goal.name] for goal in bank}


async def run(options: argparse.Namespace, console: Console) -> int:
    """Measure, verify, print."""
    bank = chosen(options.split, options.goals, options.bank)
    settings = load_settings(start_timeout=600)
    paths = settings.paths
    servers = provision(settings, paths, choose_lean(settings, paths, Project("none", "/nowhere")))
    console.print(f"{len(bank)} goals, {options.seconds:g} s each and method, {servers.description}", highlight=False)
    project, extraction, goals = await prepare(servers, bank)
    ours = {OURS, WITHOUT}
    methods = frozenset({"all": {"single", *ours}, "single": {"single"}, "ours": ours}[options.only])
    rows = Rows(options.work)
    choose = chooser(known_library(paths, servers), premises_seen(project, extraction))
    bench = Bench(servers, project, extraction, goals, options.seconds, settings, choose, rows, methods)
    # In no order of area or difficulty, so that what an interrupted run has measured is a fair sample.
    todo = [goal.id for goal in sorted(bank, key=lambda goal: hashlib.sha256(goal.name.encode()).hexdigest())]
    number, parts = (int(word) for word in options.part.split("/"))
    await measure_all(bench, todo[number - 1 :: parts], console)
    if parts > 1:
        console.print("measured; run without --part for gate and figures", highlight=False)
        return 0
    refused = await gate(servers, project, extraction, goals, rows) if OURS in methods else {}
    index = known_index(paths, servers, DEFAULT_IMPORTS) if options.bank is None else None
    return conclude(bench, bank, refused, measured_recall(bank, index), options, console)


def conclude(
    bench: Bench,
    bank: Sequence[BankGoal],
    refused: dict[str, str],
    retrieved: Recall | None,
    options: argparse.Namespace,
    console: Console,
) -> int:
    """Print the tables, write the file, and say what falls short."""
    rows = [row for row in bench.rows if row.key == bench.key(row.method)]
    sets = {"all": {g.id for g in bank}, **{str(s): {g.id for g in bank if g.split is s} for s in Split}}
    found: dict[str, Figures] = {}
    short: list[str] = []
    for label, ids in sets.items():
        if ids:
            found[label] = figures(rows, ids)
            show(console, label, rows, ids, found[label])
            short += shortfalls(found[label], label)
    short += [f"the gate refuses {goal}: {reason}" for goal, reason in sorted(refused.items())]
    if retrieved is None and options.bank is None:
        short.append("no corpus to measure recall with: run `orchestrator premises build`")
    elif retrieved is not None:
        words = f"recall@{FIRST} of the premises in the known proofs, {retrieved.goals} goals"
        console.print(
            f"{words}: {retrieved.by_goal:.3f} by goal, {retrieved.by_premise:.3f} by premise", highlight=False
        )
        if retrieved.by_goal < ASKED_RECALL:
            short.append(f"recall@{FIRST} is {retrieved.by_goal:.3f}, asked is ≥ {ASKED_RECALL}")
    if options.json is not None:
        content = {
            "recall": None if retrieved is None else asdict(retrieved),
            "seconds": bench.seconds,
            "lean": bench.servers.description,
            "figures": {label: asdict(value) for label, value in found.items()},
            "contributions": {name: asdict(c) for name, c in contributions(rows, sets["all"]).items()},
            "refused": refused,
            "rows": [asdict(row) for row in rows if row.goal in sets["all"]],
        }
        write_figures(options.json, content)
    for line in short:
        console.print(f"short: {line}", highlight=False, soft_wrap=True)
    return 1 if short else 0


def show(console: Console, label: str, rows: Sequence[Row], ids: set[str], found: Figures) -> None:
    """The table of one set of goals."""
    shown = Table(title=f"{label}: {found.goals} goals measured with every method", title_justify="left")
    for name in ("method", "goals", "solved", "seconds", "median"):
        shown.add_column(name, justify="left" if name == "method" else "right")
    for line in table(rows, ids):
        shown.add_row(
            line.method, str(line.measured), str(line.solved), f"{line.seconds:.1f}", f"{line.median_seconds:.2f}"
        )
    console.print(shown)
    words = {
        "closed of what every single tactic leaves open": found.of_open,
        "closed of what try? leaves open": found.of_open_to_try,
        "lost of what some single tactic closes": found.lost,
        "seconds until closed over those of try?, where both close": found.time_ratio,
        "median of that ratio": found.median_time_ratio,
        "with what we do to a proof afterwards": found.whole_time_ratio,
    }
    for word, value in words.items():
        console.print(f"  {word}: {'nothing measured' if value is None else f'{value:.3f}'}", highlight=False)
    for name, found_without in contributions(rows, ids).items():
        told = f"without {name}: {found_without.lost} of its {found_without.measured} goals are lost"
        console.print(f"  {told}", highlight=False)


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
