"""Premises by meaning: embedded by `premises build`, only read by runs, and fused into what a goal is answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.config import Settings
from orchestrator.goals.goal import Goal
from orchestrator.premises import embeddings
from orchestrator.premises.embeddings import dense_retriever
from orchestrator.premises.index import build_index
from orchestrator.premises.library import Library
from orchestrator.premises.of_project import Seen
from orchestrator.premises.relevance import RelevanceModel
from orchestrator.premises.retrieval import Premise, Query
from orchestrator.premises.store import retrievers

numpy = pytest.importorskip("numpy")
pytest.importorskip("faiss")

INDEX = build_index([Premise(f"A.t{i}", "x" * i + " = y", "Init.A") for i in range(5)])


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An encoder is configured, which counts letters."""

    def encode(texts: Sequence[str]) -> Any:
        rows = numpy.array([[1.0 + text.count("x"), 2.0] for text in texts], dtype=numpy.float32)
        return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)

    monkeypatch.setattr(embeddings, "missing", lambda _extra: ())
    monkeypatch.setattr(embeddings, "unavailable", lambda _folder: "")
    monkeypatch.setattr(embeddings, "_encoder", lambda _folder, _device: SimpleNamespace(encode=encode))
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "config.json").write_text("{}")
    return Settings(reprover_retriever=tmp_path / "encoder")


def test_a_run_reads_what_was_embedded_and_embeds_nothing(settings: Settings, tmp_path: Path) -> None:
    premises, folder = INDEX, tmp_path / "dense"
    assert dense_retriever(settings, premises, folder, build=False) is None
    assert dense_retriever(settings, premises, folder) is not None
    dense = dense_retriever(settings, premises, folder, build=False)
    assert dense is not None
    assert dense_retriever(Settings(), premises, folder, build=False) is None
    library = Library(INDEX, model=RelevanceModel({}), dense=dense)
    first = [ranked.premise.name for ranked in library.find(Query("xxxx"), 2)]
    assert first == ["A.t0", "A.t4"]  # the best of either
    goal = Goal(id="g", text="⊢ xxxx")
    near = retrievers(library, lambda _goal: Seen())(goal)
    assert near is not None
    assert len(near.retrieve(Query("⊢ xxxx"), 3)) == 3
    assert retrievers(Library(INDEX), lambda _goal: Seen())(goal) is None
