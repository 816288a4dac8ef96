"""Which sorries their owners want to stay as they are. Pure."""

from __future__ import annotations

import re

from orchestrator.goals.goal import Goal
from orchestrator.source.lexer import LineIndex, RegionKind, regions
from orchestrator.source.owner_rules import EXERCISE_FOLDERS, Rules

_EXERCISE = re.compile(
    r"(?:\A|\n)[\W_]*(?:todo\W+)?exercise\b|\b(?:an|as|as an) exercise\b|\bfor the reader\b", re.IGNORECASE
)
_BEFORE = re.compile(r"(?:(?:^|\n)[ \t]*(?:--[^\n]*|@\[[^\n]*\]|/-(?:[^-]|-(?!/))*-/)[ \t]*)+\n?[ \t]*\Z")
_GUARDED = re.compile(r"\s*#guard_msgs")


def reason_to_leave(goal: Goal, text: str, rules: Rules) -> str:
    """Why a goal of this file is left to people, "" when it is not."""
    outside = rules.outside(goal.file, goal.declaration)
    if outside:
        return outside
    if _is_expected(goal, text):
        return "a `#guard_msgs` expects its sorry"
    comments = _comments_at(goal, text)
    if any(rules.skip_marker.lower() in comment.lower() for comment in comments):
        return f"marked with {rules.skip_marker!r}"
    if rules.exercises:
        return ""
    if any(part.lower().removesuffix(".lean") in EXERCISE_FOLDERS for part in goal.file.split("/")):
        return "an exercise, by its folder"
    if any(_EXERCISE.search(comment) for comment in comments):
        return "an exercise, by its comment"
    return ""


def _is_expected(goal: Goal, text: str) -> bool:
    """Whether what a `#guard_msgs` expects, around the declaration or of its axioms, speaks of a sorry."""
    lines = LineIndex(text)
    start = lines.offset(goal.command.start) if goal.command is not None else None
    for region in regions(text):
        if region.kind is RegionKind.DOC and _GUARDED.match(text, region.end):
            expected = text[region.start : region.end]
            if "sorry" in expected and (region.start == start or f"'{goal.declaration}' depends on axioms" in expected):
                return True
    return False


def _comments_at(goal: Goal, text: str) -> tuple[str, ...]:
    """Comments directly above the goal's declaration, inside it, and at the end of the goal's line."""
    lines = LineIndex(text)
    if goal.span is None or goal.command is None:
        return ()
    start, end = lines.offset(goal.command.start), lines.offset(goal.command.end)
    position = lines.offset(goal.span.end)
    if start is None or end is None or position is None:
        return ()
    above = _BEFORE.search(text, 0, start)
    start = above.start() if above else start
    line_end = text.find("\n", position)
    end = max(end, line_end if line_end >= 0 else len(text))
    kinds = (RegionKind.COMMENT, RegionKind.DOC)
    return tuple(text[r.start : r.end] for r in regions(text) if r.kind in kinds and start <= r.start < end)
