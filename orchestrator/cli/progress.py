"""Progress while a run goes on: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from orchestrator.cli.terminal import say
from orchestrator.goals.events import (
    AttemptStarted,
    GoalDone,
    Notice,
    RunEvent,
    StageProgress,
    StageStarted,
    StopRequested,
)
from orchestrator.goals.events import (
    Progress as QueueProgress,
)
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result
from orchestrator.text import counted, duration, harmless, one_line


class RunDisplay:
    """Shows run events: live bars on a terminal, and a line for each stage and each proof found everywhere.

    An observer; the bars are there inside `running()`.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=20),
            _Counter(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            expand=True,
        )
        self._bar = self._progress.add_task("", total=None)
        self._total = 0
        self._seen = 0
        self._done = 0
        self._found = 0
        self._noticed: set[str] = set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show live bars inside the block, if this is a terminal."""
        if not self._console.is_interactive:
            yield
            return
        with self._progress:
            yield

    def __call__(self, event: RunEvent) -> None:
        """Take an event."""
        match event:
            case StageStarted(stage, detail, total):
                self._stage(stage, detail, total)
            case StageProgress(detail, done):
                self._progress.update(self._bar, description=escape(one_line(detail)), completed=done)
            case Notice(text):
                self._notice(text)
            case StopRequested(at_once):
                self._stopping(at_once)
            case AttemptStarted(goal, strategy, _):
                words = f"{strategy.value} on {one_line(goal.declaration)}"
                self._progress.update(self._bar, description=escape(words))
            case GoalDone(goal, result):
                self._goal_done(goal, result)
            case QueueProgress(seconds_left=float(left)):
                self._progress.update(self._bar, left=f", {duration(left)} left")

    def _stage(self, stage: str, detail: str, total: int) -> None:
        self._console.print(Text.assemble((f"{stage:<9}", "bold"), " ", harmless(detail)), soft_wrap=True)
        self._progress.remove_task(self._bar)
        self._bar = self._progress.add_task(escape(stage), total=total or None)
        self._total = total
        self._seen = self._done = self._found = 0

    def _notice(self, text: str) -> None:
        """What was said before Prefect started is not said again."""
        if text not in self._noticed:
            self._noticed.add(text)
            say(self._console, "yellow", "  note:", text)

    def _stopping(self, at_once: bool) -> None:
        words = "at once" if at_once else "nothing new is tried; what was found is verified and written"
        again = "" if at_once else " (once more stops at once)"
        say(self._console, "yellow", "stopping:", words + again)

    def _goal_done(self, goal: Goal, result: Result) -> None:
        self._seen += 1
        self._done += result.outcome is not Outcome.CANCELLED and not result.untried
        self._found += result.success
        self._progress.update(self._bar, completed=self._done)
        if result.success:
            line = Text.assemble(
                f"  {self._done:>{len(str(self._total))}}/{self._total} ",
                ("known" if result.known else "found", "green"),
                f" {one_line(goal.declaration)}: {one_line(chr(10).join(result.tactics))}",
            )
            live = self._console.is_interactive
            self._console.print(line, no_wrap=live, overflow="ellipsis" if live else "ignore", soft_wrap=not live)
        if self._seen == self._total:
            words = f"  {self._done} of {counted(self._total, 'goal')} done, {self._found} with a proof"
            self._console.print(words, highlight=False)


class _Counter(ProgressColumn):
    """How many pieces of work are done, where their number is known, and how much of the budget is left."""

    def render(self, task: Task) -> Text:
        """Such as "3/20, 24 min 10 s left"."""
        if task.total is None:
            return Text("")
        done = f"{task.completed:>{len(str(int(task.total)))}.0f}/{task.total:.0f}"
        return Text(f"{done}{task.fields.get('left', '')}")
