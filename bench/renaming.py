"""The same proof step under other names, to train on: what a hypothesis is called should not matter. Pure."""

from __future__ import annotations

import re
from random import Random

from orchestrator.goals.hypotheses import hypotheses_of
from orchestrator.strategies.reprover.model import whole

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

_CLAIM = re.compile(r"[=≤<≥>≠∧∨¬↔∣∈∃∀]")
_NAMED_ARGUMENT = re.compile(r"\([\w']+ :=")


def renamed(state: str, tactic: str, dice: Random, *, share: float = 0.5) -> tuple[str, str]:
    """A goal and a tactic in which about a `share` of the goal's hypotheses have other names, the same in both.

    What Lean made inaccessible (✝) keeps its name, and so does all of a tactic with named arguments.
    """
    if _NAMED_ARGUMENT.search(tactic):
        return state, tactic
    both = f"{state}\0{tactic}"
    for one in hypotheses_of(state):
        if not one.is_accessible or dice.random() >= share:
            continue
        free = [other for other in NAMES[_kind(one.type)] if not whole(re.escape(other)).search(both)]
        if free:
            both = whole(re.escape(one.name)).sub(dice.choice(free), both)
    state, _, tactic = both.partition("\0")
    return state, tactic


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
