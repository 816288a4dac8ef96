"""The benchmark runner's command: the bank of goals against the clock."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.table import Table

from orchestrator.cli.prefect_server import prefect_server, run_flow
from orchestrator.cli.progress import RunDisplay
from orchestrator.cli.terminal import make_console
from orchestrator.config import Profile, load_settings
from orchestrator.errors import ConfigError
from orchestrator.goals.events import observed_by
from orchestrator.run.bank import BankEntry
from orchestrator.run.report.files import check_folder, write_outputs
from orchestrator.run.stop import interruption_held


def bank(
    *,
    timeout: Annotated[float | None, Parameter(help="Seconds that strategies may work; no limit unless given.")] = None,
    profile: Annotated[
        int | None,
        Parameter(validator=Number(gte=0, lte=2), help="0 stub workers, 1 normal (the default), 2 thorough."),
    ] = None,
    split: Annotated[Literal["all", "tune", "held-out"], Parameter(help="Which goals.")] = "all",
    limit: Annotated[int | None, Parameter(validator=Number(gt=0), help="The first so many goals.")] = None,
    file: Annotated[Path | None, Parameter(help="Another bank.jsonl.")] = None,
    out: Annotated[Path, Parameter(help="Folder for the results.")] = Path("bench/results"),
    json_: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON on standard output.")] = False,
) -> int:
    """Run the strategies over the bank of goals, and write bank-YYYYMMDD-HHMMSS.json.

    Compare two results with `python -m bench.compare A B`, draw them with `python -m bench.plots`.

    Examples
    --------
    orchestrator bank --split held-out --timeout 600
    orchestrator bank --limit 20 --json
    """
    from bench.bank import Split, load_bank, source

    settings = load_settings(profile=None if profile is None else Profile(profile), timeout=timeout)
    out = Path(os.path.abspath(out.expanduser()))
    out.mkdir(parents=True, exist_ok=True)
    check_folder(str(out))
    chosen = [goal for goal in load_bank(file) if split == "all" or goal.split is Split(split)][:limit]
    if not chosen:
        raise ConfigError("the bank holds no such goal", where=str(file or "the bank of this package"))
    entries = [
        BankEntry(goal.id, source(goal, "by\n  sorry"), goal.imports, goal.difficulty, goal.tags) for goal in chosen
    ]
    console = make_console(stderr=json_)
    display = RunDisplay(console)
    with display.running(), observed_by(display), prefect_server(settings.paths):
        with interruption_held():
            from flows.bank import bank as flow

        found = run_flow(lambda: flow(entries, profile=int(settings.profile), budget_seconds=timeout))
    text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    name = f"bank-{found['timestamp']}.json"
    write_outputs(out, {name: text})
    if json_:
        sys.stdout.write(text)
    table = Table("strategy", "used", "succeeded")
    for strategy, counted in found["strategies"].items():
        table.add_row(strategy, str(counted["used"]), str(counted["succeeded"]))
    console.print(table)
    of_all = f"{found['goals_solved']} of {found['goals_total']} goals solved, {found['goals_processed']} tried"
    console.print(f"{of_all}, in {found['wall_seconds']:.1f} s", highlight=False)
    console.print(f"Results: {out / name}", highlight=False, soft_wrap=True)
    return 0
