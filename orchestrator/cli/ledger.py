"""The commands about the ledger: what is in it, export and import, and removing what is old."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TextIO

from cyclopts import App, Parameter
from cyclopts.validators import Number

from orchestrator.cli.output import AsJson, counted_along, open_ledger, print_json, with_examples
from orchestrator.cli.tables import RIGHT, WHOLE, table
from orchestrator.cli.terminal import make_console, tell
from orchestrator.errors import OrchestratorError
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.summaries import LedgerStatistics
from orchestrator.run.report.files import replaced_file
from orchestrator.text import counted, duration

ledger_app = App(name="ledger", help="The record of every run, goal, attempt and proof.")


@with_examples(ledger_app)
def stats(*, json_: AsJson = False) -> int:
    """Say what is in the ledger: goals by status, attempts by strategy, the last run.

    Examples
    --------
    orchestrator ledger stats
    orchestrator ledger stats --json
    """
    with open_ledger() as ledger:
        statistics = ledger.statistics()
        if json_:
            print_json(statistics)
        else:
            _show(statistics, ledger.where)
    return 0


@with_examples(ledger_app, name="export")
def export_(file: Annotated[Path | None, Parameter(help="File to write; standard output unless given.")] = None) -> int:
    """Write everything as lines of JSON, one row each, as a copy or for other programs.

    Examples
    --------
    orchestrator ledger export copy.jsonl
    orchestrator ledger export > copy.jsonl
    """
    console = make_console(stderr=True)
    with open_ledger() as ledger:
        if file is None:
            sys.stdout.writelines(f"{line}\n" for line in ledger.export())
            return 0
        with replaced_file(file) as out:
            out.writelines(f"{line}\n" for line in counted_along(console, ledger.export(), "rows written"))
    return 0


@with_examples(ledger_app, name="import")
def import_(
    file: Annotated[
        Path, Parameter(help="What `ledger export` has written, or - for standard input.", allow_leading_hyphen=True)
    ],
    *,
    json_: AsJson = False,
) -> int:
    """Add what another ledger has exported. What is already here stays, so importing it twice adds nothing.

    Examples
    --------
    orchestrator ledger import copy.jsonl
    """
    console = make_console(stderr=True)
    with _lines(file) as lines, open_ledger() as ledger:
        added = ledger.restore(counted_along(console, lines, "rows read"))
        if json_:
            print_json(dict(added))
        else:
            words = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in added.items() if number)
            total = counted(sum(added.values()), "row")
            tell(console, f"Added {total}: {words}" if words else "Added: nothing new")
    return 0


@with_examples(ledger_app)
def prune(
    *,
    older_than: Annotated[float, Parameter(help="Days.", validator=Number(gt=0, lte=36500))] = 180,
    yes: Annotated[bool, Parameter(negative="", help="Do it; without it, only say what would be removed.")] = False,
    json_: AsJson = False,
) -> int:
    """Remove old failed attempts. Proofs, goals and what strategies have learnt always stay.

    A goal whose failures are forgotten is tried again in the next run.

    Examples
    --------
    orchestrator ledger prune                      # what would go
    orchestrator ledger prune --older-than 90 --yes
    """
    console = make_console(stderr=json_)
    with open_ledger() as ledger:
        pruned = ledger.prune(timedelta(days=older_than), dry_run=not yes)
        if json_:
            print_json({"attempts": pruned.attempts, "history": pruned.history, "done": yes})
            return 0
        verb = "Removed" if yes else "Would remove"
        attempts = counted(pruned.attempts, "failed attempt")
        entries = counted(pruned.history, "entry", "entries")
        tell(console, f"{verb} {attempts} and {entries} of the strategies' history")
        if not yes and pruned.attempts + pruned.history:
            tell(console, f"Do it: orchestrator ledger prune --older-than {older_than:g} --yes")
    return 0


def _show(statistics: LedgerStatistics, where: str) -> None:
    console = make_console()
    tell(console, f"Ledger {where}")
    by_status = ", ".join(f"{number} {GoalStatus(status).words}" for status, number in statistics.goals.items())
    tell(console, f"{counted(sum(statistics.goals.values()), 'goal')}: {by_status or 'none yet'}")
    rows = [
        (
            name,
            str(totals.attempts),
            str(totals.successes),
            f"{totals.successes / totals.attempts:.0%}" if totals.attempts else "",
            duration(totals.seconds),
        )
        for name, totals in statistics.strategies.items()
    ]
    if rows:
        numbers = ("attempts", "succeeded", "rate", "time")
        console.print(table({"strategy": WHOLE, **dict.fromkeys(numbers, RIGHT)}, rows))
    run = statistics.last_run
    if run is not None:
        solved, total = run.totals.get("goals_solved", 0), run.totals.get("goals_total", 0)
        tell(console, f"Last run {run.id}: {run.status.value}, {solved} of {total} solved, {run.repo}")


def _lines(file: Path) -> TextIO:
    if str(file) == "-":
        return sys.stdin
    try:
        return file.open(encoding="utf-8")
    except OSError as error:
        hint = "Name a file that `orchestrator ledger export` has written"
        raise OrchestratorError(f"the file cannot be read: {error.strerror}", where=str(file), hint=hint) from error
