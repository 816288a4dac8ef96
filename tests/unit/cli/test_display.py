"""Progress as it is shown: plain lines in a log, a bar on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from orchestrator.cli.progress import RunDisplay
from orchestrator.goals.events import (
    AttemptStarted,
    GoalDone,
    Notice,
    RunEvent,
    StageProgress,
    StageStarted,
    StopRequested,
)
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType

GOALS = [Goal(f"g{i}", "⊢ True", declaration=f"T.goal{i}") for i in range(3)]
PROVED = Result(success=True, strategy=StrategyType.MICRO, tactics=("intro x", "simp"))
KNOWN = Result(success=True, strategy=StrategyType.MICRO, tactics=("rfl",), known=True)
FAILED = Result(success=False, outcome=Outcome.NOT_PROVED)
CANCELLED = Result(success=False, outcome=Outcome.CANCELLED)
NOT_REACHED = Result(success=False, outcome=Outcome.TIMEOUT)


def lines(*events: RunEvent) -> list[str]:
    """What a log shows of these events."""
    out = io.StringIO()
    display = RunDisplay(Console(file=out, width=140))
    with display.running():
        for event in events:
            display(event)
    return out.getvalue().splitlines()


def test_a_log_has_a_line_for_every_stage_and_proof() -> None:
    assert lines(
        StageStarted("checkout", "grove at HEAD"),
        StageStarted("extract", "2 files", 2),
        StageProgress("A.lean", 0),
        Notice("the project asks for another Lean"),
        StageStarted("prove", "3 goals", 3),
        AttemptStarted(GOALS[0], StrategyType.MICRO, 8.0),
        GoalDone(GOALS[0], FAILED),
        GoalDone(GOALS[1], PROVED),
        GoalDone(GOALS[2], KNOWN),
    ) == [
        "checkout  grove at HEAD",
        "extract   2 files",
        "  note: the project asks for another Lean",
        "prove     3 goals",
        "  2/3 found T.goal1: intro x ↵ simp",
        "  3/3 known T.goal2: rfl",
        "  3 of 3 goals done, 2 with a proof",
    ]


def test_goals_that_a_stop_kept_from_being_tried_are_not_done() -> None:
    assert lines(
        StageStarted("prove", "3 goals", 3),
        GoalDone(GOALS[0], PROVED),
        StopRequested(),
        GoalDone(GOALS[1], CANCELLED),
        GoalDone(GOALS[2], NOT_REACHED),
        StopRequested(at_once=True),
    )[2:] == [
        "stopping: nothing new is tried; what was found is verified and written (once more stops at once)",
        "  1 of 3 goals done, 1 with a proof",
        "stopping: at once",
    ]


def test_no_goals_are_no_news() -> None:
    assert lines(StageStarted("prove", "0 goals", 0)) == ["prove     0 goals"]


def test_long_lines_of_a_log_are_kept_whole() -> None:
    long = Result(success=True, tactics=("simp [" + ", ".join(f"Lemma{i}" for i in range(60)) + "]",))
    assert lines(StageStarted("prove", "", 2), GoalDone(GOALS[0], long))[1].endswith("Lemma59]")


def test_a_terminal_shows_a_bar_and_what_is_being_done() -> None:
    out = io.StringIO()
    display = RunDisplay(Console(file=out, width=80, force_terminal=True, force_interactive=True, color_system=None))
    with display.running():
        display(StageStarted("extract", "10 files", 10))
        display(StageProgress("Grove/[odd].lean", 4))
        display._progress.refresh()
    shown = out.getvalue()
    assert "Grove/[odd].lean" in shown
    assert " 4/10" in shown
