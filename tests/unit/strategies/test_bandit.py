"""The arms: the UCB index to the digit, the counts, and an order that is worth its cost."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.goals.features import GoalFeatures, features_of, target_shape
from orchestrator.goals.goal import Context, Goal
from orchestrator.strategies.policy.bandit import (
    ArmStatistics,
    CostAware,
    Policy,
    SeedUcb,
    Statistics,
    Trial,
    after,
    ucb_score,
    within,
)

ARMS = ("micro", "hammer", "copilot", "reprover", "sketch")
LEVELS = ("Algebra", "Algebra|=")

chances = st.floats(0, 1)
arms = st.sampled_from(ARMS)
trials = st.builds(
    Trial[str],
    arm=arms,
    success=st.booleans(),
    seconds=st.floats(0, 120),
    levels=st.sampled_from([(), LEVELS[:1], LEVELS]),
    failed_before=st.frozensets(arms, max_size=3),
)
policies: st.SearchStrategy[Policy] = st.one_of(
    st.builds(SeedUcb, exploration=st.floats(0, 3)),
    st.builds(
        CostAware, seed=st.integers(0, 99), strength=st.floats(0.1, 50), exploration=st.sampled_from([0.0, 0.3, 1.0])
    ),
)


@pytest.mark.parametrize(
    ("mean", "n", "total", "expected"),
    [
        (0.0, 0, 0, 1.5 * 2**0.5),
        (0.25, 1, 1, 0.25 + 1.5 * 4**0.5),
        (0.5, 4, 10, 0.5 + 1.5 * (8 / 4) ** 0.5),
        (1.0, 100, 1023, 1.0 + 1.5 * (22 / 100) ** 0.5),
    ],
)
def test_ucb_score_by_hand(mean: float, n: int, total: int, expected: float) -> None:
    assert ucb_score(mean, n, total) == expected


@settings(deadline=None)
@given(mean=chances, n=st.integers(0, 1000), total=st.integers(0, 10_000), constant=st.floats(0, 5))
def test_ucb_score_shrinks_with_trials_and_grows_with_the_total(
    mean: float, n: int, total: int, constant: float
) -> None:
    here = ucb_score(mean, n, total, exploration=constant)
    assert here >= mean
    assert ucb_score(mean, n + 1, total, exploration=constant) <= here
    assert ucb_score(mean, n, 2 * total + 1, exploration=constant) >= here
    assert ucb_score(mean, n, total, exploration=0) == mean


def test_success_rate_is_the_moving_average() -> None:
    entry = ArmStatistics().updated(True, 2.0).updated(False, 4.0).updated(True, 3.0)
    assert entry.success_rate == pytest.approx((0.1 * 0.9) * 0.9 + 0.1)
    assert (entry.trials, entry.successes, entry.seconds, entry.success_seconds) == (3, 2, 9.0, 5.0)
    assert entry.mean_seconds == 3.0
    assert entry.expected_seconds == 2.5


def test_expected_seconds_falls_back_from_successes_to_trials_to_nothing() -> None:
    assert ArmStatistics().expected_seconds is None
    assert ArmStatistics().updated(False, 7.0).expected_seconds == 7.0


@settings(deadline=None)
@given(st.lists(trials, max_size=30))
def test_counts_add_up(history: list[Trial[str]]) -> None:
    statistics = Statistics[str]().updated(history)
    assert statistics.total_trials == len(history)
    for arm in ARMS:
        mine = [trial for trial in history if trial.arm == arm]
        entry = statistics.of(arm)
        assert (entry.trials, entry.successes) == (len(mine), sum(trial.success for trial in mine))
        assert 0 <= entry.success_rate <= 1
        assert entry.success_seconds <= entry.seconds
        assert statistics.of(arm, within("Algebra")).trials == sum("Algebra" in trial.levels for trial in mine)
        assert statistics.of(arm, after("micro")).trials == sum("micro" in trial.failed_before for trial in mine)


@settings(deadline=None)
@given(st.lists(trials, max_size=20), trials)
def test_updating_one_by_one_or_at_once_is_the_same_and_leaves_the_old_value(
    history: list[Trial[str]], last: Trial[str]
) -> None:
    before = Statistics[str]().updated(history)
    copy = dict(before.table)
    assert before.updated((last,)) == Statistics[str]().updated([*history, last])
    assert before.table == copy


@settings(deadline=None)
@given(policies, st.lists(trials, max_size=30), st.permutations(ARMS), st.integers(0, 5), st.sets(arms))
def test_an_order_is_a_repeatable_permutation_of_what_is_available(
    policy: Policy, history: list[Trial[str]], shuffled: list[str], count: int, failed: set[str]
) -> None:
    statistics = Statistics[str]().updated(history)
    features = GoalFeatures("goal", LEVELS)
    available = shuffled[:count]
    ranked = policy.order(features, available, statistics, failed=failed)
    assert sorted(ranked) == sorted(available)
    assert policy.order(features, available, statistics, failed=sorted(failed)) == ranked


@settings(deadline=None)
@given(st.lists(trials, max_size=30), st.permutations(ARMS), st.integers(0, 99))
def test_draws_do_not_depend_on_the_order_given(history: list[Trial[str]], shuffled: list[str], seed: int) -> None:
    statistics = Statistics[str]().updated(history)
    policy = CostAware(seed=seed, exploration=1.0)
    features = GoalFeatures("goal", LEVELS)
    assert policy.order(features, shuffled, statistics) == policy.order(features, ARMS, statistics)


@settings(deadline=None)
@given(st.lists(trials, max_size=30), arms, st.sets(arms))
def test_probabilities_and_costs_stay_in_range(history: list[Trial[str]], arm: str, failed: set[str]) -> None:
    policy = CostAware()
    statistics = Statistics[str]().updated(history)
    assert 0 < policy.success_probability(GoalFeatures(levels=LEVELS), arm, statistics, failed) < 1
    costs = [10.0, *(trial.seconds for trial in history if trial.arm == arm)]
    assert min(costs) - 1e-9 <= policy.expected_cost(LEVELS, arm, statistics) <= max(costs) + 1e-9


@settings(deadline=None)
@given(st.lists(trials, max_size=30), arms)
def test_a_success_never_lowers_and_a_failure_never_raises_the_chance(history: list[Trial[str]], arm: str) -> None:
    policy = CostAware()
    before = Statistics[str]().updated(history)
    here = policy.success_probability(GoalFeatures(levels=LEVELS), arm, before)
    better = before.updated([Trial(arm, True, 1.0, LEVELS)])
    worse = before.updated([Trial(arm, False, 1.0, LEVELS)])
    assert policy.success_probability(GoalFeatures(levels=LEVELS), arm, better) >= here
    assert policy.success_probability(GoalFeatures(levels=LEVELS), arm, worse) <= here


def test_a_new_context_starts_from_what_is_known_above_it() -> None:
    policy = CostAware()
    known = Statistics[str]().updated(Trial("micro", True, 1.0, ("Algebra", "Algebra|=")) for _ in range(40))
    topology = GoalFeatures(levels=("Topology", "Topology|→"))
    algebra = GoalFeatures(levels=("Algebra", "Algebra|∃"))
    elsewhere = policy.success_probability(topology, "micro", known)
    assert elsewhere > 0.7
    assert policy.success_probability(algebra, "micro", known) > elsewhere


def test_marks_tilt_the_odds_by_their_damping() -> None:
    told = [Trial("micro", index % 2 == 0, 1.0, marks=("even",) if index % 2 == 0 else ("odd",)) for index in range(80)]
    known = Statistics[str]().updated(told)
    chances_ = [
        CostAware(damping=damping).success_probability(GoalFeatures(marks=(mark,)), "micro", known)
        for damping in (0.0, 0.5, 1.0)
        for mark in ("odd", "even")
    ]
    assert chances_[0] == chances_[1]
    assert chances_[4] < chances_[2] < chances_[0] < chances_[3] < chances_[5]


@given(st.lists(trials, max_size=20), st.lists(trials, max_size=20))
def test_statistics_add_up(first: list[Trial[str]], second: list[Trial[str]]) -> None:
    both = Statistics[str]().updated(first) + Statistics[str]().updated(second)
    together = Statistics[str]().updated([*first, *second])
    assert set(both.table) == set(together.table)
    for key, entry in together.table.items():
        assert (both.table[key].trials, both.table[key].successes) == (entry.trials, entry.successes)
        assert both.table[key].seconds == pytest.approx(entry.seconds)


def test_an_arm_that_fails_whenever_another_did_is_put_behind_one_that_adds_something() -> None:
    history: list[Trial[str]] = []
    for index in range(100):
        hard = index % 2 == 0
        history.append(Trial("micro", not hard, 5.0))
        history.append(Trial("copy of micro", not hard, 5.0, (), frozenset({"micro"}) if hard else frozenset()))
        history.append(Trial("other", index % 4 == 0, 5.0, (), frozenset({"micro"}) if hard else frozenset()))
    statistics = Statistics[str]().updated(history)
    policy = CostAware(exploration=0.0)
    available = ("micro", "copy of micro", "other")
    features = GoalFeatures("goal")
    assert policy.order(features, available, statistics) == ("micro", "other", "copy of micro")
    assert policy.success_probability(GoalFeatures(), "other", statistics, {"micro"}) > 3 * policy.success_probability(
        GoalFeatures(), "copy of micro", statistics, {"micro"}
    )


def test_what_failed_together_can_say_more_than_each_alone() -> None:
    history = [
        Trial("sketch", len(failed) < 2, 5.0, (), frozenset(failed))
        for failed in (("micro",), ("hammer",), ("micro", "hammer"))
        for _ in range(40)
    ]
    statistics = Statistics[str]().updated(history)
    policy = CostAware()
    one = policy.success_probability(GoalFeatures(), "sketch", statistics, {"micro"})
    assert policy.success_probability(GoalFeatures(), "sketch", statistics, {"micro", "hammer"}) < one / 2


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 19), st.integers(1, 60)), min_size=1, max_size=5),
)
def test_for_independent_arms_the_order_has_the_least_expected_cost(table: list[tuple[int, int]]) -> None:
    arms_of = {f"arm {index}": (successes / 20, float(cost)) for index, (successes, cost) in enumerate(table)}
    history = [
        Trial(arm, number < round(20 * chance), cost) for arm, (chance, cost) in arms_of.items() for number in range(20)
    ]
    policy = CostAware(strength=1e-9, exploration=0.0)
    ranked = policy.order(GoalFeatures("goal"), tuple(arms_of), Statistics[str]().updated(history))
    best = min(_expected_cost(order, arms_of) for order in itertools.permutations(arms_of))
    assert _expected_cost(ranked, arms_of) == pytest.approx(best)


def _expected_cost(order: tuple[str, ...], arms_of: Mapping[str, tuple[float, float]]) -> float:
    total, alive = 0.0, 1.0
    for arm in order:
        chance, cost = arms_of[arm]
        total += alive * cost
        alive *= 1 - chance
    return total


COSTS = {"micro": 8.0, "hammer": 20.0, "copilot": 20.0, "reprover": 60.0, "sketch": 6.0}


def _night(policy: Policy, seed: int) -> float:
    """Seconds spent on 200 goals of six contexts, where 40 % are hard for every arm."""
    world = random.Random(seed)
    usual = {"micro": 0.25, "hammer": 0.25, "copilot": 0.2, "reprover": 0.3, "sketch": 0.05}
    contexts = [{arm: usual[arm] * world.choice([0.2, 0.5, 1, 2]) for arm in ARMS} for _ in range(6)]
    statistics, total = Statistics[str](), 0.0
    for goal in range(200):
        number = world.randrange(6)
        scale = 0.05 if world.random() < 0.4 else 1.0
        proves = {arm: world.random() < scale * contexts[number][arm] for arm in ARMS}
        features = GoalFeatures(str(goal), (f"context {number}",))
        failed: list[str] = []
        while len(failed) < len(ARMS):
            left = [arm for arm in ARMS if arm not in failed]
            arm = policy.order(features, left, statistics, failed=failed)[0]
            seconds = COSTS[arm] * (0.4 if proves[arm] else 1.0)
            total += seconds
            trial = Trial(arm, proves[arm], seconds, features.levels, frozenset(failed))
            statistics = statistics.updated((trial,))
            if proves[arm]:
                break
            failed.append(arm)
    return total


def test_knowing_costs_and_contexts_saves_time() -> None:
    ours = sum(_night(CostAware(prior_seconds=COSTS), seed) for seed in range(4))
    ucb = sum(_night(SeedUcb(), seed) for seed in range(4))
    assert ours < 0.97 * ucb


@pytest.mark.parametrize(
    ("target", "shape"),
    [
        ("a + b = b + a", "="),
        ("a ≤ b → b ≤ c → a ≤ c", "→"),
        ("p ∧ q ↔ q ∧ p", "↔"),
        ("∀ ε > 0, ∃ δ > 0, P ε δ", "∀"),
        ("∃! x, f x = y", "∃"),
        ("¬a = b", "¬"),
        ("¬ (a = b)", "¬"),
        ("Continuous fun x => x + 1", "Continuous"),
        ("(a = b) ∨ ∃ x, x = a", "∨"),
        ("P ∧ ∀ x, Q x → R x", "∧"),
        ("IsOpen (s ∪ t)", "IsOpen"),
        ("(p → q)", "()"),
        ("", ""),
    ],
)
def test_shape_of_a_target(target: str, shape: str) -> None:
    assert target_shape(target) == shape


@settings(deadline=None)
@given(st.text(alphabet="ab =→∀∃¬(),⟨⟩∧x\n", max_size=40))
def test_shape_is_total(target: str) -> None:
    assert isinstance(target_shape(target), str)


def test_features_of_a_goal() -> None:
    goal = Goal(id="g", text="n : ℕ\n⊢ n = n", module="Mathlib.Topology.Basic")
    assert features_of(goal) == GoalFeatures(
        "g",
        ("Mathlib.Topology", "Mathlib.Topology|="),
        ("shape =", "head n", "size 2", "binders ", "facts 0", "over ℕ"),
    )
    assert features_of(Goal(id="h", text="⊢ True", context=Context(namespace="A.B.C"))).levels[0] == "A.B"
