"""A proof script in the names of another goal that differs by names only. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestrator.goals.normal_form import goal_hash, hypothesis_names
from orchestrator.goals.tokens import WORD_PART

# A name, alone: neither a part behind a dot nor the beginning of a longer one.
_NAME = re.compile(rf"(?<![\w.!?'₀-₉✝«]){WORD_PART}")


def translated(tactics: Sequence[str], before: str, now: str) -> tuple[str, ...]:
    """The tactics that proved the goal `before`, with the hypotheses' names of the goal `now`.

    As they are when the two texts are the same, or not of one normal form, or when a new name would be caught by one
    that the script binds itself.
    """
    if before == now or goal_hash(before) != goal_hash(now):
        return tuple(tactics)
    return renamed(tactics, hypothesis_names(before), hypothesis_names(now))


def renamed(tactics: Sequence[str], old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """The tactics with each of the `old` names replaced by the one at its index among the `new`.

    As they are when a name on one side cannot be written, or when a new name would be caught by one that the script
    binds itself.
    """
    names = {one: other for one, other in zip(old, new, strict=False) if one != other and _writable(one, other)}
    own = {word for tactic in tactics for word in _NAME.findall(tactic)} - set(old)
    if not names or own & set(names.values()):
        return tuple(tactics)
    return tuple(_NAME.sub(lambda word: names.get(word[0], word[0]), tactic) for tactic in tactics)


def _writable(*names: str) -> bool:
    """Lean marks what nobody can write: with a dagger where it prints, with the macro's scope in its terms."""
    return not any("✝" in name or "._@" in name or "_hyg" in name for name in names)
