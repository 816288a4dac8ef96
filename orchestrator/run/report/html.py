"""`report.html`: a run on one page that needs nothing else, with its plots. Pure; everything is escaped."""

from __future__ import annotations

from html import escape

from orchestrator.goals.result import GoalStatus
from orchestrator.run.report.plots import files_plot, solved_plot, strategies_plot
from orchestrator.run.report.summary import GoalReport, Summary

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2320; --paper: #fbfaf7; --line: #d9dcd6; --quiet: #56605b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebe8; --paper: #141816; --line: #36403b; --quiet: #a7b2ac; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
body { color: var(--ink); background: var(--paper); } svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem; border-top: 1px solid var(--line); }
pre { margin: 0; white-space: pre-wrap; } .n { text-align: right; white-space: nowrap; } .quiet { color: var(--quiet); }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def to_html(summary: Summary) -> str:
    """The content of `report.html`."""
    solved, total = summary.count(GoalStatus.SOLVED), len(summary.goals)
    conditional = summary.count(GoalStatus.CONDITIONAL)
    title = f"{summary.repo} at {summary.commit[:12]}"
    more = f", {conditional} more conditional on another sorry" if conditional else ""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{_text(title)}</h1>",
        f"<p><strong>{solved} of {total}</strong> sorries closed and verified{more}, in {summary.wall_seconds:.0f} s "
        f"on {_text(summary.lean)}.</p>",
        f"<p>The run ended early: {_text(summary.stopped)}.</p>" if summary.stopped else "",
        "<h2>Solved against time</h2>",
        solved_plot(summary),
        "<h2>Strategies</h2>" + strategies_plot(summary) if summary.strategies else "",
        "<h2>Files</h2>" + files_plot(summary) if summary.goals else "",
        "<h2>Goals</h2>",
        '<div class="scroll" tabindex="0" role="region" aria-label="Goals"><table><thead><tr><th>Goal</th>'
        '<th>Where</th><th>Status</th><th>Strategy</th><th class="n">Time</th><th>Proof</th></tr></thead><tbody>',
        *map(_row, summary.goals),
        "</tbody></table></div>",
        _list(
            "Blueprint", [f"\\leanok {m.change} ({m.part} of {m.label}, {m.file}:{m.line})" for m in summary.blueprint]
        ),
        _list("Files left out", [f"{problem.path}: {problem.message}" for problem in summary.problems]),
        _list("Notes", list(summary.notes)),
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _row(report: GoalReport) -> str:
    goal, result = report.goal, report.result
    line = goal.span.start.line if goal.span else 0
    proved = result is not None and result.success
    strategy = result.strategy.value if result and result.strategy and proved else ""
    seconds = f"{result.time_seconds:.1f} s" if result and proved else ""
    proof = f"<pre>{_text(chr(10).join(result.tactics), keep_lines=True)}</pre>" if result and proved else ""
    note = f'<span class="quiet">{_text(report.note)}</span>' if report.note else ""
    return (
        f"<tr><td><code>{_text(goal.declaration)}</code></td><td><code>{_text(goal.file)}:{line}</code></td>"
        f"<td>{report.status.value.replace('_', ' ')}</td><td>{strategy}</td><td class='n'>{seconds}</td>"
        f"<td>{proof}{note}</td></tr>"
    )


def _list(title: str, items: list[str]) -> str:
    if not items:
        return ""
    return f"<h2>{title}</h2><ul>{''.join(f'<li>{_text(item)}</li>' for item in items)}</ul>"


def _text(text: str, *, keep_lines: bool = False) -> str:
    kept = "\n" if keep_lines else ""
    return escape("".join(c if c.isprintable() or c in kept else " " for c in text))
