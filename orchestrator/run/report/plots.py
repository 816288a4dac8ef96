"""Plots of a run as SVG: goals solved against time, strategies, progress by file. Pure.

Each is a text that stands alone (a file, an image, a part of a page), follows the reader's dark or light theme, and
says in its title what it shows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from html import escape

from orchestrator.goals.result import GoalStatus, StrategyType
from orchestrator.run.report.summary import Summary, counts
from orchestrator.text import duration

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 14, 34
_ROW = 26
_STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#1d2320}.q{fill:#56605b}.g{stroke:#d9dcd6}"
    ".l{fill:none;stroke:#14614a;stroke-width:2}.a{fill:#cfe6da}.s{fill:#17643f}.c{fill:#a97900}.o{fill:#c3c9c4}.r{fill:#a1221f}"
    "@media(prefers-color-scheme:dark){text{fill:#e7ebe8}.q{fill:#a7b2ac}.g{stroke:#36403b}.l{stroke:#79d3b1}"
    ".a{fill:#1f4034}.s{fill:#4fae7d}.c{fill:#e0b64f}.o{fill:#4b544f}.r{fill:#ff9f98}}</style>"
)


PLOTS = {
    "solved.svg": "Goals solved against time",
    "strategies.svg": "Attempts that found a proof, by strategy",
    "files.svg": "Goals solved, by file",
}
"""The files, and what each shows."""


def plots(summary: Summary) -> dict[str, str]:
    """The content of each file of `PLOTS`."""
    return dict(zip(PLOTS, (solved_plot(summary), strategies_plot(summary), files_plot(summary)), strict=True))


def solved_plot(summary: Summary) -> str:
    """How many goals had a proof that the gate passed, against the seconds since the run began."""
    passed = {report.goal.id for report in summary.goals if report.status is GoalStatus.SOLVED}
    first: dict[str, datetime] = {}
    for attempt in summary.attempts:
        if attempt.result.success and attempt.goal.id in passed:
            first.setdefault(attempt.goal.id, attempt.timestamp)
    known = len(passed) - len(first)
    seconds = sorted(max(0.0, (at - summary.started).total_seconds()) for at in first.values())
    end = max([summary.wall_seconds, 1.0, *seconds])
    top = max(1, len(summary.goals))
    points = [(0.0, known)]
    for number, moment in enumerate(seconds, start=known + 1):
        points += [(moment, number - 1), (moment, number)]
    points.append((end, points[-1][1]))

    def x(value: float) -> float:
        return round(_LEFT + value / end * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM), 1)

    path = "L".join(f"{x(at)} {y(number)}" for at, number in points)
    marks = sorted({0, top // 2, top})
    lines = [f'<path class="g" d="M{_LEFT} {y(mark)}H{WIDTH - _RIGHT}"/>' for mark in marks]
    lines += [f'<text class="q" x="{_LEFT - 8}" y="{y(mark) + 4}" text-anchor="end">{mark}</text>' for mark in marks]
    lines += [
        f'<text class="q" x="{x(share * end)}" y="{HEIGHT - 10}" text-anchor="{anchor}">{duration(share * end)}</text>'
        for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    ]
    area = f'<path class="a" d="M{x(0)} {y(0)}L{path}L{x(end)} {y(0)}z"/>'
    title = f"{len(passed)} of {len(summary.goals)} goals solved, against time"
    return _svg(HEIGHT, title, [area, *lines, f'<path class="l" d="M{path}"/>'])


def strategies_plot(summary: Summary) -> str:
    """Attempts by strategy, and how many of them found a proof."""
    seconds = defaultdict[StrategyType, float](float)
    for attempt in summary.attempts:
        if counts(attempt.result):
            seconds[attempt.strategy] += attempt.result.time_seconds
    bars = [
        (name.value, [(won, "s"), (used - won, "o")], f"{won} of {used}, {duration(seconds[name])}")
        for name, (used, won) in summary.strategies.items()
    ]
    return _bars(PLOTS["strategies.svg"], bars)


def files_plot(summary: Summary) -> str:
    """Goals by file: solved, conditional, refused by the gate, and the others."""
    files = dict.fromkeys(report.goal.file for report in summary.goals)
    bars = []
    for file in files:
        found = Counter(report.status for report in summary.goals if report.goal.file == file)
        solved, conditional = found[GoalStatus.SOLVED], found[GoalStatus.CONDITIONAL]
        refused, total = found[GoalStatus.REJECTED], found.total()
        parts = [(solved, "s"), (conditional, "c"), (refused, "r"), (total - solved - conditional - refused, "o")]
        bars.append((file, parts, f"{solved} of {total}"))
    return _bars(PLOTS["files.svg"], bars)


def _bars(title: str, bars: Sequence[tuple[str, Sequence[tuple[int, str]], str]]) -> str:
    longest = max((sum(number for number, _ in parts) for _, parts, _ in bars), default=1) or 1
    left, right = 190, 150
    lines = []
    for row, (name, parts, words) in enumerate(bars):
        top = _TOP + row * _ROW
        shown = name if len(name) <= 26 else "…" + name[-25:]
        lines.append(f'<text x="{left - 8}" y="{top + 15}" text-anchor="end">{_text(shown)}</text>')
        edge = float(left)
        for number, kind in parts:
            wide = number / longest * (WIDTH - left - right)
            if number:
                lines.append(f'<rect class="{kind}" x="{edge:.1f}" y="{top + 3}" width="{wide:.1f}" height="16"/>')
            edge += wide
        lines.append(f'<text class="q" x="{edge + 8:.1f}" y="{top + 15}">{_text(words)}</text>')
    return _svg(2 * _TOP + max(1, len(bars)) * _ROW, title, lines)


def _svg(height: int, title: str, inside: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img"><title>{_text(title)}</title>{_STYLE}{"".join(inside)}</svg>\n'
    )


def _text(text: str) -> str:
    """Text that XML can hold: control characters and lone surrogates are none."""
    plain = "".join(c if c.isprintable() else "�" for c in text)
    return escape(plain)
