"""Ranking by shared constants: features, the mask, a project's own premises, and the index on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_retriever import ScriptedRetriever

from orchestrator.premises.index import build_index, load_index, save_index
from orchestrator.premises.library import Library
from orchestrator.premises.relevance import FEATURES, Relevance, RelevanceModel, learned_model
from orchestrator.premises.retrieval import Premise, Query
from orchestrator.premises.symbols import instances_of, symbols_in
from orchestrator.premises.traits import RELATIONS, conclusion, relation, traits

NAT = ("Nat", "Eq", "HAdd.hAdd", "instHAdd", "instAddNat")
PREMISES = (
    Premise("Nat.add_comm", "∀ (n m : Nat), n + m = m + n", "Init.Nat", mentions=NAT),
    Premise("Nat.mul_comm", "∀ (n m : Nat), n * m = m * n", "Init.Nat", mentions=("Nat", "Eq", "HMul.hMul")),
    Premise("List.length_append", "(as ++ bs).length = as.length + bs.length", "Init.List", mentions=("List.length",)),
    Premise("Std.HashMap.size_insert", "(m.insert k v).size ≤ m.size + 1", "Std.HashMap", mentions=("Std.HashMap",)),
    Premise("List.length", "List α → Nat", "Init.List", "def"),
)
INDEX = build_index(PREMISES)
MODEL = RelevanceModel({"shared": 1.0, "missing": -1.0, "rarest_behind": 0.5, "used": 1.0})


def names(query: Query, count: int = 3, model: RelevanceModel = MODEL) -> list[str]:
    return [ranked.premise.name for ranked in Relevance(INDEX, model).retrieve(query, count)]


def test_theorems_alone_are_indexed_and_given_back_as_they_were() -> None:
    assert len(INDEX) == 4
    assert INDEX.premise(0) == Premise("Nat.add_comm", "∀ (n m : Nat), n + m = m + n", "Init.Nat")
    assert INDEX.names() == [premise.name for premise in PREMISES if premise.kind == "theorem"]


def test_shared_constants_speak_for_a_premise_and_missing_ones_against_it() -> None:
    assert names(Query("⊢ a * b = b * a", mentions=("Nat", "Eq", "HMul.hMul")))[0] == "Nat.mul_comm"
    assert names(Query("⊢ a + b = b + a", mentions=NAT))[0] == "Nat.add_comm"


def test_definitions_behind_a_goal_count_too() -> None:
    query = Query("⊢ f x = x", mentions=("f", "Eq"), behind=("List.length",))
    assert names(query)[0] == "List.length_append"


def test_what_proofs_use_comes_first() -> None:
    asked = Query("⊢ p", mentions=())
    assert names(asked, 1, RelevanceModel({"used": 1.0}, {"Std.HashMap.size_insert": 3})) == ["Std.HashMap.size_insert"]
    alike = RelevanceModel({"used_alike": 1.0}, {"Int.mul_comm": 2})
    assert names(asked, 1, alike) == ["Nat.mul_comm"]


def test_no_kind_of_premise_keeps_out_the_others() -> None:
    many = [Premise(f"Nat.a{i}", "n = n", "Init.Nat", mentions=("Nat",)) for i in range(9)]
    other = Premise("List.b", "l = l", "Init.List", mentions=("List",))
    relevance = Relevance(build_index([*many, other]), RelevanceModel({"root": 0.3}))
    found = relevance.retrieve(Query("⊢ p", mentions=("Nat",)), 4)
    assert "List.b" in [ranked.premise.name for ranked in found]


def test_what_a_goal_cannot_see_is_not_answered() -> None:
    query = Query("⊢ p", mentions=("Std.HashMap",))
    assert names(query)[0] == "Std.HashMap.size_insert"
    assert "Std.HashMap.size_insert" not in names(Query("⊢ p", frozenset({"Init.Nat"}), mentions=query.mentions))
    without = Query("⊢ p", without=frozenset({"Std.HashMap.size_insert"}), mentions=query.mentions)
    assert "Std.HashMap.size_insert" not in names(without)
    assert Relevance(build_index(()), MODEL).retrieve(query, 3) == ()


@given(st.text(max_size=40), st.lists(st.sampled_from([*NAT, "HMul.hMul", "x"])), st.integers(0, 6))
def test_any_query_is_answered_without_repetition(text: str, mentions: list[str], count: int) -> None:
    found = names(Query(text, mentions=tuple(mentions)), count)
    assert len(found) == len(set(found)) == min(count, len(INDEX))


def test_a_projects_own_premises_stand_beside_the_library() -> None:
    own = (Premise("Grp.assoc", "a = b", mentions=("Grp", "Eq")), Premise("Grp.later", "a = b", mentions=("Grp", "Eq")))
    library = Library(INDEX, model=MODEL)
    query = Query("⊢ p", without=frozenset({"Grp.later"}), mentions=("Grp", "Eq"))
    found = [r.premise.name for r in library.find(query, 3, own=own, libraries=frozenset({"Init"}))]
    assert found[0] == "Grp.assoc"
    assert "Std.HashMap.size_insert" not in found
    assert "Grp.later" not in found


def test_meaning_is_fused_with_relevance() -> None:
    dense = ScriptedRetriever((PREMISES[3],))
    library = Library(INDEX, model=MODEL, dense=dense)
    found = [r.premise.name for r in library.find(Query("⊢ a + b = b + a", mentions=NAT), 2)]
    assert found[0] == "Std.HashMap.size_insert"  # the only one that both rank
    assert dense.asked


def test_an_index_is_kept_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "kept" / "index"
    assert load_index(folder) is None
    for _ in range(2):
        save_index(INDEX, folder)
    read = load_index(folder)
    assert read is not None
    query = Query("⊢ a + b = b + a", mentions=NAT)
    assert Relevance(read, MODEL).retrieve(query, 3) == Relevance(INDEX, MODEL).retrieve(query, 3)
    assert [file.name for file in folder.parent.iterdir()] == ["index"]
    (folder / "columns-traits.npy").write_bytes(b"damaged")
    assert load_index(folder) is None


def test_the_learned_model_knows_every_feature() -> None:
    assert set(learned_model().weights) == set(FEATURES)


def test_a_statement_is_taken_apart() -> None:
    assert conclusion("∀ {α : Type u} (a b : α), a = b → b = a") == "b = a"
    assert relation("∀ (n m : Nat), n < m ∨ n ≥ m") == "∨"
    assert relation("∀ (h : a = b), (a = b) ≤ c") == "≤"
    assert relation("¬p") == "¬"


@given(st.text(max_size=60))
def test_any_text_has_a_relation_and_traits(text: str) -> None:
    assert relation(text) in RELATIONS
    assert len(traits(Premise("A.b", text), 1)) == INDEX.columns.traits.shape[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b : Nat\n⊢ a + b = b + a", {"Nat", "HAdd.hAdd", "Eq"}),
        ("xs : List Nat\n⊢ xs.length = 0", {"Nat", "List.length", "Eq"}),
        ("xs ys : List Nat\n⊢ (xs ++ ys).length = 0", {"List.length"}),
        ("nothing known", set()),
    ],
)
def test_constants_are_read_off_a_text(text: str, expected: set[str]) -> None:
    found = set(symbols_in(text, {*NAT, "List", "List.length", "HMul.hMul"}))
    assert expected <= found
    assert "HMul.hMul" not in found


def test_instances_are_guessed_from_the_types_of_a_text() -> None:
    assert instances_of(("Nat", "Eq"), (*NAT, "List.instAppend")) == ("instHAdd", "instAddNat")
