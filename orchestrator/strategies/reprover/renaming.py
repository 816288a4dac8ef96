"""The same proof step under other names: a model should learn what a hypothesis says, not what it is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from random import Random

NAMES = {
    "Prop": ("p", "q", "r", "s", "a", "b", "c", "d", "P", "Q", "A", "B"),
    "Type": ("α", "β", "γ", "A", "B", "T", "X", "Y"),
    "Nat": ("n", "m", "k", "i", "j", "a", "b", "c", "x", "y"),
    "Int": ("a", "b", "c", "x", "y", "z", "u", "v", "m", "n"),
    "List": ("xs", "ys", "zs", "l", "as", "bs", "l₁", "l₂", "us"),
    "element": ("x", "y", "z", "a", "b", "u", "v", "w"),
    "function": ("f", "g", "h", "φ", "F", "G"),
    "hypothesis": ("h", "h1", "h2", "h3", "hp", "hq", "ha", "hb", "hx", "hy", "h'", "H", "this"),
}
"""Names that people give, by what they stand for."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_DECLARED = re.compile(r"^(?P<names>[^\W\d][^:⊢]*?) : (?P<type>.*)$", re.MULTILINE)
_CLAIM = re.compile(r"[=≤<≥>≠∧∨¬↔∣∈∃∀]")
_NAMED_ARGUMENT = re.compile(r"\([\w']+ :=")


def renamed(state: str, tactic: str, dice: Random, *, share: float = 0.5) -> tuple[str, str]:
    """A goal and a tactic with about a `share` of the goal's hypotheses called otherwise, in both alike.

    What Lean made inaccessible (✝) keeps its name, and so does all of a tactic with named arguments.
    """
    if _NAMED_ARGUMENT.search(tactic):
        return state, tactic
    both = f"{state}\0{tactic}"
    for name, kind in list(_hypotheses(state)):
        if dice.random() >= share:
            continue
        free = [other for other in NAMES[kind] if not _whole(other).search(both)]
        if free:
            both = _whole(name).sub(dice.choice(free), both)
    state, _, tactic = both.partition("\0")
    return state, tactic


def _hypotheses(state: str) -> Iterator[tuple[str, str]]:
    context = state.partition("⊢")[0]
    for match in _DECLARED.finditer(context):
        for name in match["names"].split():
            if "✝" not in name:
                yield name, _kind(match["type"])


def _kind(type_: str) -> str:
    head = type_.partition(" ")[0]
    if type_ in NAMES:
        return type_
    if _CLAIM.search(type_):
        return "hypothesis"
    if head == "List":
        return "List"
    if "→" in type_:
        # `p → q` and `Nat → Nat` look alike: a name that fits neither misleads nobody.
        return "hypothesis" if type_[0].islower() and type_[0].isascii() else "function"
    return "hypothesis" if type_.isascii() and len(type_) == 1 and type_.islower() else "element"


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.'✝]){re.escape(name)}(?![\w'!?✝])")


def lettered(state: str) -> tuple[str, dict[str, str]]:
    """A goal with a letter for each hypothesis, A for the last one, and the letters by the names they stand for.

    A small model copies one letter long before it copies a word. Letters that the goal uses otherwise are left out, and
    so are inaccessible names (✝), which no tactic can speak of.
    """
    names = list(dict.fromkeys(name for name, _ in reversed(list(_hypotheses(state)))))
    taken = {letter for letter in LETTERS if letter not in names and _whole(letter).search(state)}
    letters = dict(zip(names, (letter for letter in LETTERS if letter not in taken), strict=False))
    return spelled(state, letters), letters


def spelled(text: str, names: Mapping[str, str]) -> str:
    """A text with other names, all at once."""
    if not names:
        return text
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w.'✝])(?:{either})(?![\w'!?✝])", lambda match: names[match.group()], text)
