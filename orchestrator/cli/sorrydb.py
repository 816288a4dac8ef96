"""SorryDB's files: look into one, work on a record of it, hold it against what we extract, and write one."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.table import Table

from orchestrator.cli.repository import elaborate, prepare
from orchestrator.cli.terminal import make_console, say
from orchestrator.errors import ConfigError
from orchestrator.run.report import sorrydb
from orchestrator.run.report.files import write_outputs
from orchestrator.run.report.sorrydb import SorryFile, SorryRecord

sorrydb_app = App(name="sorrydb", help="Read, run, compare and write SorryDB's lists of open places.")

Database = Annotated[Path, Parameter(help="A file of SorryDB's format.")]
Where = Annotated[str, Parameter(help="Folder or URL to use instead of the record's own repository.")]


@sorrydb_app.command(name="list")
def list_records(file: Database) -> int:
    """Count the records of a file by repository and commit, with the command that works on each."""
    records = read_file(file).records
    table = Table("records", "Lean", "command", box=None)
    counted = Counter((record.lean_version, record.command) for record in records)
    for (version, command), number in counted.most_common():
        table.add_row(str(number), version, command)
    console = make_console()
    console.print(table)
    console.print(f"{len(records)} records of {len({record.remote for record in records})} repositories")
    return 0


@sorrydb_app.command
def copy(
    file: Database,
    out: Annotated[Path, Parameter(help="The file to write.")],
    *,
    repo: Annotated[str, Parameter(help="Records whose repository's address holds this text.")] = "",
    limit: Annotated[int | None, Parameter(validator=Number(gt=0), help="The first so many records.")] = None,
) -> int:
    """Write records to another file, each as it was read; with no filter the file stays the same byte for byte."""
    found = read_file(file)
    chosen = tuple(record for record in found.records if repo in record.remote)[:limit]
    write_file(out, replace(found, records=chosen))
    make_console().print(f"{len(chosen)} of {len(found.records)} records: {out}", highlight=False, soft_wrap=True)
    return 0


@sorrydb_app.command
def run(
    file: Database,
    record: Annotated[str, Parameter(help="The record's id, or its beginning.")],
    *,
    repo: Where = "",
    out: Annotated[Path, Parameter(help="Folder for the results.")] = Path("out"),
    timeout: Annotated[float | None, Parameter(help="Seconds that strategies may work.")] = None,
) -> int:
    """Prove the open place of one record: its repository at its commit, that goal alone, and the gate."""
    from orchestrator.cli.main import prove

    found = find(read_file(file).records, record)
    place = f"{found.path}:{found.span.start.line}:{found.span.start.column}"
    return prove(repo or found.remote, ref=found.commit, out=out, timeout=timeout, only=place)


@sorrydb_app.command
def compare(
    file: Database,
    repo: Annotated[str, Parameter(help="Folder or URL of the repository that was extracted.")],
    *,
    commit: Annotated[str, Parameter(help="The commit whose records count; the newest record's unless given.")] = "",
    remote: Annotated[str, Parameter(help="Records of the repository whose address holds this text.")] = "",
    json_: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON on standard output.")] = False,
) -> int:
    """Hold the records of a repository against what we extract from it at their commit.

    Exit code 1 when a record is missing here or has another goal.
    """
    records = [r for r in read_file(file).records if remote in r.remote and r.commit.startswith(commit)]
    if not records:
        raise ConfigError("no record is of that repository and commit", where=str(file))
    wanted = commit or max(records, key=lambda r: str(r.raw.get("metadata", {}).get("inclusion_date", ""))).commit
    records = [r for r in records if r.commit.startswith(wanted)]
    console = make_console(stderr=json_)
    project, servers = prepare(repo, records[0].commit, console)
    goals = asyncio.run(elaborate(project, servers, console)).goals
    found = sorrydb.compare(records, goals)
    counts = {
        "same": len(found.same),
        "other_goal": len(found.other_goal),
        "missing": len(found.missing),
        "extra": len(found.extra),
    }
    if json_:
        ids = {"missing_ids": [r.id for r in found.missing], "other_goal_ids": [r.id for r, _ in found.other_goal]}
        sys.stdout.write(json.dumps({**counts, **ids}, indent=2) + "\n")
    for r in found.missing:
        say(console, "yellow", "missing:", f"{r.path}:{r.span.start.line} {r.id[:12]}")
    for r, goal in found.other_goal:
        say(console, "yellow", "other goal:", f"{r.path}:{r.span.start.line} theirs {r.goal!r}, ours {goal.text!r}")
    for goal in found.extra:
        start = goal.span.start.line if goal.span else 0
        say(console, "yellow", "only here:", f"{goal.file}:{start} {goal.declaration}")
    console.print(", ".join(f"{number} {word.replace('_', ' ')}" for word, number in counts.items()), highlight=False)
    return 1 if found.missing or found.other_goal else 0


@sorrydb_app.command
def export(
    repo: Annotated[str, Parameter(help="Folder or URL of a git repository.")],
    out: Annotated[Path, Parameter(help="The file to write.")],
    *,
    ref: Annotated[str, Parameter(help="Branch, tag or commit.")] = "HEAD",
    remote: Annotated[str, Parameter(help="The repository's address in the records; REPO unless given.")] = "",
    branch: Annotated[str, Parameter(help="The branch's name in the records.")] = "main",
    known: Annotated[Path | None, Parameter(help="A file whose records stay in front, unchanged.")] = None,
) -> int:
    """Write the open propositions of a repository as records."""
    console = make_console()
    before = SorryFile({}, ()) if known is None else read_file(known)
    project, servers = prepare(repo, ref, console)
    goals = asyncio.run(elaborate(project, servers, console)).goals
    now = datetime.now(UTC)
    made = [
        sorrydb.record_of(goal, project, remote=remote or repo, branch=branch, included=now)
        for goal in goals
        if goal.is_prop and goal.span is not None
    ]
    old = {record.id for record in before.records}
    new = tuple(record for record in made if record.id not in old)
    write_file(out, replace(before, records=(*before.records, *new)))
    console.print(f"{len(new)} records added: {out}", highlight=False, soft_wrap=True)
    return 0


def find(records: tuple[SorryRecord, ...], identity: str) -> SorryRecord:
    """The record whose id begins so.

    Raises:
        ConfigError: none, or several.
    """
    found = [record for record in records if record.id.startswith(identity)]
    if len(found) != 1:
        raise ConfigError(f"{len(found) or 'no'} records have an id that begins so", where=identity)
    return found[0]


def read_file(file: Path) -> SorryFile:
    """Read a file of records.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    return sorrydb.read(_text(lambda: file.read_bytes().decode("utf-8"), file), where=str(file))


def write_file(out: Path, file: SorryFile) -> None:
    """Write a file of records, whole or not at all.

    Raises:
        OrchestratorError: it cannot be written.
    """
    write_outputs(out.absolute().parent, {out.name: sorrydb.write(file)})


def _text(read: Callable[[], str], file: Path) -> str:
    try:
        return read()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(file)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8", where=str(file)) from error
