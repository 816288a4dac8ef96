"""SorryDB's files: look into one, prove a record of it, compare it with what we extract, and write one."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from orchestrator.cli.output import AsJson, Out, Reference, Repository, Seconds, absolute, print_json, with_examples
from orchestrator.cli.repository import elaborate, prepare
from orchestrator.cli.sorrydb_queue import PROOFS, RecordWork, below, by_tree, keep_proofs, shared_time
from orchestrator.cli.tables import RIGHT, WHOLE, table
from orchestrator.cli.terminal import make_console, say, tell
from orchestrator.config import load_settings
from orchestrator.errors import ConfigError, OrchestratorError, StoppedError
from orchestrator.run.report import sorrydb
from orchestrator.run.report.files import check_folder, write_outputs
from orchestrator.run.report.sorrydb import SorryFile, SorryRecord
from orchestrator.text import counted

sorrydb_app = App(name="sorrydb", help="Read, run, compare and write SorryDB's lists of sorries.")

Database = Annotated[Path, Parameter(help="A file of SorryDB's format.")]
Where = Annotated[str, Parameter(help="Folder or URL to use instead of the record's own repository.")]


@sorrydb_app.command(name="list")
def list_records(file: Database) -> int:
    """Count the records of a file by repository and commit, with the command that works on each."""
    records = read_file(file).records
    numbers = Counter((record.lean_version, record.command) for record in records).most_common()
    rows = [(str(number), version, command) for (version, command), number in numbers]
    console = make_console()
    console.print(table({"records": RIGHT, "Lean": WHOLE, "command": WHOLE}, rows))
    repositories = counted(len({record.remote for record in records}), "repository", "repositories")
    tell(console, f"{counted(len(records), 'record')} of {repositories}")
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
    write_outputs(absolute(out).parent, {out.name: sorrydb.write(replace(found, records=chosen))})
    tell(make_console(), f"{len(chosen)} of {counted(len(found.records), 'record')}: {out}")
    return 0


@with_examples(sorrydb_app)
def run(
    file: Database,
    record: Annotated[str, Parameter(help="The record's id, or its beginning.")] = "",
    *,
    all_: Annotated[bool, Parameter(name="--all", negative="", help="Every record that has no answer yet.")] = False,
    budget: Annotated[float | None, Parameter(help="With --all: seconds, shared among the records left.")] = None,
    repo: Where = "",
    out: Out = Path("out"),
    timeout: Seconds = None,
) -> int:
    """Prove the sorry of one record, and that one alone, or one record after another.

    Each repository is cloned at the record's commit, and built where it needs packages. The answers are in proofs.json,
    in SorryDB's own format, and what each run left is in a folder named by its record; the same command goes on where
    it was stopped.

    Examples
    --------
    orchestrator sorrydb run sorry_database.json 0a1b2c --out out
    orchestrator sorrydb run sorry_database.json --all --budget 36000 --out out
    """
    from orchestrator.cli.runs import finish, shown_run

    if bool(record) == all_:
        raise ConfigError("name a record, or give --all", where="sorrydb run")
    if budget is not None and not all_:
        raise ConfigError("one record has nobody to share time with", where="--budget", hint="Give --timeout instead")
    records = read_file(file).records
    folder = absolute(out)
    console = make_console()
    work = RecordWork(repo, console)
    check_folder(str(folder))
    if not all_:
        found = find(records, record)
        work.make_ready(found)
        with shown_run(console, load_settings().paths) as server:
            entry, summary = work.prove(server, found, timeout, below(folder, found))
        keep_proofs(folder, {found.id: entry})
        return finish(console, work.repo(found), summary, below(folder, found))
    entries = keep_proofs(folder, {})
    left = [r for r in sorted(records, key=by_tree) if not entries.get(r.id, {}).get("success")]
    with shown_run(console, load_settings().paths) as server:
        for seconds, found in shared_time(left, budget, timeout):
            tell(console, f"{found.id[:12]} {found.location} of {found.remote}")
            try:
                work.make_ready(found)
                entry, summary = work.prove(server, found, seconds, below(folder, found))
            except StoppedError:
                raise
            except OrchestratorError as error:
                say(console, "red", "error:", str(error))
                entries = keep_proofs(folder, {found.id: sorrydb.failed_entry(found, error)})
                continue
            if summary["stopped"]:
                return StoppedError.exit_code
            entries = keep_proofs(folder, {found.id: entry})
    proved = sum(bool(entry["proof_verified"]) for entry in entries.values())
    tell(console, f"{proved} of {counted(len(records), 'record')} proved, {len(entries)} answered: {folder / PROOFS}")
    return 0


@sorrydb_app.command
def compare(
    file: Database,
    repo: Annotated[str, Parameter(help="Folder or URL of the repository that was extracted.")],
    *,
    commit: Annotated[str, Parameter(help="The commit whose records count; the newest record's unless given.")] = "",
    remote: Annotated[str, Parameter(help="Records of the repository whose address holds this text.")] = "",
    json_: AsJson = False,
) -> int:
    """Compare the records of a repository with what is extracted from it at their commit.

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
        print_json({**counts, **ids})
    for r in found.missing:
        say(console, "yellow", "missing:", f"{r.path}:{r.span.start.line} {r.id[:12]}")
    for r, goal in found.other_goal:
        say(console, "yellow", "other goal:", f"{r.path}:{r.span.start.line} theirs {r.goal!r}, ours {goal.text!r}")
    for goal in found.extra:
        start = goal.span.start.line if goal.span else 0
        say(console, "yellow", "only here:", f"{goal.file}:{start} {goal.declaration}")
    tell(console, ", ".join(f"{number} {word.replace('_', ' ')}" for word, number in counts.items()))
    return 1 if found.missing or found.other_goal else 0


@sorrydb_app.command
def export(
    repo: Repository,
    out: Annotated[Path, Parameter(help="The file to write.")],
    *,
    ref: Reference = "HEAD",
    remote: Annotated[str, Parameter(help="The repository's address in the records; REPO unless given.")] = "",
    branch: Annotated[str, Parameter(help="The branch's name in the records.")] = "main",
    known: Annotated[Path | None, Parameter(help="A file whose records come first, unchanged.")] = None,
) -> int:
    """Write the sorries of a repository that are propositions as records."""
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
    text = sorrydb.write(replace(before, records=(*before.records, *new)))
    write_outputs(absolute(out).parent, {out.name: text})
    tell(console, f"{counted(len(new), 'record')} added: {out}")
    return 0


def find(records: tuple[SorryRecord, ...], identity: str) -> SorryRecord:
    """The record whose id begins with this. Raises ConfigError: none, or several."""
    found = [record for record in records if record.id.startswith(identity)]
    if len(found) != 1:
        raise ConfigError(f"{len(found) or 'no'} records have an id that begins with this", where=identity)
    return found[0]


def read_file(file: Path) -> SorryFile:
    """Read a file of records. Raises ConfigError: it cannot be read, or is none."""
    try:
        return sorrydb.read(file.read_text(encoding="utf-8"), where=str(file))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(file)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8", where=str(file)) from error
