"""The search on a table of states: order, merging, pruning, limits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.strategies.reprover.generators import (
    PREMISE_TEMPLATES,
    ListGenerator,
    Mixture,
    PremiseTemplates,
    SolvedGoal,
    SolvedGoals,
    Suggestion,
    ranked,
)
from orchestrator.strategies.reprover.search import REFUSED, Frontier, SearchReport, SearchSettings, StopReason, search
from orchestrator.strategies.reprover.steps import Step
from orchestrator.strategies.reprover.tree import Arrival, SearchNode, Tree, state_key
from tests.doubles.scripted_stepper import ScriptedStepper

State = tuple[str, ...]
Table = Mapping[State, Mapping[str, State]]


class Fixed:
    """A generator that always suggests the same."""

    def __init__(self, tactics: Mapping[str, float]) -> None:
        self.tactics = tactics

    async def suggest(self, state: str, count: int) -> Sequence[Suggestion]:
        """See `TacticGenerator.suggest`."""
        ordered = sorted(self.tactics.items(), key=lambda item: -item[1])
        return [Suggestion(tactic, probability) for tactic, probability in ordered[:count]]


def check_invariants(tree: Tree) -> None:
    """What always holds."""
    nodes = list(tree)
    assert len({node.handle for node in nodes}) == len({node.key for node in nodes}) == len(nodes)
    for node in nodes:
        assert node.key == state_key(node.goals)
        assert (node.parent is None) == (node is tree.root)
        if node.parent is not None:
            assert node.parent.expanded, "a way through a state that nothing was tried on"
            assert node.depth == node.parent.depth + 1
            assert node.log_probability <= node.parent.log_probability
        assert all(ancestor is not node for ancestor in node.ancestors()), "a way in a circle"


def find(
    table: Table, root: State, tactics: Mapping[str, float], **settings: float
) -> tuple[SearchReport, ScriptedStepper]:
    stepper = ScriptedStepper(table, root)
    report = asyncio.run(search(root, stepper, Fixed(tactics), SearchSettings(**settings)))  # type: ignore[arg-type]
    return report, stepper


def goal(name: str) -> str:
    return f"⊢ {name}"


A, B, C, D = ((goal(name),) for name in "ABCD")


def test_a_proof_is_the_tactics_from_the_root() -> None:
    report, _ = find({A: {"x": B}, B: {"y": ()}}, A, {"x": -1.0, "y": -2.0})
    assert report.script == ("x", "y")
    assert report.stop is StopReason.PROVED


def test_the_likeliest_state_is_expanded_first() -> None:
    table = {A: {"bad": B, "good": C}, B: {"z": ()}, C: {"good": D}, D: {"good": ()}}
    report, stepper = find(table, A, {"good": -0.1, "bad": -3.0, "z": -0.5})
    assert stepper.expanded == [A, C, D]
    assert report.script == ("good", "good", "good")


def test_states_that_differ_by_names_are_one() -> None:
    one, other = ("x : Nat\n⊢ x = x",), ("y : Nat\n⊢ y = y",)
    report, stepper = find({A: {"a": one, "b": other}}, A, {"a": -1.0, "b": -2.0})
    assert stepper.expanded == [A, one]
    assert report.arrivals[Arrival.MERGED.value] == 1
    assert report.states == 2


def test_a_likelier_way_to_a_waiting_state_is_the_one_of_the_proof() -> None:
    table = {A: {"slow": D, "quick": B}, B: {"quick": D}, D: {"end": ()}}
    report, _ = find(table, A, {"slow": -5.0, "quick": -0.1, "end": -6.0})
    assert report.script == ("quick", "quick", "end")
    assert report.arrivals[Arrival.BETTER.value] == 1


def test_no_progress_and_loops_are_pruned_and_the_search_ends() -> None:
    report, stepper = find({A: {"same": A, "on": B}, B: {"back": A}}, A, {"same": -0.1, "on": -0.2, "back": -0.3})
    assert stepper.expanded == [A, B]
    assert report.stop is StopReason.EXHAUSTED
    assert report.arrivals[Arrival.NO_PROGRESS.value] == 1
    assert report.arrivals[Arrival.LOOP.value] == 1


def test_a_state_met_on_its_own_way_is_a_loop() -> None:
    report, _ = find({A: {"a": B}, B: {"a": C}, C: {"b": B, "a": A}}, A, {"a": -0.1, "b": -0.2})
    assert report.arrivals[Arrival.LOOP.value] == 2


def test_what_grows_too_large_is_left_out() -> None:
    many = tuple(goal(str(number)) for number in range(20))
    report, _ = find({A: {"a": many}}, A, {"a": -0.1})
    assert report.arrivals == {Arrival.TOO_LARGE.value: 1}


def test_a_closed_state_that_the_declaration_refuses_is_no_proof() -> None:
    stepper = ScriptedStepper({A: {"a": (), "b": ()}}, A, refused=[("a",)])
    report = asyncio.run(search(A, stepper, Fixed({"a": -0.1, "b": -0.2}), SearchSettings()))
    assert report.script == ("b",)
    assert report.arrivals[REFUSED] == 1


def test_expansions_are_limited() -> None:
    endless = {(goal(f"P{i}"),): {"a": (goal(f"P{i + 1}"),)} for i in range(100)}
    report, stepper = find(endless, (goal("P0"),), {"a": -0.1}, expansions=5)
    assert report.stop is StopReason.EXPANSIONS
    assert len(stepper.expanded) == report.expansions == 5


def test_depth_is_limited() -> None:
    endless = {(goal(f"P{i}"),): {"a": (goal(f"P{i + 1}"),)} for i in range(100)}
    report, stepper = find(endless, (goal("P0"),), {"a": -0.1}, max_depth=4)
    assert report.stop is StopReason.EXHAUSTED
    assert len(stepper.expanded) == 4


def test_a_proof_that_comes_with_the_last_step_counts_however_late() -> None:
    now = [0.0]

    def late(_goals: State) -> None:
        now[0] += 100.0

    stepper = ScriptedStepper({A: {"a": ()}}, A, on_run=late)
    report = asyncio.run(search(A, stepper, Fixed({"a": -0.1}), SearchSettings(seconds=10), clock=lambda: now[0]))
    assert report.script == ("a",)


def test_out_of_time_is_said() -> None:
    now = [0.0]

    def late(_goals: State) -> None:
        now[0] += 100.0

    stepper = ScriptedStepper({A: {"a": B}, B: {"a": ()}}, A, on_run=late)
    report = asyncio.run(search(A, stepper, Fixed({"a": -0.1}), SearchSettings(seconds=10), clock=lambda: now[0]))
    assert (report.script, report.stop, report.expansions) == (None, StopReason.SECONDS, 1)


def test_goals_that_stay_open_on_many_ways_are_reported() -> None:
    hard = goal("Hard")
    table = {A: {"a": (goal("E"), hard), "b": (goal("F"), hard), "c": (goal("G"),)}}
    report, _ = find(table, A, {"a": -0.1, "b": -0.2, "c": -0.3})
    assert report.frequent_goals == ((hard, 2),)


numbers = st.integers(0, 7)


@given(st.dictionaries(numbers, st.dictionaries(st.sampled_from("abcd"), st.none() | numbers, max_size=4), max_size=8))
def test_every_proof_found_is_one_and_one_is_found_where_there_is_one(edges: dict[int, dict[str, int | None]]) -> None:
    table: Table = {
        (goal(f"P{i}"),): {t: () if to is None else (goal(f"P{to}"),) for t, to in out.items()}
        for i, out in edges.items()
    }
    root = (goal("P0"),)
    report, stepper = find(table, root, {"a": -0.1, "b": -0.7, "c": -1.5, "d": -1.5})
    seen, todo, provable = {root}, [root], False
    while todo:
        for after in table.get(todo.pop(), {}).values():
            provable = provable or not after
            if after and after not in seen:
                seen.add(after)
                todo.append(after)
    assert (report.script is not None) == provable
    assert len(stepper.expanded) == len(set(stepper.expanded))
    state = root
    for tactic in report.script or ():
        state = table[state][tactic]
    assert report.script is None or state == ()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.floats(-5, 0)), max_size=40))
def test_the_tree_keeps_its_invariants(arrivals: list[tuple[int, int, float]]) -> None:
    tree, frontier = Tree([goal("P0")]), Frontier()
    frontier.push(tree.root)
    handle = 0
    for pick, target, log_probability in arrivals:
        node = frontier.pop()
        if node is None:
            break
        node.expanded = True
        for offset in range(pick % 3 + 1):
            handle += 1
            step = Step("t", (goal(f"P{(target + offset) % 10}"),), handle)
            _, new = tree.add(node, Suggestion("t", log_probability), step)
            if new is not None:
                frontier.push(new)
        check_invariants(tree)


@given(st.lists(st.floats(-50, 0), max_size=20))
def test_the_frontier_gives_the_likeliest_first(probabilities: list[float]) -> None:
    frontier = Frontier()
    for number, probability in enumerate(probabilities):
        frontier.push(SearchNode(str(number), (), number, probability))
    popped = []
    while (node := frontier.pop()) is not None:
        node.expanded = True
        popped.append(node.log_probability)
    assert popped == sorted(probabilities, reverse=True)


def suggest(
    generator: ListGenerator | Mixture | SolvedGoals | PremiseTemplates, state: str, count: int = 10
) -> dict[str, float]:
    found = asyncio.run(generator.suggest(state, count))
    assert [s.log_probability for s in found] == sorted((s.log_probability for s in found), reverse=True)
    return {s.tactic: s.log_probability for s in found}


def test_a_mixture_weighs_its_parts_and_keeps_the_best_of_duplicates() -> None:
    mixture = Mixture([(Fixed({"a": 0.0, "b": -1.0}), 3.0), (Fixed({"b": 0.0}), 1.0)])
    found = suggest(mixture, "⊢ P")
    assert found["a"] == pytest.approx(math.log(0.75))
    assert found["b"] == pytest.approx(max(math.log(0.75) - 1, math.log(0.25)))
    with pytest.raises(ValueError, match="weight above 0"):
        Mixture([(Fixed({}), 0.0)])


def test_tactics_of_the_most_similar_solved_goal_come_first() -> None:
    solved = [
        SolvedGoal("xs : List Nat\n⊢ xs.length = xs.reverse.length", ("simp",)),
        SolvedGoal("n : Nat\n⊢ fact n > 0", ("induction n", "omega")),
    ]
    found = suggest(SolvedGoals(solved), "m : Nat\n⊢ fact m ≥ 1")
    assert next(iter(found)) in ("induction n", "induction n\nomega")
    assert suggest(SolvedGoals([]), "⊢ P") == {}


def test_premises_are_used_in_every_way() -> None:
    generator = PremiseTemplates(lambda _state, count: ["foo", "bar"][:count])
    found = suggest(generator, "⊢ P", 100)
    assert {template.format(name) for template in PREMISE_TEMPLATES for name in ("foo", "bar")} <= set(found)
    assert "simp [foo, bar]" in found
    assert suggest(PremiseTemplates(lambda _state, _count: []), "⊢ P") == {}


@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=30))
def test_ranked_suggestions_share_one_probability(tactics: list[str]) -> None:
    assert sum(math.exp(s.log_probability) for s in ranked(tactics)) == pytest.approx(1.0)


@pytest.mark.parametrize(("tactic", "log_probability"), [("", 0.0), ("a", 0.1), ("a", math.nan)])
def test_no_suggestion_without_a_tactic_and_a_probability(tactic: str, log_probability: float) -> None:
    with pytest.raises(ValueError, match="no suggestion"):
        Suggestion(tactic, log_probability)
