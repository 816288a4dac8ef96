"""`orchestrator doctor` and `orchestrator settings`: what works here, and what is set."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from orchestrator.cli.output import AsJson, print_json
from orchestrator.cli.tables import HEAD, WHOLE, table
from orchestrator.cli.terminal import make_console, show_findings, tell
from orchestrator.config import Paths, SettingSource, given_settings, load_settings
from orchestrator.errors import ConfigError, OrchestratorError
from orchestrator.lean.doctor import Finding, Level
from orchestrator.lean.doctor import doctor as lean_doctor


def doctor(*, json_: AsJson = False) -> int:
    """Say what is missing or broken on this machine, each with the command that fixes it. Changes nothing.

    Exit code 0 when a run would work, 1 when something must be fixed first.

    Examples
    --------
    orchestrator doctor
    orchestrator doctor --json
    """
    findings = examine()
    failing = any(finding.level is Level.BAD for finding in findings)
    if json_:
        print_json({"ok": not failing, "findings": findings})
    else:
        console = make_console()
        show_findings(console, findings)
        _next(console, findings)
    return 1 if failing else 0


def examine() -> Sequence[Finding]:
    """Look at this machine: settings, Lean and its tools, caches, the ledger."""
    try:
        settings = load_settings()
    except ConfigError as error:
        return (Finding(Level.BAD, f"settings: {error.what} ({error.where})", error.hint),)
    paths = settings.paths
    # Lean is installed into a cache: that one is fixed first.
    found = [Finding(Level.OK, "the settings can be used"), *_caches(paths), *lean_doctor(paths)]
    return (*found, _ledger(settings.ledger))


def settings(*, json_: AsJson = False) -> int:
    """List every setting: its value, where that is from, and its default.

    A flag of a command wins over the variable (ORCH_ and the name in capitals), the variable over the configuration
    file, the file over the default.

    Examples
    --------
    orchestrator settings
    """
    rows, file = given_settings()
    if json_:
        print_json({"file": file, "settings": [{**asdict(row), "variable": row.variable} for row in rows]})
        return 0
    console = make_console()
    tell(console, f"Configuration file: {file}" + ("" if file is not None and file.is_file() else " (not there)"))
    columns = {
        "name in the file": WHOLE,
        "value": WHOLE,
        "from": WHOLE,
        "meaning": HEAD,
    }
    cells = [
        (
            row.name,
            (row.text, "bold") if row.text else row.default,
            (row.source.value, "" if row.source is SettingSource.DEFAULT else "green"),
            (f"(default: {row.default or 'none'}) {row.meaning}" if row.text else row.meaning, "dim"),
        )
        for row in rows
    ]
    console.print(table(columns, cells))
    return 0


def _next(console: Console, findings: Sequence[Finding]) -> None:
    bad = [finding for finding in findings if finding.level is Level.BAD]
    tell(console, "\nDo this first:" if bad else "\nReady: orchestrator prove PATH-OR-URL")
    for finding in bad:
        tell(console, f"  {finding.fix or finding.what}")


def _ledger(location: str | Path) -> Finding:
    from orchestrator.ledger.store import Ledger

    if isinstance(location, Path) and not location.exists():
        return Finding(Level.OK, "there is no ledger yet; the first run makes it")
    try:
        with Ledger.open(location) as ledger:
            return Finding(Level.OK, f"the ledger {ledger.where} can be used")
    except OrchestratorError as error:
        return Finding(Level.BAD, f"ledger: {error.what} ({error.where})", error.hint)


def _caches(paths: Paths) -> Sequence[Finding]:
    """The first folder of the cache that stands in the way; it can be deleted."""
    mirrors = paths.checkouts / "mirrors"
    for folder, what in (
        (paths.cache, "everything that can be made again"),
        (paths.answers, "answers of earlier runs"),
        (paths.checkouts, "clones of repositories"),
        (mirrors, "clones of repositories"),
    ):
        if problem := _problem(folder, clones=folder == mirrors):
            fix = f"rm -rf {shlex.quote(str(folder))}   # only a cache: it is made again"
            return (Finding(Level.BAD, f"the cache with {what} is broken: {problem}", fix),)
    return (Finding(Level.OK, f"the caches in {paths.cache} can be used"),)


def _problem(folder: Path, *, clones: bool) -> str:
    try:
        if folder.exists() and not folder.is_dir():
            return f"{folder} is not a folder"
        inside = list(folder.iterdir()) if folder.exists() else []
    except OSError as error:
        return f"{folder}: {error.strerror}"
    broken = [clone for clone in inside if clones and clone.suffix == ".git" and not (clone / "HEAD").is_file()]
    return f"{broken[0]} is no longer a git repository" if broken else ""
