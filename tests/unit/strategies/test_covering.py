"""Orders made from whole cases: what they are worth, and that they are permutations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.features import GoalFeatures
from orchestrator.strategies.policy.bandit import CostAware, Statistics, Trial
from orchestrator.strategies.policy.set_cover import Case, Covering, _worth_by_place

BASE = CostAware(exploration=0.0, prior_success=0.05, default_seconds=0.3)
GOAL = GoalFeatures("g", ("Here",))
NOTHING = Statistics[str]()
LIMIT = 8.0
ARMS = ("a", "b", "c", "d")

trials = st.dictionaries(st.sampled_from(ARMS), st.tuples(st.booleans(), st.floats(0, 9)))
cases = st.lists(trials.map(Case), max_size=6)


def policy(*tried: dict[str, tuple[bool, float]], passes: int = 3) -> Covering:
    return Covering(cases=tuple(map(Case, tried)), base=BASE, limit_seconds=LIMIT, caution=0.0, passes=passes)


@given(cases, st.permutations([*ARMS, "nobody has seen it"]), st.sets(st.sampled_from(ARMS)))
def test_every_arm_is_ordered_once(found: list[Case], arms: list[str], failed: set[str]) -> None:
    order = Covering(cases=tuple(found), base=BASE, limit_seconds=LIMIT).order(GOAL, arms, NOTHING, failed=failed)
    assert sorted(order) == sorted(arms)


def test_an_arm_that_adds_nothing_waits() -> None:
    both = {"often": (True, 1.0), "the same, cheaper each": (True, 1.1), "rare": (False, 1.0)}
    other = {"often": (False, 1.0), "the same, cheaper each": (False, 1.0), "rare": (True, 1.0)}
    order = policy(both, both, other).order(GOAL, list(both), NOTHING)
    assert order == ("often", "rare", "the same, cheaper each")


def test_a_better_place_than_the_greedy_one_is_found() -> None:
    # "most" solves the most goals a second, and yet leaves one for each of the others, which together solve all.
    solves = {"most": (1.3, {2, 3, 4, 5}), "left": (1.0, {1, 2, 3}), "right": (1.0, {4, 5, 6})}
    tried = [{arm: (goal in goals, cost) for arm, (cost, goals) in solves.items()} for goal in range(1, 7)]
    assert policy(*tried, passes=0).order(GOAL, list(solves), NOTHING)[0] == "most"
    assert policy(*tried).order(GOAL, list(solves), NOTHING)[-1] == "most"


def test_what_fails_here_counts_for_less() -> None:
    tried = [{"a": (True, 1.0), "b": (False, 1.0)}] * 6 + [{"a": (False, 1.0), "b": (True, 1.0)}] * 4
    order = policy(*tried)
    assert order.order(GOAL, ["a", "b"], NOTHING) == ("a", "b")
    told = Statistics[str]()
    for _ in range(60):
        told = order.update(told, Trial("a", False, 1.0))
        told = order.update(told, Trial("b", True, 1.0))
    assert order.order(GOAL, ["a", "b"], told) == ("b", "a")


def test_one_success_is_less_than_many() -> None:
    tried = [{"once": (False, 0.3), "often": (True, 2.0)}] * 5 + [{"once": (True, 0.3), "often": (False, 2.0)}]
    bold = policy(*tried)
    assert bold.order(GOAL, ["often", "once"], NOTHING) == ("once", "often")
    assert replace(bold, caution=2.0).order(GOAL, ["once", "often"], NOTHING) == ("often", "once")


def test_goals_on_which_an_arm_would_have_succeeded_are_not_like_one_on_which_it_failed() -> None:
    tried = [{"a": (True, 1.0), "b": (True, 1.0), "c": (False, 1.0)}] * 3 + [{"b": (False, 1.0), "c": (True, 1.0)}]
    assert policy(*tried).order(GOAL, ["b", "c"], NOTHING) == ("b", "c")
    assert policy(*tried).order(GOAL, ["b", "c"], NOTHING, failed=["a"]) == ("c", "b")


def test_without_cases_the_base_decides() -> None:
    told = NOTHING.updated([Trial("b", True, 0.1)] * 5)
    assert policy().order(GOAL, list(ARMS), told) == BASE.order(GOAL, list(ARMS), told)


matrices = st.integers(1, 4).flatmap(
    lambda arms: st.lists(
        st.tuples(*[st.tuples(st.floats(0, 1), st.floats(0, 5))] * (arms + 1)), min_size=1, max_size=4
    )
)


@given(matrices)
def test_the_worth_of_each_place_is_that_of_the_order(rows: list[tuple[tuple[float, float], ...]]) -> None:
    chances = np.array([[chance for chance, _ in row] for row in rows])
    costs = np.array([[cost for _, cost in row] for row in rows])
    alive, arm, rest = np.ones(len(rows)), chances.shape[1] - 1, list(range(chances.shape[1] - 1))
    values = _worth_by_place(arm, rest, chances, costs, alive, LIMIT)
    for place, value in enumerate(values):
        assert value == pytest.approx(worth([*rest[:place], arm, *rest[place:]], chances, costs), abs=1e-6)


def worth(order: list[int], chances: np.ndarray, costs: np.ndarray) -> float:
    """The expected seconds that are left at the first success, summed over the cases, by simulation of each step."""
    total = 0.0
    for row in range(len(chances)):
        nobody, spent = 1.0, 0.0
        for arm in order:
            spent += costs[row, arm]
            total += nobody * chances[row, arm] * max(0.0, LIMIT - spent)
            nobody *= 1 - chances[row, arm]
    return total


def test_an_arm_that_leads_goes_first_and_the_others_add_to_it() -> None:
    cheap = {"strong": (True, 2.0), "cheap": (True, 0.1), "other": (False, 0.1)}
    rest = {"strong": (False, 2.0), "cheap": (False, 0.1), "other": (True, 0.1)}
    plain = policy(cheap, cheap, rest)
    assert plain.order(GOAL, list(cheap), NOTHING)[0] == "cheap"
    led = replace(plain, leads=("strong", "nobody here"))
    assert led.order(GOAL, list(cheap), NOTHING) == ("strong", "other", "cheap")
    assert led.order(GOAL, ["cheap", "other"], NOTHING) == plain.order(GOAL, ["cheap", "other"], NOTHING)
