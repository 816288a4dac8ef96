"""What the dashboard is made from: premises of the library and of the ledger, and nothing installed on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_retriever import ScriptedRetriever

from orchestrator.config import Settings
from orchestrator.dashboard.site import Hit, PremiseSearch, make_site, open_library
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import GoalRecord
from orchestrator.ledger.store import Ledger
from orchestrator.premises.retrieval import Premise, Retriever

LIBRARY = ScriptedRetriever([Premise(f"Nat.lemma_{number}", "n = n", "Init.Nat") for number in range(40)])


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """What the ledger knows: one goal."""
    goal = Goal(id="g", text="⊢ n = n", declaration="My.lemma_of_mine", file="My.lean")
    with Ledger.open("sqlite://") as ledger:
        ledger.record_goals([GoalRecord(goal=goal, status=GoalStatus.SOLVED)])
        yield ledger


def test_the_library_comes_first_and_leaves_room(ledger: Ledger) -> None:
    found = PremiseSearch(ledger, lambda: LIBRARY).find("lemma", 30)
    assert found[0] == Hit("Nat.lemma_0", "n = n", "Init.Nat")
    assert [hit.origin for hit in found].count("Init.Nat") == 20
    assert found[-1] == Hit("My.lemma_of_mine", "n = n", "solved, My.lean")


def test_a_library_that_is_collected_later_is_found_and_read_once(ledger: Ledger) -> None:
    asked: list[Retriever | None] = []

    def collected() -> Retriever | None:
        asked.append(LIBRARY if asked else None)
        return asked[-1]

    search = PremiseSearch(ledger, collected)
    assert "orchestrator premises build" in search.words
    assert search.words.startswith("the library's theorems")
    search.find("lemma", 3)
    assert len(asked) == 2


def test_nothing_is_installed_to_search(tmp_path: Path) -> None:
    paths = Settings(cache_dir=tmp_path / "cache", data_dir=tmp_path / "data", state_dir=tmp_path / "state").paths
    assert open_library(Settings(), paths) is None
    with Ledger.open("sqlite://") as ledger:
        assert make_site(ledger, Settings(), paths).search.find("anything", 5) == []
    assert list(tmp_path.iterdir()) == []
