"""Build order and cycles."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.source.build_order import build_order


def test_imports_come_first_and_equals_are_alphabetical() -> None:
    order = build_order({"C": [], "B": ["D"], "A": ["C"], "D": ["Mathlib"], "E": ["A", "B"]})
    assert order.names == ("C", "A", "D", "B", "E")
    assert order.left_out == {}


def test_a_cycle_is_named_in_order_and_takes_its_importers_along() -> None:
    order = build_order({"B": ["C"], "C": ["A"], "A": ["B"], "D": ["X", "C"], "E": ["D"], "F": []})
    assert order.names == ("F",)
    assert order.left_out == {
        "A": "is part of an import cycle: A → B → C → A",
        "B": "is part of an import cycle: A → B → C → A",
        "C": "is part of an import cycle: A → B → C → A",
        "D": "imports C, which is left out",
        "E": "imports D, which is left out",
    }


def test_a_module_that_imports_itself() -> None:
    assert build_order({"A": ["A"]}).left_out == {"A": "is part of an import cycle: A → A"}


def test_two_cycles() -> None:
    left_out = build_order({"A": ["B"], "B": ["A", "C"], "C": ["D"], "D": ["C"]}).left_out
    assert left_out["A"] == left_out["B"] == "is part of an import cycle: A → B → A"
    assert left_out["C"] == left_out["D"] == "is part of an import cycle: C → D → C"


def test_importers_of_an_unusable_module() -> None:
    order = build_order({"A": [], "B": ["X"], "C": ["B"]}, unusable={"X"})
    assert order.names == ("A",)
    assert order.left_out == {"B": "imports X, which is left out", "C": "imports B, which is left out"}


def test_a_long_cycle_is_told_shortly() -> None:
    size = 3000
    graph = {f"M{number:04}": [f"M{(number + 1) % size:04}"] for number in range(size)}
    left_out = build_order(graph).left_out
    assert len(left_out) == size
    assert left_out["M0007"].startswith("is part of an import cycle: M0000 → M0001 → ")
    assert left_out["M0007"].endswith("… (3000 modules in total) → M0000")
    assert len(left_out["M0007"]) < 250


GRAPH = st.dictionaries(
    st.sampled_from("ABCDEFGHIJ"), st.lists(st.sampled_from("ABCDEFGHIJXY"), max_size=4, unique=True), max_size=10
)


@given(GRAPH, st.sets(st.sampled_from("XY")))
def test_every_module_has_one_place_or_one_reason(graph: dict[str, list[str]], unusable: set[str]) -> None:
    order = build_order(graph, unusable)
    assert sorted((*order.names, *order.left_out)) == sorted(graph)
    done: set[str] = set()
    for name in order.names:
        assert all(other in done or (other not in graph and other not in unusable) for other in graph[name])
        done.add(name)
    for name in order.left_out:
        assert any(other in order.left_out or other in unusable for other in graph[name])


@given(GRAPH)
def test_a_reported_cycle_is_one(graph: dict[str, list[str]]) -> None:
    for name, message in build_order(graph).left_out.items():
        _, cycle, text = message.partition("is part of an import cycle: ")
        if cycle:
            names = text.split(" → ")
            assert name in names
            assert names[0] == names[-1] == min(names)
            assert all(other in graph[one] for one, other in pairwise(names))


@given(GRAPH)
def test_the_order_does_not_depend_on_how_files_were_found(graph: dict[str, list[str]]) -> None:
    backwards = {name: list(reversed(graph[name])) for name in reversed(graph)}
    assert build_order(graph).names == build_order(backwards).names
