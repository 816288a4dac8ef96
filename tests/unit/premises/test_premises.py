"""Premises: words, ranking, the mask of what a goal sees, fusion, and the kept corpus."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from scripted_retriever import ScriptedRetriever

from orchestrator.lean.embedded.npm_package import LEAN_PACKAGE
from orchestrator.lean.protocol import Constant, PremisesReply
from orchestrator.premises.bm25 import Lexical, words_of_text
from orchestrator.premises.corpus import Corpus, CorpusStore, build, corpus_key, is_premise, read_shipped
from orchestrator.premises.retrieval import Fused, Premise, Query
from orchestrator.premises.store import DEFAULT_IMPORTS
from orchestrator.premises.traits import parts

PREMISES = (
    Premise("Nat.add_comm", "∀ (n m : Nat), n + m = m + n", "Init.Nat", mentions=("Nat", "HAdd.hAdd", "Eq")),
    Premise("Nat.mul_comm", "∀ (n m : Nat), n * m = m * n", "Init.Nat", mentions=("Nat", "HMul.hMul", "Eq")),
    Premise("List.length_append", "(as ++ bs).length = as.length + bs.length", "Init.List", mentions=("List.length",)),
    Premise("Std.HashMap.size_insert", "(m.insert k v).size ≤ m.size + 1", "Std.HashMap", mentions=("Std.HashMap",)),
    Premise("List.length", "List α → Nat", "Init.List", "def"),
)


def names(lexical: Lexical, query: Query, count: int = 3) -> list[str]:
    return [ranked.premise.name for ranked in lexical.retrieve(query, count)]


def test_names_fall_into_words() -> None:
    assert parts("Nat.dvd_of_mulLeft") == ("nat", "dvd", "of", "mul", "left")
    assert words_of_text("(as ++ bs).length") == ["as", "++", "bs", "length", "~length"]


def test_the_nearest_theorem_comes_first_and_definitions_are_left_out() -> None:
    lexical = Lexical(PREMISES)
    assert len(lexical) == 4
    assert names(lexical, Query("xs ys : List Nat\n⊢ (xs ++ ys).length = 0"))[0] == "List.length_append"
    assert names(lexical, Query("a b : Nat\n⊢ a * b = b * a"))[0] == "Nat.mul_comm"
    assert names(lexical, Query("⊢ c", mentions=("Std.HashMap",)))[0] == "Std.HashMap.size_insert"


def test_what_a_goal_cannot_see_is_not_answered() -> None:
    lexical = Lexical(PREMISES)
    state = "⊢ (m.insert k v).size ≤ m.size + 1 + length"
    assert "Std.HashMap.size_insert" in names(lexical, Query(state))
    assert "Std.HashMap.size_insert" not in names(lexical, Query(state, modules=frozenset({"Init.List", "Init.Nat"})))
    assert "Std.HashMap.size_insert" not in names(lexical, Query(state, without=frozenset({"Std.HashMap.size_insert"})))


def test_nothing_known_is_no_answer() -> None:
    assert names(Lexical(PREMISES), Query("⊢ ⊤")) == []
    assert names(Lexical(()), Query("⊢ a + b = b + a")) == []
    assert names(Lexical(PREMISES), Query("a + b"), 0) == []


@given(st.text(max_size=40), st.integers(0, 6))
def test_any_query_is_answered_without_repetition(text: str, count: int) -> None:
    found = names(_ALL, Query(text), count)
    assert len(found) == len(set(found)) <= count


_ALL = Lexical(PREMISES)


def test_fusion_prefers_what_several_retrievers_find() -> None:
    first = ScriptedRetriever(PREMISES[:2])
    second = ScriptedRetriever((PREMISES[2], PREMISES[1]))
    fused = Fused((first, second))
    found = [ranked.premise.name for ranked in fused.retrieve(Query("x"), 3)]
    assert found[0] == "Nat.mul_comm"
    assert sorted(found[1:]) == ["List.length_append", "Nat.add_comm"]
    assert first.asked[0] == Query("x")


def test_a_corpus_is_built_chunk_by_chunk_and_kept(tmp_path: Path) -> None:
    library = {
        "A": [Constant(f"A.t{i}", "theorem", "∀ x,\n  x = x", ("Eq",)) for i in range(5)],
        "B": [Constant("B.rec", "theorem", "no"), Constant("B.f", "def", "Nat"), Constant("_private.x", "theorem", "")],
    }

    async def ask(module: int, first: int, count: int) -> PremisesReply:
        if module >= len(library):
            return PremisesReply("", 2, 0)
        name = list(library)[module]
        return PremisesReply(name, 2, len(library[name]), tuple(library[name][first : first + count]))

    told: list[tuple[str, int]] = []
    corpus = asyncio.run(build(ask, "key", chunk=2, progress=lambda module, count: told.append((module, count))))
    assert [p.name for p in corpus.premises] == [*(f"A.t{i}" for i in range(5)), "B.f"]
    assert corpus.premises[0] == Premise("A.t0", "∀ x, x = x", "A", "theorem", ("Eq",))
    assert told == [("A", 5), ("B", 6)]
    store = CorpusStore(tmp_path / "corpora")
    assert store.get("key") is None
    store.put(corpus)
    assert store.get("key") == corpus
    store.path("key").write_bytes(store.path("key").read_bytes()[:-20])
    assert store.get("key") is None
    assert [file.name for file in (tmp_path / "corpora").iterdir()] == ["key.json.gz"]


def test_the_key_tells_libraries_and_versions_apart() -> None:
    assert corpus_key("lean", ["A", "B"]) == corpus_key("lean", ["B", "A"])
    assert len({corpus_key("lean", ["A"]), corpus_key("lean", ["B"]), corpus_key("other", ["A"])}) == 3


def test_what_lean_makes_by_itself_is_no_premise() -> None:
    kinds = {"Nat": "inductive", "Foo.mk": "constructor", "Or": "inductive"}
    for name in ("Nat.add_comm", "List.recover", "Or.elim", "Lang.terminates_iff"):
        assert is_premise(name, "theorem", "p", kinds), name
    for name in ("Nat.rec", "Nat.noConfusion", "Foo.mk.injEq", "Foo.match_1", "Lean.Meta.whnf", "instAddNat", "f.eq_1"):
        assert not is_premise(name, "theorem", "p", kinds), name
    assert not is_premise("Nat.add_comm", "recursor", "p", kinds)
    assert not is_premise("termFoo", "def", "Lean.ParserDescr", kinds)


def test_an_empty_corpus_is_kept_too(tmp_path: Path) -> None:
    store = CorpusStore(tmp_path)
    store.put(Corpus("k", ()))
    assert store.get("k") == Corpus("k", ())


def test_the_library_of_the_lean_that_is_installed_comes_with_the_package() -> None:
    lean = f"{LEAN_PACKAGE.integrity} server-of-any-version"
    found = read_shipped(lean, DEFAULT_IMPORTS)
    assert found is not None
    assert found.key == corpus_key(lean, DEFAULT_IMPORTS)
    assert len(found.premises) > 40_000
    assert {"Nat.add_comm", "List.map_map", "Std.HashMap.getElem?_insert"} <= {one.name for one in found.premises}
    assert read_shipped(lean, ("Std", "Lean")) is None
    assert read_shipped("native 4.28.0 x", DEFAULT_IMPORTS) is None
