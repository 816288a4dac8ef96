"""Tactics of libraries: Lean is asked once for each header which are there; a goal's form chooses among them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from orchestrator.goals.goal import Context, Goal
from orchestrator.lean.protocol import TacticReply
from orchestrator.strategies.base import ProofContext
from orchestrator.strategies.micro.library_tactics import CHEAP, QUESTIONS, SEARCH, HeaderTactics, estimates, needed
from orchestrator.strategies.micro.order import learned_order
from orchestrator.strategies.micro.portfolio import candidates, portfolio

EVERYTHING = frozenset(QUESTIONS)
REALS = "a b : ℝ\nha : 0 < a\nhb : 0 < b\n⊢ 2 * a * b ≤ a ^ 2 + b ^ 2"


class Header:
    """A context in which some tactics are there."""

    def __init__(self, *there: str, most: int = 1000) -> None:
        self.there, self.most, self.asked = there, most, 0

    async def tactics(self, tactics: Sequence[str], **_: Any) -> tuple[TacticReply, ...]:
        self.asked += 1
        known = {QUESTIONS[name] for name in self.there}
        replies = (TacticReply(t, error="" if t in known else "unknown tactic") for t in tactics)
        return tuple(replies)[: self.most]


def goal(text: str, *imports: str) -> Goal:
    return Goal("g", text, Context(imports=imports))


def brought(header: HeaderTactics, context: Header, *imports: str) -> frozenset[str]:
    asked = header.brought(goal("⊢ p", *imports), cast(ProofContext, context), seconds=5.0)
    return asyncio.run(asked)


def test_lean_is_asked_once_for_each_header() -> None:
    header, context = HeaderTactics(), Header("ring", "norm_num", "apply?")
    for _ in range(2):
        assert brought(header, context, "Own.Basic") == {"ring", "norm_num", "apply?"}
    assert context.asked == 1
    brought(header, context, "Mathlib")
    assert context.asked == 2


def test_where_nothing_is_imported_nothing_is_asked() -> None:
    context = Header("ring")
    for imports in ((), ("Init",), ("Std.Data.HashMap", "Init")):
        assert brought(HeaderTactics(), context, *imports) == frozenset()
    assert context.asked == 0


def test_what_lean_has_itself_is_tried_beside_a_library_only() -> None:
    assert brought(HeaderTactics(), Header("apply?", "push_cast"), "Own") == frozenset()


def test_answers_that_were_cut_short_are_asked_for_again() -> None:
    header, context = HeaderTactics(), Header("norm_num", "ring", most=1)
    assert brought(header, context, "Mathlib") == {"norm_num"}
    context.most = 1000
    assert brought(header, context, "Mathlib") == {"norm_num", "ring"}


@pytest.mark.parametrize("there", [frozenset(), frozenset({"ring"}), frozenset({"linarith", "hammer"}), EVERYTHING])
def test_only_what_is_there_is_tried(there: frozenset[str]) -> None:
    found = [candidate.tactic for candidate in portfolio(goal(REALS), ["f"], there)]
    assert all(needed(tactic) <= there for tactic in found)
    assert set(found) >= {candidate.tactic for candidate in portfolio(goal(REALS), ["f"])}
    assert {t for t in (*CHEAP, *SEARCH) if needed(t) <= there} <= set(found) or not there


def test_every_tactic_is_used_by_some_goal() -> None:
    texts = (
        REALS,
        "n : ℕ\nh : n < 3\n⊢ n = 0 ∨ n = 1 ∨ n = 2",
        "i : Fin 3\n⊢ f i = i",
        "h : a = b\n⊢ a ∧ b",
        "⊢ ∀ x, f x = g x",
    )
    used = {word for text in texts for c in portfolio(goal(text), ["f"], EVERYTHING) for word in needed(c.tactic)}
    assert used == EVERYTHING


@pytest.mark.parametrize(
    ("text", "tactic"),
    [
        (REALS, "nlinarith [sq_nonneg (a - b)]"),
        (REALS, "nlinarith [mul_pos ha hb]"),
        ("n : ℕ\nh : n < 3\n⊢ p n", "interval_cases n <;> simp_all"),
        ("i : Fin 3\n⊢ p i", "fin_cases i <;> simp_all"),
        ("x y : ℝ\n⊢ x ≤ y ∧ y ≤ x", "constructor <;> linarith"),
        ("h : a = b\n⊢ f a = f b", "convert h using 1 <;> ring"),
        ("⊢ ∀ x : ℝ, 0 ≤ x ^ 2", "intros; positivity"),
    ],
)
def test_the_form_of_the_goal_asks_for_shapes(text: str, tactic: str) -> None:
    assert tactic in [candidate.tactic for candidate in portfolio(goal(text), (), EVERYTHING)]
    assert tactic not in [candidate.tactic for candidate in portfolio(goal(text))]


def test_words_are_taken_whole() -> None:
    assert needed("ring_nf; simp") == {"ring_nf"}
    assert needed("grind") == needed("simp?") == needed("apply foo") == frozenset()
    assert needed("constructor <;> nlinarith [h]") == {"nlinarith"}


def test_the_learned_order_knows_these_tactics_before_the_first_trial() -> None:
    some = goal(REALS, "Mathlib")
    known = candidates(some, (), EVERYTHING)
    ranked = [candidate.tactic for candidate in learned_order(None).order(some, known)]
    assert sorted(ranked) == sorted(candidate.tactic for candidate in known)
    assert ranked.index("linarith") < ranked.index("field_simp") < ranked.index("rw?")
    kinds = {kind for _, kind in estimates().table}
    assert all(needed(kind) for kind in kinds)
