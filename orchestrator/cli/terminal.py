"""What the command line prints: its tables, the end of a run, and lines with a coloured label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from orchestrator.blueprint.report import Report
from orchestrator.cli.tables import Cell, Column, fitted
from orchestrator.gate.verdict import Verdict, VerdictStatus
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus
from orchestrator.lean.doctor import Finding, Level
from orchestrator.source.project import FileProblem
from orchestrator.text import counted, harmless

LOG_WIDTH = 140
"""Characters in a line where there is no terminal to ask."""

_STATUS_STYLES = {
    GoalStatus.SOLVED: "green",
    GoalStatus.CONDITIONAL: "yellow",
    GoalStatus.OPEN: "dim",
    GoalStatus.LOOKS_FALSE: "magenta",
    GoalStatus.REJECTED: "red",
    GoalStatus.SKIPPED: "dim",
}
_VERDICT_STYLES = {
    VerdictStatus.PASSED: "green",
    VerdictStatus.PARTIAL: "cyan",
    VerdictStatus.CONDITIONAL: "yellow",
    VerdictStatus.FAILED: "red",
}

_FINDING_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.BAD: "red"}


def make_console(*, stderr: bool = False) -> Console:
    """A console on standard output or error; where that is no terminal, lines are `LOG_WIDTH` long."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=LOG_WIDTH)


def say(console: Console, style: str, label: str, text: str) -> None:
    """Print a coloured label and a text, which is not cut off wherever the line ends."""
    console.print(Text.assemble((label, style), " ", harmless(text)), soft_wrap=True)


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """What a doctor found, a line each, with what mends it."""
    for finding in findings:
        mend = f"  →  {escape(finding.mend)}" if finding.mend else ""
        label = f"[{_FINDING_STYLES[finding.level]}]{finding.level.value:>4}[/]"
        console.print(f"{label}  {escape(finding.what)}{mend}", highlight=False, soft_wrap=True)


def show_problems(console: Console, problems: Sequence[FileProblem]) -> None:
    """Files left out, a line each."""
    for problem in problems:
        say(console, "yellow", "left out", f"{problem.path}: {problem.message}" if problem.path else problem.message)


def show_goals(console: Console, goals: Sequence[Goal]) -> None:
    """The open places of a repository, as extraction saw them."""
    columns = (
        Column("id"),
        Column("where", 3, keep_end=True),
        Column("declaration", 4, keep_end=True),
        Column("kind"),
        Column("goal", 5),
    )
    rows = [
        (
            Cell(goal.id, "dim"),
            Cell(f"{goal.file}:{goal.span.start.line if goal.span else 0}"),
            Cell(goal.declaration),
            Cell(goal.kind.value),
            Cell(goal.target),
        )
        for goal in goals
    ]
    if rows:
        console.print(fitted(columns, rows, console.width))
    console.print(f"{counted(len(goals), 'open place')}", highlight=False)


def show_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """A verdict for each declaration."""
    columns = (
        Column("declaration", 3, keep_end=True),
        Column("file", 2, keep_end=True),
        Column("verdict"),
        Column("axioms", 2),
        Column("why", 5),
    )
    rows = [
        (
            Cell(verdict.declaration),
            Cell(verdict.file),
            Cell(verdict.status.value, _VERDICT_STYLES[verdict.status]),
            Cell(", ".join(verdict.axioms) or "none", "dim"),
            Cell(verdict.reason or (f"rests on {', '.join(verdict.rests_on)}" if verdict.rests_on else "")),
        )
        for verdict in verdicts
    ]
    if rows:
        console.print(fitted(columns, rows, console.width))


