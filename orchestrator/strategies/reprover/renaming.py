"""A goal with letters for names: a model should learn what a hypothesis says, not what it is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.goals.hypotheses import hypotheses_of

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def whole(name: str) -> re.Pattern[str]:
    """A name that stands alone: no part of a longer one, and no field."""
    return re.compile(rf"(?<![\w.'✝]){name}(?![\w'!?✝])")


def lettered(state: str) -> tuple[str, dict[str, str]]:
    """A goal with a letter for each hypothesis, A for the last one, and the letters by the names they stand for.

    A small model copies one letter long before it copies a word. Letters that the goal uses otherwise are left out, and
    so are inaccessible names (✝), which no tactic can speak of.
    """
    names = list(dict.fromkeys(one.name for one in reversed(hypotheses_of(state)) if one.is_accessible))
    taken = {letter for letter in LETTERS if letter not in names and whole(letter).search(state)}
    letters = dict(zip(names, (letter for letter in LETTERS if letter not in taken), strict=False))
    return spelled(state, letters), letters


def spelled(text: str, names: Mapping[str, str]) -> str:
    """A text with other names, all at once."""
    if not names:
        return text
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return whole(f"(?:{either})").sub(lambda match: names[match.group()], text)
