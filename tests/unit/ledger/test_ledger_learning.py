"""The tactic cache and the statistics of strategies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.goals.goal import Identity
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import StrategyTrial
from orchestrator.strategies.policy.bandit import ArmStatistics

GOAL = "a b : Nat\nh : a < b\n⊢ a ≤ b"
RENAMED = "m n : Nat\nk : m < n\n⊢ m ≤ n"


def test_cached_tactics_serve_the_same_goal_under_other_names(ledger: Ledger) -> None:
    assert ledger.get_cached_tactics(GOAL) is None
    ledger.update_tactic_cache(GOAL, tactics=["simp [*]", "aesop"], success_rate=0.85, avg_time=2.3)
    cached = ledger.get_cached_tactics(RENAMED)
    assert cached == {"tactics": ["simp [*]", "aesop"], "success_rate": 0.85, "avg_time": 2.3, "use_count": 1}
    assert ledger.get_cached_tactics("a b : Nat\nh : a < b\n⊢ b ≤ a") is None
    assert ledger.statistics().cached_tactics == 1


ONE, OTHER = Identity("1" * 64, ("a", "b", "h")), Identity("2" * 64, ("a", "b", "h"))


def test_identities_decide_where_both_sides_have_one(ledger: Ledger) -> None:
    ledger.update_tactic_cache(GOAL, tactics=["exact h.le"], success_rate=1.0, avg_time=1.0, identity=ONE)
    # Other words, names and order of the same goal.
    same = Identity(ONE.digest, ("x", "y", "less"))
    cached = ledger.get_cached_tactics("x : Nat\nless : Nat.lt x y\n⊢ Nat.le x y", identity=same)
    assert cached is not None
    assert cached["tactics"] == ["exact less.le"]
    # The same words of another goal.
    assert ledger.get_cached_tactics(GOAL, identity=OTHER) is None
    assert not ledger.record_cache_outcome(GOAL, False, identity=OTHER)
    ledger.update_tactic_cache(GOAL, tactics=["other"], success_rate=1.0, avg_time=1.0, identity=OTHER)
    found = [ledger.get_cached_tactics(GOAL, identity=identity) for identity in (ONE, OTHER)]
    assert [entry and entry["tactics"] for entry in found] == [["exact h.le"], ["other"]]


def test_texts_decide_where_one_side_has_no_identity(ledger: Ledger) -> None:
    ledger.update_tactic_cache(GOAL, tactics=["exact h.le"], success_rate=1.0, avg_time=1.0, identity=ONE)
    cached = ledger.get_cached_tactics(RENAMED)
    assert cached is not None
    assert cached["tactics"] == ["exact k.le"]
    assert ledger.record_cache_outcome(RENAMED, False)
    old = "⊢ 1 + 1 = 2"
    ledger.update_tactic_cache(old, tactics=["rfl"], success_rate=1.0, avg_time=1.0)
    assert ledger.record_cache_outcome(old, True, identity=Identity("3" * 64))


def test_every_hit_is_a_use_and_a_new_entry_keeps_the_count(ledger: Ledger) -> None:
    ledger.update_tactic_cache(GOAL, tactics=["a"], success_rate=0.5, avg_time=1.0)
    ledger.get_cached_tactics(GOAL)
    ledger.get_cached_tactics(GOAL)
    ledger.update_tactic_cache(RENAMED, tactics=["b"], success_rate=1.0, avg_time=2.0)
    assert ledger.get_cached_tactics(GOAL) == {"tactics": ["b"], "success_rate": 1.0, "avg_time": 2.0, "use_count": 3}


def test_scripts_that_were_of_use_most_often_come_first(ledger: Ledger) -> None:
    goals = [f"⊢ {n} = {n}" for n in range(3)]
    for goal in goals:
        ledger.update_tactic_cache(goal, tactics=["rfl", goal], success_rate=1.0, avg_time=1.0)
    for goal in (goals[1], goals[1], goals[2]):
        ledger.get_cached_tactics(goal)
    assert ledger.cached_scripts(limit=2) == {goals[1]: ("rfl", goals[1]), goals[2]: ("rfl", goals[2])}
    assert len(ledger.cached_scripts(limit=9)) == 3


def test_rate_and_time_move_with_outcomes(ledger: Ledger) -> None:
    assert not ledger.record_cache_outcome(GOAL, True)
    ledger.update_tactic_cache(GOAL, tactics=["a"], success_rate=0.85, avg_time=2.0)
    assert ledger.record_cache_outcome(RENAMED, False, time_seconds=9.0)
    assert ledger.record_cache_outcome(GOAL, False)
    cached = ledger.get_cached_tactics(GOAL)
    assert cached is not None
    assert cached["success_rate"] == pytest.approx(0.85 * 0.81)
    assert cached["success_rate"] < 0.7
    assert cached["avg_time"] == 2.0
    ledger.record_cache_outcome(GOAL, True, time_seconds=12.0)
    cached = ledger.get_cached_tactics(GOAL)
    assert cached is not None
    assert cached["success_rate"] == pytest.approx(0.9 * 0.85 * 0.81 + 0.1)
    assert cached["avg_time"] == pytest.approx(3.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(
            st.builds(
                StrategyTrial,
                strategy=st.sampled_from(["micro", "hammer"]),
                success=st.booleans(),
                seconds=st.integers(0, 100).map(lambda tenths: tenths / 10),
                contexts=st.lists(st.sampled_from(["", "Nat", "Nat|="]), max_size=3).map(tuple),
            ),
            max_size=5,
        ),
        max_size=4,
    )
)
def test_statistics_are_those_of_the_bandit(batches: list[list[StrategyTrial]]) -> None:
    expected: dict[tuple[str, str], ArmStatistics] = {}
    with Ledger.open("sqlite://") as ledger:
        for batch in batches:
            ledger.update_strategy_statistics(batch)
            for trial in batch:
                for context in set(trial.contexts):
                    key = (trial.strategy, context)
                    expected[key] = expected.get(key, ArmStatistics()).updated(trial.success, trial.seconds)
        found = {(known.strategy, known.context): known for known in ledger.strategy_statistics()}
    assert found.keys() == expected.keys()
    for key, known in found.items():
        arm = expected[key]
        assert (known.trials, known.successes) == (arm.trials, arm.successes)
        assert known.success_rate == pytest.approx(arm.success_rate)
        assert known.seconds == pytest.approx(arm.seconds)
        assert known.success_seconds == pytest.approx(arm.success_seconds)
        assert (known.ema_success_seconds is None) == (arm.successes == 0)


def test_time_of_successes_is_averaged_over_successes(ledger: Ledger) -> None:
    seconds = ((True, 2.0), (False, 50.0), (True, 12.0))
    ledger.update_strategy_statistics(
        [StrategyTrial(strategy="micro", success=success, seconds=spent) for success, spent in seconds]
    )
    (known,) = ledger.strategy_statistics()
    assert known.ema_success_seconds == pytest.approx(3.0)


def test_statistics_of_one_context(ledger: Ledger) -> None:
    ledger.update_strategy_statistics(
        [StrategyTrial(strategy="micro", success=True, seconds=1.0, contexts=("", "Nat", "Nat"))]
    )
    assert [(known.context, known.trials) for known in ledger.strategy_statistics()] == [("", 1), ("Nat", 1)]
    assert [known.context for known in ledger.strategy_statistics(context="Nat")] == ["Nat"]
