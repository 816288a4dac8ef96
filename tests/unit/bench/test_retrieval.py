"""Recall of the retriever: counting, what is recorded, and that nothing of the goals held out was learned."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.bank import Split, load_bank
from bench.fit_retrieval import case_of, cross_validated, fit, uses_of
from bench.queries import Asked, of_split, read_queries, write_queries
from bench.retrieval import Recall, is_own, measure, recall, recalls, shortfalls, without_uses
from orchestrator.errors import ConfigError
from orchestrator.premises.index import build_index
from orchestrator.premises.relevance import Relevance, RelevanceModel, learned_model
from orchestrator.premises.retrieval import Premise

BANK = {goal.id: goal for goal in load_bank()}
QUERIES = read_queries()


def test_recall_counts_by_goal_and_by_premise() -> None:
    found = recall({"a": ["x", "y"], "b": ["z"], "c": []}, {"a": ["x"], "b": [*"0123456789abcdef", "z"]})
    assert found == Recall(goals=2, premises=3, by_goal=0.25, by_premise=1 / 3)
    assert recall({}, {}) == Recall(0, 0, 0.0, 0.0)


def test_every_goal_of_the_bank_is_recorded_and_reads_as_it_was_written(tmp_path: Path) -> None:
    assert [one.goal for one in QUERIES] == list(BANK.values())
    write_queries(QUERIES, tmp_path / "again.gz")
    assert read_queries(tmp_path / "again.gz") == QUERIES
    with pytest.raises(ConfigError, match="no queries"):
        read_queries(tmp_path / "missing.gz")


def test_a_query_knows_nothing_of_the_known_proof() -> None:
    for one in QUERIES:
        assert one.goal.name in one.query.without
        assert one.goal.name not in {premise.name for premise in one.own}


def test_uses_were_counted_on_the_tuning_split_alone() -> None:
    counted = Counter(name for goal in BANK.values() if goal.split is Split.TUNE for name in set(goal.premises))
    assert learned_model().used
    for name, times in learned_model().used.items():
        assert counted[name] == times


def test_a_proof_is_taken_out_of_the_counts() -> None:
    assert without_uses(RelevanceModel({}, {"a": 2, "b": 1}), ["b"]).used == {"a": 2, "b": 0}


def test_own_premises_are_told_from_the_librarys() -> None:
    goal = BANK["algebra-001"]
    assert is_own(goal, "Grp.assoc")
    assert not is_own(goal, "List.length_append")


def test_figures_that_fall_short_are_named() -> None:
    good, bad = Recall(1, 1, 0.7, 0.7), Recall(1, 1, 0.5, 0.7)
    assert shortfalls({"all": {"all": good}}, 10.0) == []
    assert len(shortfalls({"all": {"all": good}, "held-out": {"all": bad}}, 31.0)) == 2


def small() -> tuple[tuple[Asked, ...], tuple[Premise, ...]]:
    """The goals about groups and monoids, and a library without what they need."""
    chosen = [one for one in QUERIES if one.goal.tags[0] == "algebra"]
    library = [Premise(f"Nat.t{i}", "n = n", "Init.Nat", mentions=("Nat", "Eq")) for i in range(60)]
    return tuple(chosen), tuple(library)


def test_what_is_learned_finds_what_proofs_use() -> None:
    asked, library = small()
    index = build_index(library)
    tuned = of_split(asked, Split.TUNE)
    start = Relevance(index, RelevanceModel({"shared": 1.0}))
    cases = [case_of(one, index, start) for one in tuned]
    assert all(case.right for case in cases)
    model = fit(cases, uses_of(tuned, index))
    measured = measure(asked, index, model)
    found = recalls(asked, measured)
    assert found["all"]["project"].by_goal > 0.9
    assert len(measured.milliseconds) == len(asked)
    assert set(cross_validated(tuned, index)) == {one.goal.id for one in tuned}
