"""The result of a run as data and as text."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.blueprint.sync import Mark
from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.result import GoalStatus, Outcome, Result, StrategyType
from orchestrator.run.report.render import to_html, to_markdown
from orchestrator.run.report.summary import (
    AttemptEntry,
    GoalReport,
    Summary,
    attempts_jsonl,
    counts,
    status_of,
)
from orchestrator.source.project import FileProblem

STARTED = datetime(2025, 9, 30, 21, 45, tzinfo=UTC)
MICRO, SKETCH = StrategyType.MICRO, StrategyType.SKETCH
PROVED = Result(True, MICRO, ("intro h", "exact h"), 1.23456)
FAILED = Result(False, SKETCH, outcome=Outcome.NOT_PROVED, time_seconds=2.0)


def goal(name: str, line: int = 1) -> Goal:
    """A goal of a file."""
    span = SourceSpan(Position(line, 2), Position(line, 7))
    return Goal(name, "⊢ p", file="Grove/Tree.lean", declaration=f"Grove.{name}", span=span)


def verdict(status: VerdictStatus, **more: Any) -> Verdict:
    """A verdict with one check."""
    passed = status is not VerdictStatus.FAILED
    check = Check(CheckName.AXIOMS, passed, "" if passed else "bad")
    return Verdict("d", "f", status, (check,), ("propext",), not_checked=("something",), **more)


REPORTS = (
    GoalReport(goal("a", 3), GoalStatus.SOLVED, PROVED, verdict(VerdictStatus.PASSED)),
    GoalReport(goal("b", 9), GoalStatus.OPEN, FAILED, note="not proved"),
    GoalReport(goal("c"), GoalStatus.SKIPPED, note="asks for data"),
    GoalReport(goal("d"), GoalStatus.CONDITIONAL, PROVED, verdict(VerdictStatus.CONDITIONAL, rests_on=("Grove.b",))),
    GoalReport(goal("e"), GoalStatus.REJECTED, PROVED, verdict(VerdictStatus.FAILED), "not so: bad"),
)


def attempt(name: str, result: Result) -> AttemptEntry:
    """An attempt."""
    assert result.strategy is not None
    return AttemptEntry(goal(name), result.strategy, result, STARTED)


def summary(**changes: Any) -> Summary:
    """A run."""
    attempts = (
        attempt("a", PROVED),
        attempt("b", Result(False, MICRO, outcome=Outcome.TIMEOUT)),
        attempt("b", FAILED),
        attempt("d", PROVED),
        attempt("e", PROVED),
        attempt("e", Result(False, SKETCH, outcome=Outcome.CANCELLED)),
        attempt("c", Result(False, StrategyType.COPILOT, outcome=Outcome.UNAVAILABLE)),
    )
    plain: dict[str, Any] = {
        "run_id": "r1",
        "repo": "/repo",
        "ref": "HEAD",
        "commit": "0123456789abcdef",
        "started": STARTED,
        "wall_seconds": 61.23456,
        "goals": REPORTS,
        "attempts": attempts,
        "config": {"timeout": 120, "profile": 1},
        "lean": "Lean 4.28.0 (embedded)",
    }
    return Summary(**{**plain, **changes})


def test_only_real_trials_count_for_a_strategy() -> None:
    assert summary().strategies == {MICRO: (4, 3), SKETCH: (1, 0)}
    assert counts(FAILED)
    assert not counts(Result(False, MICRO, outcome=Outcome.CANCELLED))


def test_the_results_format_of_the_benchmark_runner() -> None:
    found = summary().to_dict()
    assert {key: found[key] for key in ("timestamp", "goals_total", "goals_processed", "goals_solved")} == {
        "timestamp": "20250930-214500",
        "goals_total": 5,
        "goals_processed": 5,
        "goals_solved": 1,
    }
    assert found["strategies"] == {"micro": {"used": 4, "succeeded": 3}, "sketch": {"used": 1, "succeeded": 0}}
    assert found["config"] == {"timeout": 120, "profile": 1}
    assert (found["goals_conditional"], found["wall_seconds"], found["stopped"]) == (1, 61.235, "")


def test_a_goal_solved_without_an_attempt_was_processed_and_an_untouched_one_was_not() -> None:
    assert summary(attempts=()).processed == 1
    assert summary(goals=(), attempts=()).processed == 0


def test_what_is_said_of_a_goal() -> None:
    first, second, *_ = summary().to_dict()["goals"]
    assert first == {
        "id": "a",
        "file": "Grove/Tree.lean",
        "line": 3,
        "declaration": "Grove.a",
        "kind": "tactic",
        "status": "solved",
        "strategy": "micro",
        "tactics": ["intro h", "exact h"],
        "time_seconds": 1.235,
        "goal": "⊢ p",
        "note": "",
        "verdict": {
            "status": "passed",
            "axioms": ["propext"],
            "rests_on": [],
            "reason": "",
            "checks": [{"check": "only allowed axioms below it", "passed": True, "detail": ""}],
            "not_checked": ["something"],
            "warnings": [],
        },
    }
    assert (second["status"], second["verdict"], second["note"]) == ("open", None, "not proved")


def test_the_file_is_json_with_plain_characters() -> None:
    text = summary().to_json()
    assert json.loads(text) == summary().to_dict()
    assert "⊢ p" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("given_", "status"),
    [
        (None, GoalStatus.OPEN),
        (verdict(VerdictStatus.PASSED), GoalStatus.SOLVED),
        (verdict(VerdictStatus.PARTIAL), GoalStatus.SOLVED),
        (verdict(VerdictStatus.CONDITIONAL), GoalStatus.CONDITIONAL),
        (verdict(VerdictStatus.FAILED), GoalStatus.REJECTED),
    ],
)
def test_a_goals_status_follows_from_the_verdict(given_: Verdict | None, status: GoalStatus) -> None:
    assert status_of(given_) is status


def test_attempts_are_one_a_line() -> None:
    odd = Result(False, MICRO, error="line\nend", metadata={"when": STARTED, "n": 1})
    lines = attempts_jsonl([attempt("a", PROVED), attempt("b", odd)]).splitlines()
    first, second = map(json.loads, lines)
    assert first == {
        "goal": "a",
        "declaration": "Grove.a",
        "strategy": "micro",
        "outcome": "proved",
        "success": True,
        "time_seconds": 1.235,
        "tactics": ["intro h", "exact h"],
        "error": "",
        "timestamp": "2025-09-30T21:45:00+00:00",
        "metadata": {},
    }
    assert (second["outcome"], second["error"], second["metadata"]["n"]) == ("error", "line\nend", 1)
    assert attempts_jsonl([]) == ""


def test_rows_for_a_table() -> None:
    rows = summary().rows()
    assert [row["status"] for row in rows] == ["solved", "open", "skipped", "conditional", "rejected"]
    assert rows[0]["proof"] == "intro h ↵ exact h"
    assert (rows[1]["proof"], rows[1]["note"], rows[1]["line"]) == ("", "not proved", 9)
    assert (rows[2]["strategy"], rows[2]["seconds"]) == ("", 0.0)


def test_the_report() -> None:
    report = to_markdown(
        summary(
            problems=(FileProblem("Grove/Bad.lean", "1:0: unknown `x`"),),
            notes=("the folder has *changes*",),
            blueprint=(Mark("thm:a", "blueprint/a.tex", 4, "proof", "added"),),
            stopped="it was asked to stop",
        )
    )
    assert report.startswith("# /repo at `0123456789ab`\n\n**1 of 5** sorries closed and verified, 1 more conditional")
    assert "in 1 min 1 s on Lean 4.28.0 (embedded)." in report
    assert "The run ended early: it was asked to stop." in report
    assert "| `Grove.a` | Grove/Tree.lean:3 | solved | micro | 1.2 s | `intro h ↵ exact h` |" in report
    assert "| `Grove.b` | Grove/Tree.lean:9 | open |  |  | not proved |" in report
    assert "**Strategies.** micro proved 3 of 4 tried; sketch proved 0 of 1 tried." in report
    assert "**Files left out.** `Grove/Bad.lean` (1:0: unknown \\`x\\`)." in report
    assert "**Notes.** the folder has \\*changes\\*." in report
    assert "**Blueprint.** `\\leanok` added (proof of `thm:a`)." in report


def test_the_report_fits_a_comment_and_says_what_it_leaves_out() -> None:
    many = tuple(GoalReport(goal(f"g{n}", n), report.status, report.result) for n in range(50) for report in REPORTS)
    report = to_markdown(
        summary(goals=many, attempts=(), notes=["a"] * 30, problems=[FileProblem("A.lean", "no")] * 30),
        plots=("solved.svg",),
    )
    assert report.count("\n") <= 60
    assert "`Grove.g0`" in report
    assert re.search(r"And \d+ more: see `report.html`", report)
    assert "and 22 more, in `report.html`" in report


def test_the_page_stands_alone_and_has_every_statement_and_proof() -> None:
    page = to_html(summary(trades=(), problems=(FileProblem("Grove/Bad.lean", "imports <b>"),)))
    assert not re.search(r"<(script|link|img)|src=|url\(", page)
    text = re.sub("<[^>]+>", "", page)
    assert text.count("⊢ p") == len(REPORTS)
    assert text.count("intro h\nexact h") == 3
    assert "asks for data" in text
    assert "imports &lt;b&gt;" in page


def test_what_did_not_happen_is_not_in_the_report() -> None:
    report = to_markdown(summary(goals=REPORTS[:1], attempts=()))
    for title in ("Strategies", "to look at", " left<", "Blueprint", "Files left out", "Notes", "ended early"):
        assert title not in report
    assert "**1 of 1** sorries closed and verified, in" in report


ODD = st.text(alphabet="ab |`\\\n\r<*_[]#", max_size=12)


@given(ODD, ODD, ODD)
def test_no_text_breaks_the_table(name: str, script: str, note: str) -> None:
    proved = GoalReport(Goal("g", "⊢ p", declaration=name), GoalStatus.SOLVED, Result(True, MICRO, (script,)))
    unproved = GoalReport(Goal("g", "⊢ p", declaration=name), GoalStatus.OPEN, FAILED, note=note)
    report = to_markdown(summary(goals=(proved, unproved), attempts=()))
    rows = [line for line in report.splitlines() if line.startswith("|")]
    assert len(rows) == 6
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 7, row
        assert "<" not in re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", row), row
