"""What the command line shows: progress while a run goes on, and its tables. Plain lines when not a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from orchestrator.goal import Goal
from orchestrator.observer import GoalsFound, RunEvent, StageProgress, StageStarted
from orchestrator.result import GoalStatus
from orchestrator.scheduling.ports import AttemptStarted, GoalDone
from orchestrator.verdict import Verdict, VerdictStatus

_STYLES = {
    GoalStatus.SOLVED: "green",
    GoalStatus.CONDITIONAL: "yellow",
    GoalStatus.OPEN: "dim",
    GoalStatus.LOOKS_FALSE: "magenta",
    GoalStatus.REJECTED: "red",
    GoalStatus.SKIPPED: "dim",
}


class RunDisplay:
    """Shows run events: live bars on a terminal, a line for each stage and each solved goal elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._stage = self._progress.add_task("starting", total=None)
        self._done = 0
        self._total = 0
        self._solved = 0

    @contextmanager
    def running(self) -> Iterator[RunDisplay]:
        """Show progress inside the block."""
        if not self._live:
            yield self
            return
        with self._progress:
            yield self

    def __call__(self, event: RunEvent) -> None:
        """Take an event."""
        match event:
            case StageStarted(stage, detail):
                self._console.print(f"[bold]{escape(stage)}[/bold] {escape(detail)}".rstrip(), highlight=False)
                self._progress.reset(self._stage, description=escape(stage), total=None)
            case StageProgress(detail, _):
                self._progress.update(self._stage, description=escape(detail[:60]))
            case GoalsFound(total):
                self._total = total
            case AttemptStarted(goal, strategy, _):
                self._progress.update(
                    self._stage,
                    description=f"{strategy.value} on {escape(goal.declaration[:40])}",
                    total=self._total,
                    completed=self._done,
                )
            case GoalDone(goal, result):
                self._goal_done(goal, result.success, result.tactics)
            case _:
                pass

    def _goal_done(self, goal: Goal, success: bool, tactics: Sequence[str]) -> None:
        self._done += 1
        self._solved += success
        self._progress.update(self._stage, total=self._total, completed=self._done)
        if success:
            script = escape(" ↵ ".join(tactics))
            self._console.print(
                f"  [{self._done}/{self._total}] [green]proved[/green] {escape(goal.declaration)}: {script}",
                highlight=False,
                soft_wrap=True,
            )


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """A verdict for each declaration."""
    styles = {
        VerdictStatus.PASSED: "green",
        VerdictStatus.PARTIAL: "cyan",
        VerdictStatus.CONDITIONAL: "yellow",
        VerdictStatus.FAILED: "red",
    }
    table = Table(title="Verdicts", title_justify="left")
    for name in ("declaration", "file", "verdict", "axioms", "why"):
        table.add_column(name, overflow="fold")
    for verdict in verdicts:
        why = verdict.reason or (f"rests on {', '.join(verdict.rests_on)}" if verdict.rests_on else "")
        table.add_row(
            escape(verdict.declaration),
            escape(verdict.file),
            f"[{styles[verdict.status]}]{verdict.status.value}[/]",
            escape(", ".join(verdict.axioms) or "none"),
            escape(why),
        )
    return table


def extraction_table(goals: Sequence[Goal]) -> Table:
    """The open places of a repository."""
    table = Table(title=f"{len(goals)} open places", title_justify="left")
    table.add_column("id", no_wrap=True)
    table.add_column("where", overflow="fold")
    table.add_column("declaration", overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("goal", overflow="ellipsis", no_wrap=True, max_width=60)
    for goal in goals:
        line = goal.span.start.line if goal.span else 0
        first_line = goal.target.split("\n")[0]
        table.add_row(
            goal.id, escape(f"{goal.file}:{line}"), escape(goal.declaration), goal.kind.value, escape(first_line)
        )
    return table


def show_summary(console: Console, summary: Mapping[str, Any], out: Path) -> None:
    """The end of a run: every goal, then what to do with the results. `summary` is the content of summary.json."""
    table = Table(title="Goals", title_justify="left")
    for name in ("goal", "where", "status", "strategy"):
        table.add_column(name, overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("proof", overflow="ellipsis", no_wrap=True, max_width=48)
    for goal in summary["goals"]:
        status = GoalStatus(goal["status"])
        found = bool(goal["tactics"])
        table.add_row(
            escape(goal["declaration"]),
            escape(f"{goal['file']}:{goal['line']}"),
            f"[{_STYLES[status]}]{status.value.replace('_', ' ')}[/]",
            (goal["strategy"] or "") if found else "",
            f"{goal['time_seconds']:.1f} s",
            escape(" ↵ ".join(goal["tactics"])) if found else f"[dim]{escape(goal['note'])}[/dim]",
        )
    console.print(table)
    for problem in summary["problems"]:
        console.print(
            f"[yellow]left out[/yellow] {escape(problem['file'])}: {escape(problem['message'])}", soft_wrap=True
        )
    for note in summary["notes"]:
        console.print(f"[yellow]note[/yellow] {escape(note)}", soft_wrap=True, highlight=False)
    added = sum(1 for mark in summary["blueprint"] if mark["change"] == "added")
    removed = len(summary["blueprint"]) - added
    console.print(
        f"[bold]{summary['goals_solved']} of {summary['goals_total']}[/bold] sorries closed and verified, "
        f"{summary['goals_conditional']} conditional; blueprint: {added} marks added, {removed} removed; "
        f"{summary['wall_seconds']:.0f} s",
        highlight=False,
        soft_wrap=True,
    )
    if summary["stopped"]:
        console.print(f"[yellow]The run ended early: {escape(summary['stopped'])}.[/yellow]")
    console.print(
        f"Results are in {escape(str(out))}; take the proofs with: git apply {escape(str(out))}/proofs.patch",
        soft_wrap=True,
        highlight=False,
    )
