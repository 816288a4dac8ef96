"""Lean as people read it: code with colours, a goal laid out as editors show it. Everything is escaped. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from orchestrator.goals.hypotheses import split_goal

_LEXER = get_lexer_by_name("lean4", stripnl=False, ensurenl=False)
_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True)
_NAMES = re.compile(r"(?P<names>[^:\n(\[{]+?) (?P<rest>:=? .*)", re.DOTALL)
LONGEST = 20_000
"""Code with more characters than this is not coloured, and a goal shows its beginning only."""


@lru_cache(maxsize=2048)
def lean_code(text: str) -> Markup:
    """Code as spans of classes that `style.css` gives colours to."""
    if len(text) > LONGEST:
        return Markup.escape(text)
    return Markup(highlight(text, _LEXER, _FORMATTER))  # Pygments escapes


def lean_lines(text: str) -> tuple[Markup, ...]:
    """The same, a piece for each line; no span reaches over the end of one."""
    return tuple(Markup(line) for line in str(lean_code(text)).split("\n"))


@dataclass(frozen=True, slots=True)
class ShownHypothesis:
    """Names that have one type in common, and that type with its colon."""

    names: str
    type: Markup


@dataclass(frozen=True, slots=True)
class GoalLayout:
    """A goal: its case ("" when it has no name), its hypotheses, and what is to be proved."""

    case: str
    hypotheses: tuple[ShownHypothesis, ...]
    target: Markup


def goal_layout(text: str) -> GoalLayout:
    """Take apart a goal as Lean prints it."""
    hypotheses, _, target = split_goal(text[:LONGEST], "⊢")
    first = text.partition("\n")[0]
    case = first.removeprefix("case ") if first.startswith("case ") else ""
    return GoalLayout(case, tuple(map(_hypothesis, hypotheses)), lean_code(target.removeprefix(" ")))


def _hypothesis(text: str) -> ShownHypothesis:
    found = _NAMES.fullmatch(text)
    if found is None:
        return ShownHypothesis("", lean_code(text))
    return ShownHypothesis(found["names"], lean_code(found["rest"]))
