"""Orders made from what was recorded: they are permutations, and they learn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.features import GoalFeatures
from orchestrator.strategies.policy.bandit import CostAware, Statistics, Trial
from orchestrator.strategies.policy.prior import RecordedArm, RecordedOrder

BASE = CostAware(exploration=0.0, prior_success=0.05, default_seconds=0.3)
GOAL = GoalFeatures("g", ("Here",))
NOTHING = Statistics[str]()
ARMS = ("a", "b", "c", "d")

recorded = st.dictionaries(st.sampled_from(ARMS), st.tuples(st.floats(0, 1), st.floats(0, 9)))


@given(recorded, st.permutations([*ARMS, "nobody has seen it"]), st.sets(st.sampled_from(ARMS)))
def test_every_arm_is_ordered_once(found: dict[str, tuple[float, float]], arms: list[str], failed: set[str]) -> None:
    policy = RecordedOrder(arms={arm: RecordedArm(*one) for arm, one in found.items()}, base=BASE)
    assert sorted(policy.order(GOAL, arms, NOTHING, failed=failed)) == sorted(arms)


def test_what_fails_here_counts_for_less() -> None:
    policy = RecordedOrder(arms={"a": RecordedArm(0.6, 0.6), "b": RecordedArm(0.4, 0.4)}, base=BASE)
    assert policy.order(GOAL, ["b", "a"], NOTHING) == ("a", "b")
    told = NOTHING
    for _ in range(60):
        told = told.updated((Trial("a", False, 1.0), Trial("b", True, 1.0)))
    assert policy.order(GOAL, ["a", "b"], told) == ("b", "a")


def test_what_was_not_recorded_is_put_where_its_chance_and_cost_say() -> None:
    policy = RecordedOrder(arms={"a": RecordedArm(0.6, 0.6), "b": RecordedArm(0.1, 0.01)}, base=BASE)
    assert policy.order(GOAL, ["new", "b", "a"], NOTHING) == ("a", "new", "b")
    told = NOTHING.updated([Trial("new", True, 0.1)] * 40)
    assert policy.order(GOAL, ["a", "b", "new"], told) == ("new", "a", "b")


def test_without_records_the_base_decides() -> None:
    told = NOTHING.updated([Trial("b", True, 0.1)] * 5)
    assert RecordedOrder(arms={}, base=BASE).order(GOAL, list(ARMS), told)[0] == "b"
