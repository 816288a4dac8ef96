"""Tactics that libraries bring, Mathlib's above all: which of them a file has, and the shapes in which they are tried.

Which ones a file has is not guessed from the names of its imports: Lean is asked, once for each header.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import combinations

from orchestrator.goals.goal import Goal
from orchestrator.lean.protocol import Limits
from orchestrator.strategies.base import ProofContext
from orchestrator.strategies.policy.bandit import OVERALL, ArmStatistics, Statistics

_PARSED = {
    **dict.fromkeys(("norm_num", "ring", "ring_nf", "linarith", "nlinarith", "positivity", "field_simp", "gcongr"), ""),
    **dict.fromkeys(("tauto", "aesop", "bound", "fun_prop", "measurability", "continuity", "congr!"), ""),
    **dict.fromkeys(("hint", "hammer", "push_cast", "norm_cast", "ext1", "apply?", "rw?"), ""),
    **dict.fromkeys(("interval_cases", "fin_cases", "convert", "by_contra!"), " x"),
    "simp_rw": " [x]",
}
_RUN = ("grind +suggestions", "simp? +suggestions")
QUESTIONS = {
    # The parser reads the whole text before anything runs: only what Lean has no syntax for fails.
    **{tactic: f"first | skip | {tactic}{argument}" for tactic, argument in _PARSED.items()},
    # An option that the configuration does not know is only found by running.
    **{tactic: f"have : True := by {tactic}" for tactic in _RUN},
}
_WITHOUT_LIBRARY = frozenset({"push_cast", "norm_cast", "ext1", "apply?", "rw?", "simp_rw", *_RUN})
"""Lean itself may have these; they are worth the time beside a library's theorems."""
_LEANS_OWN = frozenset({"Init", "Std"})
_QUESTION = Limits(milliseconds=3_000)

CHEAP = (
    *("norm_num", "ring", "linarith", "positivity", "push_cast", "field_simp", "nlinarith", "gcongr", "tauto", "bound"),
    *("fun_prop", "measurability", "continuity", "norm_cast", "ring_nf", "aesop"),
    *("norm_num at *", "congr!", "field_simp; ring", "push_cast; ring", "norm_num; linarith", "grind +suggestions"),
)
SEARCH = ("simp? +suggestions", "hammer", "hint", "apply?", "rw?")
_CLOSERS = ("linarith", "norm_num", "positivity", "nlinarith", "ring")
_RELATIONS = ("≤", "<", "≥", ">", "=", "≠")
_VARIABLES = 3
_FACTS = 2

# No Mathlib was there to measure these on: how many of 25 goals each closes, and its seconds, are estimates. What the
# ledger has seen is added to them and soon weighs more.
_ESTIMATES = {
    "norm_num": (3, 0.3),
    "linarith": (2, 0.4),
    "ring": (2, 0.2),
    "positivity": (1, 0.1),
    "fun_prop": (1, 0.2),
    "aesop": (3, 1.0),
    "nlinarith": (1, 1.5),
    "gcongr": (1, 0.2),
    "push_cast": (0, 0.2),
    "norm_cast": (1, 0.2),
    "field_simp": (0, 0.5),
    "ring_nf": (1, 0.3),
    "tauto": (1, 0.6),
    "bound": (0, 0.5),
    "measurability": (1, 0.8),
    "continuity": (1, 0.8),
    "grind +suggestions": (3, 3.0),
    "simp? +suggestions": (2, 3.0),
    "hammer": (5, 8.0),
    "hint": (2, 6.0),
    "apply?": (1, 6.0),
    "rw?": (0, 6.0),
    "nlinarith […]": (1, 1.5),
    "interval_cases #1 <;> simp_all": (2, 0.5),
    "constructor <;> linarith": (1, 0.5),
}
_ESTIMATED_TRIALS = 25


