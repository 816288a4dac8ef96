"""The tactics that `micro` tries on a goal, cheapest first. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from orchestrator.goals.goal import Goal, SorryKind
from orchestrator.goals.tokens import WORD
from orchestrator.strategies.micro import library_tactics
from orchestrator.strategies.micro.library_tactics import needed


class Tier(IntEnum):
    """How expensive a tactic is; tiers are tried in this order.

    A tactic of the tier DECLARATION is not tried on the state, but put into the declaration at once: what works there
    and not on the state (a different default of the elaborator) is found so.
    """

    CHEAP = 0
    DECLARATION = 1
    COMBINED = 2
    SEARCH = 3


@dataclass(frozen=True, slots=True)
class TacticCandidate:
    """A tactic to try."""

    tactic: str
    tier: Tier
    milliseconds: int


class Tried(NamedTuple):
    """A candidate that was tried: whether it proved the goal, and its seconds, checks included."""

    candidate: TacticCandidate
    success: bool
    seconds: float


CORE_CHEAP = (
    *("rfl", "trivial", "assumption", "contradiction", "decide", "omega"),
    *("simp", "simp_all", "simp +arith", "grind"),
)
IN_DECLARATION = ("rfl", "omega", "simp", "simp_all", "grind")
FINISHERS = ("simp_all", "omega", "grind")
SEARCH = ("exact?", "try?")

_IDENTIFIER = re.compile(WORD)
_NOT_CONSTANTS = frozenset(
    {"fun", "if", "then", "else", "let", "have", "match", "with", "True", "False", "Prop", "Type"}
)
_INDUCTIVE_TARGETS = 3
_DEFINITIONS = 6


def portfolio(
    goal: Goal, definitions: Iterable[str] = (), brought: Collection[str] = ()
) -> tuple[TacticCandidate, ...]:
    """Every candidate for `goal`, in the order of trial, without repetition.

    Args:
        goal: the goal; its hypotheses name what can be taken apart.
        definitions: full names of the project's own definitions, for unfolding those that occur in the goal.
        brought: tactics of libraries that its file has.
    """
    unfolding = occurring(goal, definitions)
    combined = [*_with_definitions(unfolding), *_introductions(goal), *_splits(goal, unfolding)]
    candidates = [
        TacticCandidate(tactic, tier, milliseconds)
        for tier, milliseconds, own, of_libraries in (
            (Tier.CHEAP, 3_000, CORE_CHEAP, library_tactics.CHEAP),
            (Tier.COMBINED, 2_000, combined, library_tactics.shapes(goal, unfolding)),
            (Tier.SEARCH, 8_000, SEARCH, library_tactics.SEARCH),
        )
        for tactic in (*own, *(each for each in of_libraries if brought and needed(each) <= set(brought)))
    ]
    first: dict[str, TacticCandidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.tactic, candidate)
    return tuple(first.values())


def candidates(
    goal: Goal, definitions: Iterable[str] = (), brought: Collection[str] = ()
) -> tuple[TacticCandidate, ...]:
    """The portfolio, with the cheapest tactics once more in their declaration, behind all cheap ones."""
    tactics = portfolio(goal, definitions, brought)
    cheap = [candidate for candidate in tactics if candidate.tier is Tier.CHEAP]
    again = [] if goal.kind is SorryKind.STOP else [tactic for tactic in cheap if tactic.tactic in IN_DECLARATION]
    declared = (TacticCandidate(candidate.tactic, Tier.DECLARATION, candidate.milliseconds) for candidate in again)
    return (*cheap, *declared, *tactics[len(cheap) :])


def kind_of(goal: Goal, candidate: TacticCandidate) -> str:
    """What a candidate is on any goal: its tactic with the goal's own names taken out.

    Hypotheses become `#1` (the last one of the goal), `#2` and so on; lists of definitions `[…]`.
    """
    names = [one.name for one in reversed(goal.hypotheses) if one.is_accessible]
    places = {name: f"#{number}" for number, name in reversed(list(enumerate(names, 1)))}
    listed = re.sub(r"\[[^\]]+\]", "[…]", candidate.tactic)
    listed = re.sub(r"unfold [^;]+", "unfold …", listed)
    text = _IDENTIFIER.sub(lambda word: places.get(word[0], word[0]) if word.start() else word[0], listed)
    return f"{text} in the declaration" if candidate.tier is Tier.DECLARATION else text


def occurring(goal: Goal, definitions: Iterable[str]) -> tuple[str, ...]:
    """Those of `definitions` that the goal seems to mention: by full name, by suffix, or through dot notation."""
    words = {word for word in _IDENTIFIER.findall(goal.text) if word not in _NOT_CONSTANTS}
    last_parts = {word.rpartition(".")[2] for word in words}
    known = dict.fromkeys(definitions)
    found = [name for name in known if name in words or name.rpartition(".")[2] in last_parts]
    return tuple(found[:_DEFINITIONS])


def _with_definitions(names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    listed = ", ".join(names)
    return [
        f"simp [{listed}]",
        f"simp_all [{listed}]",
        f"grind [{listed}]",
        f"simp [{listed}] <;> omega",
        f"unfold {' '.join(names)}; split <;> simp_all",
        f"simp only [{listed}] <;> grind",
    ]


def _introductions(goal: Goal) -> list[str]:
    target = goal.target
    tactics = []
    if target.startswith(("∀", "¬")) or "→" in target:
        tactics += [f"intros; {finisher}" for finisher in ("rfl", *FINISHERS)]
    if "∧" in target or "↔" in target:
        tactics += [f"constructor <;> {finisher}" for finisher in FINISHERS]
        tactics += [f"refine ⟨?_, ?_⟩ <;> intros <;> {finisher}" for finisher in FINISHERS]
    if "∨" in target:
        tactics += [f"{side}; {finisher}" for side in ("left", "right") for finisher in FINISHERS]
    if "∃" in target:
        tactics += ["exact ⟨_, rfl⟩", "exact ⟨_, by assumption⟩", "refine ⟨_, ?_⟩ <;> simp_all"]
    if "if " in target or "match " in target:
        tactics += [f"split <;> {finisher}" for finisher in FINISHERS]
    if target.startswith("fun") or " = fun" in target:
        tactics += [f"funext _; {finisher}" for finisher in FINISHERS]
    if " = " in target:
        tactics += [f"ext <;> {finisher}" for finisher in ("simp_all", "grind")]
    return tactics


def _splits(goal: Goal, unfolding: tuple[str, ...]) -> list[str]:
    listed = f" [{', '.join(unfolding)}]" if unfolding else ""
    tactics = []
    data: list[str] = []
    facts: list[str] = []
    for one in goal.hypotheses:
        if one.is_accessible and not one.type.startswith(("Type", "Sort", "Prop")):
            is_fact = any(symbol in one.type for symbol in "=∧∨∃¬≤<≥>↔∈")
            (facts if is_fact else data).append(one.name)
    for name in reversed(facts[-_INDUCTIVE_TARGETS:]):
        tactics += [f"cases {name} <;> simp_all{listed}", f"cases {name} <;> grind{listed}"]
    for name in reversed(data[-_INDUCTIVE_TARGETS:]):
        tactics += [
            f"cases {name} <;> simp_all{listed}",
            f"cases {name} <;> rfl",
            f"induction {name} <;> simp_all{listed}",
            f"induction {name} <;> grind{listed}",
            f"induction {name} <;> simp_all{listed} <;> omega",
        ]
    return tactics