def show_blueprint(console: Console, report: Report, *, every: bool = False) -> None:
    """A blueprint's nodes that are not done, or all of them; what can be begun next; and the numbers."""
    columns = (
        Column("node", 3),
        Column("where", 3, keep_end=True),
        Column("statement"),
        Column("proof"),
        Column("what there is to say", 5),
    )
    rows = [
        (
            Cell(line.key),
            Cell(line.where, "dim"),
            Cell(line.statement, "green" if line.done else ""),
            Cell(line.proof, {"proved": "green", "conditional": "yellow"}.get(line.proof, "")),
            Cell("; ".join(line.notes), "red" if "false mark" in str(line.notes) else ""),
        )
        for line in report.lines
        if every or not line.done or line.notes
    ]
    if rows:
        console.print(fitted(columns, rows, console.width))
        console.print()
    for problem in report.problems:
        say(console, "yellow", "note:", problem)
    for cycle in report.cycles:
        say(console, "yellow", "circle:", " → ".join((*cycle, cycle[0])))
    if report.ready:
        shown = ", ".join(
            f"{key} ({waiting} waiting)" if waiting else key for key, waiting in report.ready[:_READY_SHOWN]
        )
        more = len(report.ready) - _READY_SHOWN
        say(console, "bold", "ready to be proved:", shown + (f", and {more} more" if more > 0 else ""))
    if report.not_seen:
        shown = ", ".join(report.not_seen[:_READY_SHOWN])
        more = len(report.not_seen) - _READY_SHOWN
        say(console, "bold", "not in the project's text:", shown + (f", and {more} more" if more > 0 else ""))
    counts = report.counts
    done = sum(line.done for line in report.lines)
    console.print(
        f"{report.root}: {counted(counts.nodes, 'node')}, {counted(counts.declarations, 'declaration')} named, "
        f"{counted(counts.statement_marks, 'statement')} and {counted(counts.proof_marks, 'proof')} marked, "
        f"{counts.mathlib} in Mathlib, {counts.not_ready} not ready, {counted(counts.uses, 'use')}",
        highlight=False,
        soft_wrap=True,
    )
    said = {"lean": "Lean says", "partly": "Lean, which saw some files only, says"}.get(report.by, "The text shows")
    console.print(
        f"{said}: {done} done, {counted(report.false_marks, 'false mark')}, "
        f"{counted(report.unmarked, 'missing mark')}, "
        f"{counted(len(report.missing), 'missing declaration')}"
        + (", lean_decls is out of date" if report.stale_lean_decls else ""),
        highlight=False,
        soft_wrap=True,
    )


_READY_SHOWN = 12


def show_summary(console: Console, summary: Mapping[str, Any], out: Path, commands: Sequence[str]) -> None:
    """The end of a run: every goal, what it adds up to, and the `commands` to type next.

    `summary` is the content of summary.json.
    """
    columns = (
        Column("where", 3, keep_end=True),
        Column("declaration", 4, keep_end=True),
        Column("status"),
        Column("strategy"),
        Column("time", right=True),
        Column("proof", 5),
    )
    rows = [_goal_row(goal) for goal in summary["goals"]]
    console.print()
    if rows:
        console.print(fitted(columns, rows, console.width))
        console.print()
    show_problems(console, [FileProblem(problem["file"], problem["message"]) for problem in summary["problems"]])
    for note in summary["notes"]:
        say(console, "yellow", "note:", note)
    if summary["stopped"]:
        say(console, "yellow", "The run ended early:", f"{summary['stopped']}.")
    console.print(Text(_totals(summary), style="bold"), soft_wrap=True)
    if summary["blueprint"]:
        added = sum(1 for mark in summary["blueprint"] if mark["change"] == "added")
        removed = len(summary["blueprint"]) - added
        console.print(f"Blueprint: {counted(added, 'mark')} to add, {removed} to remove", highlight=False)
    console.print(Text(f"Results: {harmless(str(out))}, report.md first"), soft_wrap=True)
    for label, command in zip(("Next:", *[""] * len(commands)), commands, strict=False):
        console.print(Text.assemble(f"{label:<6}", (harmless(command), "cyan")), soft_wrap=True)


def duration(seconds: float) -> str:
    """Seconds as people say them: "9.2 s", "3 min 28 s", "2 h 5 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _goal_row(goal: Mapping[str, Any]) -> tuple[Cell, ...]:
    status = GoalStatus(goal["status"])
    found = bool(goal["tactics"])
    note = goal["note"]
    proof = "\n".join(goal["tactics"])
    return (
        Cell(f"{goal['file']}:{goal['line']}"),
        Cell(goal["declaration"]),
        Cell(status.value.replace("_", " "), _STATUS_STYLES[status]),
        Cell((goal["strategy"] or "") if found else ""),
        Cell(duration(goal["time_seconds"]) if goal["time_seconds"] else ""),
        Cell(note if status is GoalStatus.REJECTED or not found else proof, "" if found else "dim"),
    )


def _totals(summary: Mapping[str, Any]) -> str:
    total = summary["goals_total"]
    if not total:
        return "No open goals: there is nothing to prove"
    counts = {status: sum(goal["status"] == status for goal in summary["goals"]) for status in GoalStatus}
    words = [f"{count} {status.value.replace('_', ' ')}" for status, count in counts.items() if count]
    took = duration(summary["wall_seconds"])
    return f"{counts[GoalStatus.SOLVED]} of {counted(total, 'goal')} solved and verified in {took}: {', '.join(words)}"
