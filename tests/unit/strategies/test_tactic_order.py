"""The order of micro's tactics, learned from what they did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.goal import Goal
from orchestrator.strategies.micro.order import LearnedOrder
from orchestrator.strategies.micro.portfolio import TacticCandidate, Tier, Tried, candidates, kind_of
from orchestrator.strategies.policy.bandit import CostAware, Statistics, Trial, after
from orchestrator.strategies.policy.prior import TACTIC_BASE, load_prior, tactic_policy

GOAL = Goal("g", "n m : Nat\nh : n = m\n⊢ n + 0 = m", module="A.B")


@pytest.mark.parametrize(
    ("tactic", "tier", "kind"),
    [
        ("simp", Tier.CHEAP, "simp"),
        ("simp", Tier.DECLARATION, "simp in the declaration"),
        ("cases h <;> grind", Tier.COMBINED, "cases #1 <;> grind"),
        ("induction n <;> simp_all [A.f, A.g]", Tier.COMBINED, "induction #3 <;> simp_all […]"),
        ("unfold A.f A.g; split <;> simp_all", Tier.COMBINED, "unfold …; split <;> simp_all"),
        ("intros; rfl", Tier.COMBINED, "intros; rfl"),
    ],
)
def test_a_kind_of_tactic_names_nothing_of_the_goal(tactic: str, tier: Tier, kind: str) -> None:
    assert kind_of(GOAL, TacticCandidate(tactic, tier, 1)) == kind


def test_kinds_are_the_same_on_goals_that_differ_by_names() -> None:
    other = Goal("o", "a b : Nat\nk : a = b\n⊢ a + 0 = b", module="C")
    kinds = [[kind_of(goal, candidate) for candidate in candidates(goal)] for goal in (GOAL, other)]
    assert kinds[0] == kinds[1]
    assert len(set(kinds[0])) == len(kinds[0])


@given(st.permutations([candidate.tactic for candidate in candidates(GOAL)]), st.floats(0, 1))
def test_every_candidate_is_ordered_once(tactics: list[str], damping: float) -> None:
    told = Statistics[str]().updated(Trial(tactic, index % 3 == 0, 0.1) for index, tactic in enumerate(tactics))
    order = LearnedOrder(CostAware(exploration=0.0, damping=damping), told)
    everything = candidates(GOAL)
    assert sorted(order.order(GOAL, everything), key=everything.index) == list(everything)


def test_what_closed_goals_like_this_comes_first_the_next_time() -> None:
    kept: list[Trial[str]] = []
    order = LearnedOrder(TACTIC_BASE, Statistics(), kept.extend)
    grind = next(c for c in candidates(GOAL) if c.tactic == "grind" and c.tier is Tier.CHEAP)
    rfl = next(c for c in candidates(GOAL) if c.tactic == "rfl" and c.tier is Tier.CHEAP)
    for _ in range(5):
        order.learn(GOAL, [Tried(rfl, False, 0.01), Tried(grind, True, 0.05)])
    assert order.order(GOAL, candidates(GOAL))[0] == grind
    assert len(kept) == 10
    assert (kept[1].arm, kept[1].success, kept[1].failed_before) == ("grind", True, frozenset({"rfl"}))
    assert order.known.of("grind", after("rfl")).successes == 5


def test_what_comes_with_the_package_puts_no_search_first() -> None:
    order = LearnedOrder(tactic_policy(), load_prior())
    first = order.order(GOAL, candidates(GOAL))[:5]
    assert all(candidate.tier is not Tier.SEARCH for candidate in first)
