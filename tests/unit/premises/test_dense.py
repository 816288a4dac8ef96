"""Premises by embeddings in faiss; the embeddings are made of the texts' letters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import ModelError
from orchestrator.premises.embeddings import Dense, content_key
from orchestrator.premises.retrieval import Premise, Query

numpy = pytest.importorskip("numpy")
pytest.importorskip("faiss")

PREMISES = [
    Premise("Nat.add_comm", "∀ (a b : Nat), a + b = b + a", "Init.Nat"),
    Premise("List.map_nil", "List.map f [] = []", "Init.List"),
    Premise("mine", "double n = n + n", "", "def"),
]


def letters(texts: Sequence[str]) -> Any:
    """Each text as the normalised counts of its bytes."""
    rows = numpy.zeros((len(texts), 256), dtype=numpy.float32)
    for row, text in zip(rows, texts, strict=True):
        for byte in text.encode():
            row[byte] += 1
    return rows / numpy.maximum(1e-9, numpy.linalg.norm(rows, axis=1, keepdims=True))


def names(dense: Dense, query: Query, count: int = 3) -> list[str]:
    return [ranked.premise.name for ranked in dense.retrieve(query, count)]


def test_the_nearest_come_first_with_their_cosines() -> None:
    dense = Dense.build(PREMISES, letters)
    for premise in PREMISES:
        best = dense.retrieve(Query(premise.text), 1)[0]
        assert best.premise == premise
        assert best.score == pytest.approx(1.0, abs=1e-2)


def test_what_the_goal_cannot_see_is_not_answered() -> None:
    dense = Dense.build(PREMISES, letters)
    state = PREMISES[0].text
    assert names(dense, Query(state, modules=frozenset({"Init.List"}))) == ["List.map_nil"]
    assert "Nat.add_comm" not in names(dense, Query(state, without=frozenset({"Nat.add_comm"})))
    assert names(dense, Query(state, modules=frozenset())) == []
    assert names(dense, Query(state), 0) == []


def test_no_name_twice() -> None:
    dense = Dense.build([PREMISES[0], PREMISES[0], PREMISES[1]], letters)
    assert sorted(names(dense, Query("x"))) == ["List.map_nil", "Nat.add_comm"]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 8), st.integers(0, 2))
def test_the_index_answers_what_an_exact_search_does(kinds: list[int], count: int, module: int) -> None:
    premises = [Premise(f"p{i}", "x" * kind + "y" * (i % 3), f"M{i % 3}") for i, kind in enumerate(kinds)]
    query = Query("xxxyy", modules=frozenset({f"M{module}"}))
    found = Dense.build(premises, letters).retrieve(query, count)
    seen = [premise for premise in premises if premise.module == f"M{module}"]
    exact = sorted((float(letters(["xxxyy"])[0] @ letters([p.text])[0]) for p in seen), reverse=True)[:count]
    assert [ranked.score for ranked in found] == pytest.approx(exact, abs=5e-3)


def test_saved_and_read_again(tmp_path: Path) -> None:
    Dense.build(PREMISES, letters).save(tmp_path / "index")
    assert names(Dense.load(tmp_path / "index", letters), Query(PREMISES[2].text), 1) == ["mine"]
    with pytest.raises(ModelError, match="cannot be read"):
        Dense.load(tmp_path / "nothing", letters)


def test_an_index_is_built_once_for_its_content(tmp_path: Path) -> None:
    embedded: list[int] = []

    def counting(texts: Sequence[str]) -> Any:
        embedded.append(len(texts))
        return letters(texts)

    for _ in range(2):
        Dense.cached(PREMISES, counting, model="m", folder=tmp_path)
    assert embedded == [3]
    Dense.cached(PREMISES, counting, model="other", folder=tmp_path)
    assert embedded == [3, 3]
    (tmp_path / content_key(PREMISES, "m") / "dense.faiss").write_bytes(b"damaged")
    assert names(Dense.cached(PREMISES, counting, model="m", folder=tmp_path), Query(PREMISES[0].text), 1) == [
        "Nat.add_comm"
    ]
    assert embedded.count(3) == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_rows_and_premises_belong_together() -> None:
    dense = Dense.build(PREMISES, letters)
    with pytest.raises(ModelError, match="3 rows for 1"):
        Dense(PREMISES[:1], dense._index, letters)
