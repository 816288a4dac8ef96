"""Attempts: duplicates, the frontier, and counts that stay in step."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_clock import Clock
from sqlalchemy import create_engine, text

from orchestrator.errors import LedgerError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.ledger.records import AttemptRecord
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import FrontierGoal

GOAL = "a b : Nat\nh : a < b\n⊢ a ≤ b"
RENAMED = "m n : Nat\nk : m < n\n⊢ m ≤ n"
OTHER = "a b : Nat\nh : a < b\n⊢ b ≤ a"

FRONTIER = """
    SELECT DISTINCT goal_hash, goal_text
    FROM attempts
    WHERE success = 0
    AND goal_hash NOT IN (
        SELECT goal_hash FROM attempts WHERE success = 1
    )
"""


def attempt(outcome: Outcome = Outcome.NOT_PROVED, goal: str = GOAL, **fields: object) -> AttemptRecord:
    return AttemptRecord(**{"goal_text": goal, "strategy": StrategyType.MICRO, "outcome": outcome, **fields})


def test_nothing_is_a_duplicate_in_an_empty_ledger(ledger: Ledger) -> None:
    assert not ledger.check_duplicate(GOAL, StrategyType.MICRO)


@pytest.mark.parametrize("outcome", [Outcome.NOT_PROVED, Outcome.TIMEOUT, Outcome.PROVED])
def test_what_ended_is_a_duplicate(ledger: Ledger, outcome: Outcome) -> None:
    ledger.record_attempt(attempt(outcome))
    assert ledger.check_duplicate(GOAL, StrategyType.MICRO)
    assert ledger.check_duplicate(RENAMED, "micro")


def test_identities_decide_where_both_sides_have_one(ledger: Ledger) -> None:
    ledger.record_attempts([attempt(identity="1" * 64), attempt(goal=OTHER)])
    assert ledger.check_duplicate("⊢ in other words", "micro", identity="1" * 64)
    assert not ledger.check_duplicate(GOAL, "micro", identity="2" * 64)
    assert ledger.check_duplicate(OTHER, "micro", identity="2" * 64)
    assert ledger.check_duplicate(RENAMED, "micro")
    assert len(ledger.attempts(goal_text="⊢ in other words", identity="1" * 64)) == 1
    assert ledger.attempts(goal_text=GOAL, identity="2" * 64) == ()


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.CANCELLED, Outcome.UNAVAILABLE])
def test_what_says_nothing_of_the_goal_is_no_duplicate(ledger: Ledger, outcome: Outcome) -> None:
    ledger.record_attempt(attempt(outcome))
    assert not ledger.check_duplicate(GOAL, StrategyType.MICRO)


def test_another_goal_strategy_configuration_or_environment_is_no_duplicate(ledger: Ledger) -> None:
    ledger.record_attempt(attempt(configuration="c", environment="e"))
    assert ledger.check_duplicate(GOAL, "micro", configuration="c", environment="e")
    assert not ledger.check_duplicate(OTHER, "micro", configuration="c", environment="e")
    assert not ledger.check_duplicate(GOAL, "hammer", configuration="c", environment="e")
    assert not ledger.check_duplicate(GOAL, "micro", configuration="d", environment="e")
    assert not ledger.check_duplicate(GOAL, "micro", configuration="c", environment="f")
    assert not ledger.check_duplicate(GOAL, "micro")


@pytest.mark.parametrize(
    ("recorded", "asked", "duplicate"),
    [
        (10.0, 10.0, True),
        (10.0, 5.0, True),
        (10.0, 20.0, False),
        (10.0, None, True),
        (None, 1e6, True),
        (None, None, True),
    ],
)
def test_more_time_is_no_duplicate(
    ledger: Ledger, recorded: float | None, asked: float | None, duplicate: bool
) -> None:
    ledger.record_attempt(attempt(Outcome.TIMEOUT, budget_seconds=recorded))
    assert ledger.check_duplicate(GOAL, "micro", budget_seconds=asked) is duplicate


def test_a_proof_is_a_duplicate_whatever_the_time(ledger: Ledger) -> None:
    ledger.record_attempt(attempt(Outcome.PROVED, budget_seconds=1.0))
    assert ledger.check_duplicate(GOAL, "micro", budget_seconds=100.0)


def test_attempts_come_back_as_they_were(ledger: Ledger, clock: Clock) -> None:
    run = ledger.start_run(repo="r")
    goal = Goal(id="g", text=GOAL)
    result = Result(
        success=True,
        strategy=StrategyType.HAMMER,
        tactics=("intro x", "exact «h»"),
        time_seconds=1.5,
        subgoals=("⊢ p",),
        metadata={"nodes": 3, "nested": {"a": [1, None]}},
    )
    record = AttemptRecord.of(
        goal, result, run_id=run.id, repo="r", commit="c", configuration="k", environment="e", budget_seconds=8.0
    )
    ledger.record_attempt(record)
    (found,) = ledger.attempts(run.id)
    assert found.id is not None
    assert found.timestamp == clock()
    assert found.details == {"nodes": 3, "nested": {"a": [1, None]}, "subgoals": ["⊢ p"]}
    for name in (
        "goal_hash",
        "goal_text",
        "tactics",
        "strategy",
        "outcome",
        "time_seconds",
        "error",
        "goal_id",
        "repo",
    ):
        assert getattr(found, name) == getattr(record, name)
    assert (found.commit, found.configuration, found.environment, found.budget_seconds) == ("c", "k", "e", 8.0)
    assert found.success


def test_attempts_are_found_by_run_and_goal(ledger: Ledger, clock: Clock) -> None:
    one, two = ledger.start_run(), ledger.start_run()
    ledger.record_attempts([attempt(run_id=one.id, error="first"), attempt(run_id=two.id, goal=OTHER)])
    clock.move(seconds=1)
    ledger.record_attempt(attempt(run_id=one.id, goal=RENAMED, error="second"))
    assert [found.error for found in ledger.attempts(one.id)] == ["first", "second"]
    assert [found.error for found in ledger.attempts(one.id, newest_first=True, limit=1)] == ["second"]
    assert [found.run_id for found in ledger.attempts(goal_text=GOAL)] == [one.id, one.id]
    assert len(ledger.attempts()) == 3
    assert [found.error for found in ledger.attempts(limit=1, newest_first=True)] == ["second"]


def test_values_that_databases_dislike(ledger: Ledger) -> None:
    nasty = "nul \x00 and half a pair \ud800 of ∀"
    ledger.record_attempt(
        attempt(
            goal=nasty,
            error=nasty,
            tactics=(nasty,),
            details={"nan": float("nan"), "set": {1}, "other": Path("x"), "map": MappingProxyType({nasty: True})},
        )
    )
    (found,) = ledger.attempts()
    assert found.error == "nul \ufffd and half a pair ? of ∀"
    assert found.details == {"nan": None, "set": [1], "other": "x", "map": {found.error: True}}
    assert ledger.check_duplicate(nasty, "micro")


def test_an_unknown_run_is_refused_and_nothing_is_written(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="refused a row"):
        ledger.record_attempts([attempt(), attempt(run_id="nobody")])
    assert ledger.attempts() == ()
    assert ledger.frontier() == ()
    assert ledger.statistics().attempts == 0


def test_a_time_without_zone_is_refused(ledger: Ledger, clock: Clock) -> None:
    with pytest.raises(LedgerError, match="time zone"):
        ledger.record_attempt(attempt(timestamp=clock().replace(tzinfo=None)))


def test_times_come_back_in_utc(ledger: Ledger, clock: Clock) -> None:
    there = clock().astimezone(timezone(timedelta(hours=9)))
    ledger.record_attempt(attempt(timestamp=there))
    (found,) = ledger.attempts()
    assert found.timestamp == there
    assert found.timestamp.utcoffset() == timedelta(0)


def test_frontier_is_what_failed_and_never_succeeded(ledger: Ledger) -> None:
    ledger.record_attempts([attempt(), attempt(goal=RENAMED), attempt(Outcome.ERROR, OTHER)])
    goal, other = ledger.hash_goal(GOAL), ledger.hash_goal(OTHER)
    assert set(ledger.frontier()) == {FrontierGoal(goal, GOAL), FrontierGoal(goal, RENAMED), FrontierGoal(other, OTHER)}
    ledger.record_attempt(attempt(Outcome.PROVED, RENAMED))
    assert ledger.frontier() == (FrontierGoal(other, OTHER),)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from([GOAL, RENAMED, OTHER, "⊢ p", "⊢  p"]), st.sampled_from(Outcome)), max_size=4
        ),
        max_size=4,
    )
)
def test_frontier_is_the_query_over_all_attempts(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, Outcome]]]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    with Ledger.open(path) as ledger:
        for batch in batches:
            ledger.record_attempts([attempt(outcome, goal) for goal, outcome in batch])
        before = (ledger.frontier(), ledger.statistics())
        engine = create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            expected = {FrontierGoal(*row) for row in connection.execute(text(FRONTIER))}
        engine.dispose()
        assert set(before[0]) == expected
        assert len(before[0]) == len(expected)
        ledger.recount()
        assert (ledger.frontier(), ledger.statistics()) == before


def test_rows_put_in_by_hand_count_after_recount(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as ledger:
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            row = {"hash": ledger.hash_goal(GOAL), "text": GOAL}
            insert = "INSERT INTO attempts (goal_hash, goal_text, strategy, success) VALUES (:hash, :text, 'micro', "
            connection.execute(text(insert + "0)"), row)
        engine.dispose()
        assert ledger.frontier() == ()
        ledger.recount()
        assert ledger.frontier() == (FrontierGoal(ledger.hash_goal(GOAL), GOAL),)
        assert ledger.attempts()[0].outcome is Outcome.NOT_PROVED


def test_statistics_count_attempts_by_strategy(ledger: Ledger) -> None:
    ledger.record_attempts(
        [
            attempt(time_seconds=1.0),
            attempt(Outcome.PROVED, OTHER, time_seconds=3.0),
            attempt(Outcome.TIMEOUT, strategy=StrategyType.SKETCH, time_seconds=2.0),
        ]
    )
    statistics = ledger.statistics()
    assert (statistics.attempts, statistics.successes) == (3, 1)
    assert (statistics.goals_attempted, statistics.goals_solved) == (2, 0)
    assert statistics.model_dump()["strategies"] == {
        "micro": {
            "attempts": 2,
            "successes": 1,
            "success_rate": 0.5,
            "avg_time": 2.0,
            "outcomes": {"not_proved": 1, "proved": 1},
        },
        "sketch": {
            "attempts": 1,
            "successes": 0,
            "success_rate": 0.0,
            "avg_time": 2.0,
            "outcomes": {"timeout": 1},
        },
    }
