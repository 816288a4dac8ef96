"""What the command line prints: its tables, the end of a run, and lines with a coloured label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from orchestrator.blueprint.report import NodeLine, Report
from orchestrator.cli.tables import HEAD, RIGHT, TAIL, WHOLE, table
from orchestrator.gate.verdict import Verdict, VerdictStatus
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus
from orchestrator.lean.doctor import Finding, Level
from orchestrator.source.project import FileProblem
from orchestrator.text import counted, duration, harmless

LOG_WIDTH = 140
"""Characters in a line where there is no terminal to ask."""
MOST_ROWS = 100
"""What is more than this is counted file by file."""

_STATUS_STYLES = {
    GoalStatus.SOLVED: "green",
    GoalStatus.CONDITIONAL: "yellow",
    GoalStatus.OPEN: "dim",
    GoalStatus.NOT_TRIED: "dim",
    GoalStatus.FOUND: "cyan",
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


def tell(console: Console, text: str, style: str = "") -> None:
    """Print a text as it is, which is not cut off wherever the line ends."""
    console.print(Text(harmless(text), style), soft_wrap=True)


def say(console: Console, style: str, label: str, text: str) -> None:
    """Print a coloured label and a text, which is not cut off wherever the line ends."""
    console.print(Text.assemble((label, style), " ", harmless(text)), soft_wrap=True)


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """What a doctor found, a line each, with what fixes it."""
    for finding in findings:
        fix = f"  →  {finding.fix}" if finding.fix else ""
        say(console, _FINDING_STYLES[finding.level], f"{finding.level.value:>4}", f" {finding.what}{fix}")


def show_problems(console: Console, problems: Sequence[FileProblem]) -> None:
    """Files left out, a line each."""
    for problem in problems:
        say(console, "yellow", "left out", f"{problem.path}: {problem.message}" if problem.path else problem.message)


def show_goals(console: Console, goals: Sequence[Goal], *, every: bool = False) -> None:
    """The sorries of a repository, as extraction saw them; many are counted file by file, unless `every` is set."""
    columns = {"id": WHOLE, "where": WHOLE, "declaration": TAIL, "kind": WHOLE, "goal": HEAD}
    rows = [
        (
            (goal.id, "dim"),
            f"{goal.file}:{goal.span.start.line if goal.span else 0}",
            goal.declaration,
            goal.kind.value,
            goal.target,
        )
        for goal in goals
    ]
    if len(rows) > MOST_ROWS and not every:
        show_by_file(console, [(goal.file, goal.kind.value) for goal in goals])
    elif rows:
        console.print(table(columns, rows))
    tell(console, counted(len(goals), "sorry", "sorries"))


def show_by_file(console: Console, found: Sequence[tuple[str, str]], order: Sequence[str] = ()) -> None:
    """How many there are of each kind in each file, of files and kinds; `order` is that of the kinds."""
    counts = Counter(found)
    present = [kind for kind in order or sorted({kind for _, kind in found}) if any(kind == one for _, one in found)]
    rows = [(file, *(str(counts[file, kind] or "") for kind in present)) for file in dict.fromkeys(f for f, _ in found)]
    console.print(table({"file": WHOLE, **dict.fromkeys(present, RIGHT)}, rows))
    if not order:
        tell(console, "--every lists each one", "dim")


def show_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """A verdict for each declaration."""
    columns = {"declaration": TAIL, "file": WHOLE, "verdict": WHOLE, "axioms": HEAD, "why": HEAD}
    rows = [
        (
            verdict.declaration,
            verdict.file,
            (verdict.status.value, _VERDICT_STYLES[verdict.status]),
            (verdict.axioms_seen, "dim"),
            verdict.conclusion,
        )
        for verdict in verdicts
    ]
    if rows:
        console.print(table(columns, rows))


def show_blueprint(console: Console, report: Report, *, every: bool = False, only_problems: bool = False) -> None:
    """A blueprint's nodes that are not done, all of them, or those with a problem; what is next; and the numbers.

    Many are counted file by file unless `every` one is asked for.
    """
    shown = [line for line in report.lines if every or not line.done or line.notes]
    if only_problems:
        shown = [line for line in report.lines if line.wrong or line.refuted]
    if len(shown) > MOST_ROWS and not every:
        show_by_file(console, [(line.where.rpartition(":")[0], _standing(line)) for line in shown])
        console.print()
        shown = []
    columns = {"node": HEAD, "where": WHOLE, "statement": WHOLE, "proof": WHOLE, "notes": HEAD}
    rows = [
        (
            line.key,
            (line.where, "dim"),
            (line.statement, "green" if line.done else ""),
            (line.proof, {"proved": "green", "conditional": "yellow"}.get(line.proof, "")),
            ("; ".join(line.notes), "red" if line.wrong else ""),
        )
        for line in shown
    ]
    if rows:
        console.print(table(columns, rows))
        console.print()
    for problem in report.problems:
        say(console, "yellow", "note:", problem)
    for cycle in report.cycles:
        say(console, "yellow", "circle:", " → ".join((*cycle, cycle[0])))
    ready = [f"{key} ({waiting} waiting)" if waiting else key for key, waiting in report.ready]
    for label, names in (("ready to be proved:", ready), ("not in the project's text:", report.not_seen)):
        more = len(names) - _MOST_NAMES
        if names:
            say(console, "bold", label, ", ".join([*names[:_MOST_NAMES], *([f"and {more} more"] if more > 0 else [])]))
    counts = report.counts
    done = sum(line.done for line in report.lines)
    tell(
        console,
        f"{report.root}: {counted(counts.nodes, 'node')}, {counted(counts.declarations, 'declaration')} named, "
        f"{counted(counts.statement_marks, 'statement')} and {counted(counts.proof_marks, 'proof')} marked, "
        f"{counts.mathlib} in Mathlib, {counts.not_ready} not ready, {counted(counts.uses, 'use')}",
    )
    said = {"lean": "Lean says", "partly": "Lean, which saw some files only, says"}.get(report.by, "The text shows")
    tell(
        console,
        f"{said}: {done} done, {counted(report.false_marks, 'false mark')}, "
        f"{counted(report.unmarked, 'missing mark')}, {counted(len(report.missing), 'missing declaration')}"
        + (", lean_decls is out of date" if report.stale_lean_decls else "")
        + (f"; {report.unchecked} of {counted(report.marks, 'mark')} could not be checked" if report.unchecked else ""),
    )


def _standing(line: NodeLine) -> str:
    if line.wrong:
        return "wrong"
    if line.refuted:
        return "looks false"
    return "done" if line.done else line.proof or line.statement


_MOST_NAMES = 12
_MOST_PROBLEMS = 10


def show_summary(
    console: Console, summary: Mapping[str, Any], out: Path, commands: Sequence[str], *, only_problems: bool = False
) -> None:
    """The end of a run: every goal, what it adds up to, and the `commands` to type next.

    `summary` is the content of summary.json. Many goals are counted file by file.
    """
    goals = [goal for goal in summary["goals"] if not (only_problems and goal["status"] == GoalStatus.SOLVED)]
    console.print()
    if len(goals) > MOST_ROWS:
        words = [status.words for status in GoalStatus]
        show_by_file(console, [(goal["file"], GoalStatus(goal["status"]).words) for goal in goals], words)
        console.print()
    elif goals:
        columns = {
            "where": WHOLE,
            "declaration": TAIL,
            "status": WHOLE,
            "strategy": WHOLE,
            "time": RIGHT,
            "proof": HEAD,
        }
        console.print(table(columns, map(_goal_row, goals)))
        console.print()
    problems = [FileProblem(problem["file"], problem["message"]) for problem in summary["problems"]]
    show_problems(console, problems[:_MOST_PROBLEMS])
    if len(problems) > _MOST_PROBLEMS:
        say(console, "yellow", "left out", f"{len(problems) - _MOST_PROBLEMS} more, which report.md lists")
    for note in summary["notes"]:
        say(console, "yellow", "note:", note)
    if summary["stopped"]:
        say(console, "yellow", "The run ended early:", f"{summary['stopped']}.")
    tell(console, _totals(summary), "bold")
    if summary["coverage"]["words"]:
        say(console, "yellow", "not all files:", summary["coverage"]["words"])
    if summary["blueprint"]:
        added = sum(1 for mark in summary["blueprint"] if mark["change"] == "added")
        removed = len(summary["blueprint"]) - added
        tell(console, f"Blueprint: {counted(added, 'mark')} to add, {removed} to remove")
    tell(console, f"Results: {out}, report.md first")
    for label, command in zip(("Next:", *[""] * len(commands)), commands, strict=False):
        console.print(Text.assemble(f"{label:<6}", (harmless(command), "cyan")), soft_wrap=True)


def _goal_row(goal: Mapping[str, Any]) -> Sequence[str | tuple[str, str]]:
    status = GoalStatus(goal["status"])
    found = bool(goal["tactics"])
    return (
        f"{goal['file']}:{goal['line']}",
        goal["declaration"],
        (status.words, _STATUS_STYLES[status]),
        (goal["strategy"] or "") if found else "",
        duration(goal["time_seconds"]) if goal["time_seconds"] else "",
        (
            "\n".join(goal["tactics"]) if found and status is not GoalStatus.REJECTED else goal["note"],
            "" if found else "dim",
        ),
    )


def _totals(summary: Mapping[str, Any]) -> str:
    total = summary["goals_total"]
    if not total:
        lost = summary["coverage"]["sorries"]
        return "No sorry could be worked on" if lost else "No open goals: there is nothing to prove"
    counts = {status: sum(goal["status"] == status for goal in summary["goals"]) for status in GoalStatus}
    words = [f"{count} {status.words}" for status, count in counts.items() if count]
    took = duration(summary["wall_seconds"])
    return f"{counts[GoalStatus.SOLVED]} of {counted(total, 'goal')} solved and verified in {took}: {', '.join(words)}"
