"""`report.md` and `report.html`, from the templates beside this file. Pure; whatever a repository holds is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from orchestrator.goals.result import GoalStatus
from orchestrator.run.report.plots import plots
from orchestrator.run.report.summary import Summary
from orchestrator.source.highlight import lean_code
from orchestrator.text import counted, duration, harmless

LINES = 60
"""As long as `report.md` gets, so that it fits a comment on a pull request; `report.html` has everything."""


def to_markdown(summary: Summary, *, plots: Sequence[str] = ()) -> str:
    """The content of `report.md`, also used as the flow's artifact; `plots` are files beside it."""
    template = templates().get_template("report.md")
    for most in range(LINES, 0, -1):
        text = re.sub(r"\n{3,}", "\n\n", template.render(run=summary, plots=plots, most=most)).lstrip()
        if text.count("\n") <= LINES:
            break
    return text


def to_html(summary: Summary) -> str:
    """The content of `report.html`: a run on one page that needs nothing else, with its plots."""
    groups = {s: [report for report in summary.goals if report.status is s] for s in GoalStatus}
    filled = {status: reports for status, reports in groups.items() if reports}
    return templates().get_template("report.html").render(run=summary, plots=plots(summary), groups=filled)


@cache
def templates() -> Environment:
    """The templates of reports and pull requests; those that end with `.html` escape what they are given."""
    environment = Environment(
        loader=PackageLoader("orchestrator.run.report"),
        autoescape=select_autoescape(["html"]),
        finalize=lambda value: harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": _plain, "code": _code, "counted": counted, "duration": duration}
    environment.filters["lean"] = lambda text: lean_code(harmless(text))
    return environment


def _plain(text: str) -> str:
    """Text that cannot break out of a table cell of Markdown or turn into markup."""
    line = " ".join(harmless(text).split()).replace("<", "&lt;")
    return re.sub(r"[\\`*_{}\[\]>|#]", r"\\\g<0>", line)


def _code(text: str) -> str:
    """Text as code in a table cell of Markdown; "" for none."""
    line = " ".join(harmless(text).split()).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if len(fence) > 1 else ""
    return f"{fence}{space}{line}{space}{fence}" if line else ""