class HeaderTactics:
    """What each header brings, as Lean answered."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], frozenset[str]] = {}

    async def brought(self, goal: Goal, context: ProofContext, *, seconds: float) -> frozenset[str]:
        """Those of `QUESTIONS` that the goal's file has; none where only Lean itself is there."""
        header = goal.context.imports
        if all(name.partition(".")[0] in _LEANS_OWN for name in header):
            return frozenset()
        if header not in self._known:
            asked = list(QUESTIONS.values())
            replies = await context.tactics(asked, limits=_QUESTION, budget_seconds=seconds)
            had = frozenset(tactic for tactic, reply in zip(QUESTIONS, replies, strict=False) if not reply.failed)
            had = had if had - _WITHOUT_LIBRARY else frozenset()
            if len(replies) < len(asked):
                return had
            self._known[header] = had
        return self._known[header]


def needed(tactic: str) -> frozenset[str]:
    """Those of `QUESTIONS` that a script is made of."""
    pieces = [piece.strip() for piece in re.split(r"<;>|;", tactic)]
    return frozenset(
        word for piece in pieces for word in QUESTIONS if re.match(rf"{re.escape(word)}(?![\w!?])", piece) is not None
    )


def shapes(goal: Goal, unfolding: Collection[str]) -> Iterator[str]:
    """Short combinations for the form of the goal and for what it is about."""
    target = goal.target
    usable = [one for one in goal.hypotheses if one.is_accessible]
    facts = [one for one in usable if any(relation in one.type for relation in _RELATIONS)]
    data = [one for one in usable if one.is_data and not one.type.startswith("Prop")]
    names = [one.name for one in data[-_VARIABLES:]]
    if unfolding:
        listed = ", ".join(unfolding)
        yield from (f"norm_num [{listed}]", f"simp_rw [{listed}]; ring", f"simp only [{listed}]; linarith")
    if any(relation in target for relation in _RELATIONS):
        squares = [f"sq_nonneg ({a} {sign} {b})" for a, b in combinations(names, 2) for sign in "-+"]
        squares += [f"sq_nonneg {name}" for name in names]
        yield from (f"nlinarith [{square}]" for square in squares[:4])
        if len(squares) > 1:
            yield f"nlinarith [{', '.join(squares[:6])}]"
        positive = [one.name for one in facts if re.match(r"0 (?:<|≤) ", one.type)]
        products = [f"mul_pos {a} {b}" for a, b in combinations(positive[-_VARIABLES:], 2)]
        yield from (f"nlinarith [{product}]" for product in products[:2])
        yield "by_contra! h; nlinarith"
    if target.startswith(("∀", "¬")) or "→" in target:
        yield from (f"intros; {closer}" for closer in _CLOSERS)
    if "∧" in target or "↔" in target:
        yield from (f"constructor <;> {closer}" for closer in _CLOSERS)
        yield from (f"constructor <;> intros <;> {closer}" for closer in ("linarith", "norm_num", "aesop"))
    if " = " in target:
        yield from ("ext1 <;> simp", "ext1 <;> ring", "congr! 1 <;> ring", "congr! <;> norm_num")
    for one in reversed(data[-_VARIABLES:]):
        if one.type in ("ℕ", "ℤ", "Nat", "Int") and any(one.name in fact.words for fact in facts):
            yield from (f"interval_cases {one.name} <;> {closer}" for closer in ("simp_all", "omega", "norm_num at *"))
        if one.type.startswith(("Fin ", "Bool", "ZMod ")):
            yield from (f"fin_cases {one.name} <;> {closer}" for closer in ("simp_all", "rfl", "decide"))
    for one in reversed([one for one in usable if "∈" in one.type][-_FACTS:]):
        yield f"fin_cases {one.name} <;> simp_all"
    for one in reversed(facts[-_FACTS:]):
        yield from (f"convert {one.name} using 1 <;> {closer}" for closer in ("ring", "norm_num", "simp"))


def estimates() -> Statistics[str]:
    """What is thought of these tactics before the first trial, by their kind."""
    n = _ESTIMATED_TRIALS
    table = {
        (OVERALL, kind): ArmStatistics(n, successes, successes / n, n * seconds, successes * seconds)
        for kind, (successes, seconds) in _ESTIMATES.items()
    }
    return Statistics(table=table)
