"""What is printed at the end of a run, at any width, with colours and without."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from run_summaries import a_goal, a_summary

from orchestrator.cli.terminal import say, show_goals, show_problems, show_summary, show_verdicts
from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.source.project import FileProblem
from orchestrator.text import duration

OUT = Path("/results/with a rather long name, so that some lines are longer than a terminal is wide/out")


def console(width: int = 80, **options: Any) -> Console:
    return Console(file=io.StringIO(), width=width, **options)


def text(shown: Console) -> str:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


def summary_text(summary: dict[str, Any], width: int = 80, *commands: str) -> str:
    shown = console(width)
    show_summary(shown, summary, OUT, commands)
    return text(shown)


@pytest.mark.parametrize("width", [80, 120, 140])
def test_every_goal_has_a_line_with_where_what_and_how(width: int) -> None:
    long = a_goal("solved", tactics=["simp only [Grove.Expr.mulSimp, Grove.Expr.eval]", "all_goals grind"])
    lines = summary_text(a_summary(long, a_goal("open"), a_goal("rejected", note="uses an axiom")), width).splitlines()
    header, first, second, third = lines[1:5]
    assert header.split() == ["where", "declaration", "status", "strategy", "time", "proof"]
    assert all(len(line) <= width for line in lines[1:5])
    assert all(".lean:43" in line and "sumTo_add" in line for line in (first, second, third))
    assert "micro" in first
    assert "simp only" in first
    assert "open" in second
    assert "out of time" in second
    assert "uses an axiom" in third


def test_the_end_says_how_many_and_what_next() -> None:
    solved, conditional, skipped = a_goal("solved"), a_goal("conditional"), a_goal("skipped")
    marks = [{"change": "added"}, {"change": "removed"}]
    summary = a_summary(solved, conditional, skipped, a_goal("open"), blueprint=marks)
    shown = summary_text(summary, 80, "git apply x", "git apply y")
    assert "1 of 4 goals solved and verified in 3 min 28 s: 1 solved, 1 conditional, 1 open, 1 skipped" in shown
    assert "Blueprint: 1 mark to add, 1 to remove" in shown
    assert f"Results: {OUT}" in shown
    assert "Next: git apply x\n      git apply y\n" in shown


def test_a_run_that_ended_early_says_so() -> None:
    assert "The run ended early: it was asked to stop." in summary_text(
        a_summary(a_goal(), stopped="it was asked to stop")
    )


def test_nothing_to_prove_is_said_in_words() -> None:
    shown = summary_text(a_summary())
    assert "No open goals: there is nothing to prove" in shown
    assert "declaration" not in shown


def test_files_left_out_are_said_last_and_nothing_is_claimed() -> None:
    words = "3 of 7 files worked on; 50 sorries in the others: they import Mathlib"
    lost = {"files": 7, "worked_on": 3, "sorries": 50, "why": ["import Mathlib"], "words": words}
    shown = summary_text(a_summary(coverage=lost))
    assert "nothing to prove" not in shown
    assert f"No sorry could be worked on\nnot all files: {words}\n" in shown


def test_many_goals_are_counted_file_by_file_and_what_is_solved_can_be_left_out() -> None:
    goals = [
        a_goal(status, file=f"A/{'Long' * 12}{n % 3}.lean", declaration=f"d{n}")
        for n in range(150)
        for status in ("solved", "open")
    ]
    lines = summary_text(a_summary(*goals)).splitlines()
    assert lines[1].split() == ["file", "solved", "open"]
    assert len(lines) < 15
    assert lines[2].split()[-2:] == ["50", "50"]
    shown = console()
    show_summary(shown, a_summary(*goals[:4]), OUT, (), only_problems=True)
    assert ("d1" in text(shown), text(shown).count(" solved ")) == (True, 1)


def test_problems_and_notes_are_there_in_full() -> None:
    problem = {"file": "A.lean", "message": "3:5: " + "unexpected token " * 10}
    shown = summary_text(a_summary(a_goal(), problems=[problem], notes=["the folder has changes"]))
    assert f"left out A.lean: {problem['message']}" in shown
    assert "note: the folder has changes" in shown


def test_what_a_repository_holds_is_neither_markup_nor_a_command_to_the_terminal() -> None:
    evil = a_goal("solved", declaration="[red]x[/red]\x1b[2J", tactics=["[/]\x07"])
    shown = summary_text(a_summary(evil, problems=[{"file": "[b]\x1b]0;title\x07", "message": "m"}]))
    assert "[red]x[/red]�[2J" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_colours_only_where_they_are_wanted() -> None:
    coloured = console(force_terminal=True, color_system="standard")
    show_summary(coloured, a_summary(a_goal("solved")), OUT, ())
    assert "\x1b[32msolved" in text(coloured)
    plain = console(force_terminal=True, no_color=True, color_system="standard")
    say(plain, "red", "error:", "no")
    assert "\x1b[31m" not in text(plain)


def test_sorries_are_listed() -> None:
    span = SourceSpan(Position(7, 2), Position(7, 7))
    shown = console()
    show_goals(shown, [Goal("0123456789ab", "n : Nat\n⊢ n = n", file="A.lean", declaration="A.b", span=span)])
    (header, row, total) = text(shown).splitlines()
    assert header.split() == ["id", "where", "declaration", "kind", "goal"]
    assert row.split() == ["0123456789ab", "A.lean:7", "A.b", "tactic", "n", "=", "n"]
    assert total == "1 sorry"
    empty = console()
    show_goals(empty, [])
    assert text(empty) == "0 sorries\n"


def test_verdicts_say_why() -> None:
    refused = Verdict("A.b", "A.lean", VerdictStatus.FAILED, (Check(CheckName.NO_SORRY, False, "sorryAx"),))
    conditional = Verdict("A.c", "A.lean", VerdictStatus.CONDITIONAL, axioms=("propext",), rests_on=("A.d",))
    shown = console(140)
    show_verdicts(shown, [refused, conditional])
    _, first, second = text(shown).splitlines()
    assert "failed" in first
    assert "no sorry below it" in first
    assert "propext" in second
    assert "rests on A.d" in second


def test_a_problem_without_a_file_is_shown_too() -> None:
    shown = console()
    show_problems(shown, [FileProblem("", "the lakefile is odd"), FileProblem("A.lean", "is odd")])
    assert text(shown) == "left out the lakefile is odd\nleft out A.lean: is odd\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (208.2, "3 min 28 s"),
        (3599.6, "1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
