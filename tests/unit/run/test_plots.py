"""A run's plots and its page: well-formed, true to the figures, and harmless whatever a repository is called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.result import GoalStatus, Result, StrategyType
from orchestrator.run.report.plots import files_plot, solved_plot, strategies_plot
from orchestrator.run.report.render import to_html
from orchestrator.run.report.summary import AttemptEntry, GoalReport, Summary

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def summary(*statuses: GoalStatus, name: str = "g", after: float = 10.0) -> Summary:
    """A run in which the n-th goal was tried at `after` · n seconds, and proved unless it stayed open."""
    reports, attempts = [], []
    for number, status in enumerate(statuses, start=1):
        span = SourceSpan(Position(number, 2), Position(number, 7))
        goal = Goal(
            f"{name}{number}", "⊢ p", file=f"{name}/F{number % 2}.lean", declaration=f"{name}.{number}", span=span
        )
        proved = status is not GoalStatus.OPEN
        result = Result(proved, StrategyType.MICRO, ("simp",) if proved else (), 1.5, error="" if proved else "timeout")
        reports.append(GoalReport(goal, status, result, note=name))
        attempts.append(AttemptEntry(goal, StrategyType.MICRO, result, STARTED + timedelta(seconds=after * number)))
    return Summary(
        run_id="r",
        repo=name,
        ref="HEAD",
        commit="c" * 40,
        started=STARTED,
        wall_seconds=100,
        goals=reports,
        attempts=attempts,
        config={},
        notes=(name,),
        lean=name,
    )


RUN = summary(GoalStatus.SOLVED, GoalStatus.OPEN, GoalStatus.SOLVED, GoalStatus.CONDITIONAL, GoalStatus.REJECTED)


def test_the_curve_rises_once_for_each_goal_that_the_gate_passed() -> None:
    tree = ElementTree.fromstring(solved_plot(RUN))
    (curve,) = [path for path in tree.iter(f"{SVG}path") if path.get("class") == "l"]
    points = [tuple(map(float, point.split())) for point in str(curve.get("d"))[1:].split("L")]
    heights = [y for _, y in points]
    assert len(set(heights)) == 3
    assert heights == sorted(heights, reverse=True)
    rises = [round(later[0]) for earlier, later in pairwise(points) if later[1] < earlier[1]]
    # The plot is 568 pixels wide from 56 on, for 100 s: proofs after 10 s and 30 s.
    assert rises == [round(56 + 56.8), round(56 + 170.4)]


def test_goals_known_from_before_are_there_from_the_start() -> None:
    run = summary(GoalStatus.SOLVED, GoalStatus.SOLVED)
    object.__setattr__(run, "attempts", run.attempts[:1])
    tree = ElementTree.fromstring(solved_plot(run))
    assert tree.findtext(f"{SVG}title") == "2 of 2 goals solved, against time"


def test_bars_are_as_long_as_their_counts() -> None:
    tree = ElementTree.fromstring(files_plot(RUN))
    by_kind: dict[str, float] = {}
    for bar in tree.iter(f"{SVG}rect"):
        by_kind[str(bar.get("class"))] = by_kind.get(str(bar.get("class")), 0) + float(str(bar.get("width")))
    assert by_kind["s"] == pytest.approx(2 * by_kind["c"], abs=0.3)
    assert by_kind["o"] == pytest.approx(by_kind["r"], abs=0.3)
    assert "4 of 5, 7.5 s" in "".join(ElementTree.fromstring(strategies_plot(RUN)).itertext())


@pytest.mark.parametrize("plot", [solved_plot, strategies_plot, files_plot])
@given(name=st.text(max_size=40))
def test_whatever_things_are_called_a_plot_is_xml(plot: object, name: str) -> None:
    assert callable(plot)
    for run in (summary(name=name), summary(GoalStatus.SOLVED, name=name)):
        ElementTree.fromstring(plot(run))


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}


def test_a_page_runs_nothing_and_loads_nothing() -> None:
    page = to_html(summary(GoalStatus.SOLVED, GoalStatus.OPEN, name="<script>alert(1)</script><img src=x onerror=y>"))
    assert not Tags(page).seen & {"script", "img", "src", "href", "onerror", "link", "iframe"}
    assert "default-src 'none'" in page
    assert page.count("<svg") == 3


def test_the_page_says_what_the_report_says() -> None:
    page = to_html(RUN)
    assert "<strong>2 of 5</strong> sorries closed and verified, 1 more conditional on another sorry" in page
    assert "<code>g/F1.lean:1</code>" in page
    assert '<span class="n">simp</span>' in page
