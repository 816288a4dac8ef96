"""The dependency graph: what is ready, what waits on what, and circles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.blueprint.graph import DependencyGraph
from orchestrator.blueprint.nodes import Blueprint
from orchestrator.blueprint.status import DeclarationTruth, evaluate
from orchestrator.blueprint.tex.parser import parse

PROVED = DeclarationTruth(exists=True)
OPEN = DeclarationTruth(exists=True, axioms=("sorryAx",), sorry_free=False, body_has_sorry=True)


def node(label: str, *uses: str, proof_uses: tuple[str, ...] = (), extra: str = "") -> str:
    statement = f"\\begin{{lemma}}\\label{{{label}}}\\lean{{{label}}}\\uses{{{','.join(uses)}}}{extra}\\end{{lemma}}"
    return f"{statement}\\begin{{proof}}\\uses{{{','.join(proof_uses)}}}\\end{{proof}}"


def blueprint(*nodes: str) -> Blueprint:
    return parse({"web.tex": "\n".join(nodes)}.get, "web.tex")


CHAIN = blueprint(
    node("a"),
    node("b", "a"),
    node("c", proof_uses=("b",)),
    node("d", "c", "sec"),
    node("m", extra="\\mathlibok"),
    node("e", "m"),
    "\\section{S}\\label{sec}",
)


def test_edges_come_from_statements_and_proofs() -> None:
    graph = DependencyGraph.of(CHAIN)
    assert graph.uses == {"a": (), "b": ("a",), "c": ("b",), "d": ("c",), "m": (), "e": ("m",)}
    assert graph.used_by["b"] == ("c",)
    assert graph.ancestors("d") == {"a", "b", "c"}
    assert graph.descendants("a") == {"b", "c", "d"}
    assert graph.cycles() == ()


def test_ready_means_stated_unproved_and_standing_on_proved_ground() -> None:
    graph = DependencyGraph.of(CHAIN)
    everything_open = evaluate(CHAIN, dict.fromkeys("abcdem", OPEN))
    assert graph.ready(everything_open) == ("a", "e")
    some = evaluate(CHAIN, dict.fromkeys("cde", OPEN) | dict.fromkeys("ab", PROVED))
    assert graph.ready(some) == ("c", "e")
    unstated = evaluate(CHAIN, {"a": DeclarationTruth(exists=False), "e": DeclarationTruth(exists=False)})
    assert graph.ready(unstated) == ()
    assert graph.ready(evaluate(CHAIN, {})) == ()


def test_unblocks_counts_what_waits() -> None:
    graph = DependencyGraph.of(CHAIN)
    assert [graph.unblocks(key) for key in "abcdem"] == [3, 2, 1, 0, 0, 1]
    status = evaluate(CHAIN, {"b": PROVED} | dict.fromkeys("acde", OPEN))
    assert graph.unblocks("a", status) == 2
    with pytest.raises(KeyError):
        graph.unblocks("nowhere")


def test_circles_are_found_and_nothing_on_them_is_ready() -> None:
    circle = blueprint(node("a", "b"), node("b", "c"), node("c", "a"), node("s", "s"), node("x", "a"), node("y"))
    graph = DependencyGraph.of(circle)
    assert graph.cycles() == (("a", "b", "c"), ("s",))
    assert graph.ready(evaluate(circle, dict.fromkeys("abcsxy", OPEN))) == ("y",)
    assert graph.unblocks("a") == 3


def test_nodes_without_labels_have_keys_of_their_own() -> None:
    two = blueprint("\\begin{lemma}\\end{lemma}", "\\begin{lemma}\\uses{a}\\end{lemma}", node("a"))
    graph = DependencyGraph.of(two)
    assert len(graph.uses) == 3
    assert graph.unblocks("a") == 1


KEYS = "abcdefg"


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), st.lists(st.sampled_from(KEYS), max_size=3), max_size=7))
def test_circles_are_circles_and_none_is_missed(uses: dict[str, list[str]]) -> None:
    graph = DependencyGraph({key: tuple(used) for key, used in ({key: [] for key in KEYS} | uses).items()})
    cycles = graph.cycles()
    for cycle in cycles:
        assert len(set(cycle)) == len(cycle)
        for current, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert following in graph.uses[current]
    on_a_circle = {key for key in KEYS if key in graph.ancestors(key)}
    knots = [graph.ancestors(cycle[0]) & graph.descendants(cycle[0]) for cycle in cycles]
    assert on_a_circle == set().union(*knots)
    assert sum(map(len, knots)) == len(on_a_circle)
    for key in KEYS:
        assert all(key in graph.descendants(below) for below in graph.ancestors(key))


def test_edges_that_longer_ways_imply_are_left_out_and_circles_stay() -> None:
    assert DependencyGraph({"a": (), "b": ("a",), "c": ("a", "b"), "d": ("a", "c")}).reduced().uses == {
        "a": (),
        "b": ("a",),
        "c": ("b",),
        "d": ("c",),
    }
    circle = {"a": ("b",), "b": ("a",), "c": ("a", "b"), "d": ("d",)}
    assert DependencyGraph(circle).reduced().uses == circle
