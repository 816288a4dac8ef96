"""Goals of repositories, and claims on them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ledger_clock import Clock

from orchestrator.errors import LedgerError
from orchestrator.goals.goal import Context, Goal, Position, SorryKind, SourceSpan
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import GoalRecord
from orchestrator.ledger.store import Ledger

GOAL = Goal(
    id="Main.two_le:0",
    text="n : Nat\n⊢ n ≤ n * 2",
    context=Context(namespace="Main", opens=("Nat", "Foo hiding bar"), imports=("Init", "Std"), labels=("easy",)),
    estimated_difficulty=0.25,
    file="Main/Basic.lean",
    module="Main.Basic",
    declaration="Main.two_le",
    kind=SorryKind.TERM,
    span=SourceSpan(Position(3, 2), Position(3, 7)),
    command=SourceSpan(Position(1, 0), Position(4, 0)),
    is_prop=False,
)


def goal(name: str, difficulty: float = 0.5) -> Goal:
    return Goal(id=name, text=f"⊢ {name}", estimated_difficulty=difficulty)


def test_goals_come_back_as_they_were(ledger: Ledger) -> None:
    run = ledger.start_run()
    record = GoalRecord(
        goal=GOAL, repo="r", commit="c", environment="e", status=GoalStatus.SOLVED, last_seen_run=run.id
    )
    ledger.record_goals([record, GoalRecord(goal=goal("plain"))])
    assert ledger.goals(repo="r") == (record.model_copy(update={"first_seen_run": run.id}),)
    assert ledger.goals(repo="") == (GoalRecord(goal=goal("plain")),)


def test_goals_are_brought_up_to_date(ledger: Ledger) -> None:
    first, second = ledger.start_run(), ledger.start_run()
    ledger.record_goals([GoalRecord(goal=GOAL, last_seen_run=first.id, status=GoalStatus.SOLVED)])
    moved = replace(GOAL, span=SourceSpan(Position(9, 2), Position(9, 7)), text="⊢ True")
    ledger.record_goals([GoalRecord(goal=moved, last_seen_run=second.id)])
    (found,) = ledger.goals()
    assert found.goal == moved
    assert found.status is GoalStatus.OPEN
    assert (found.first_seen_run, found.last_seen_run) == (first.id, second.id)


def test_goals_are_found_by_what_is_asked(ledger: Ledger) -> None:
    run = ledger.start_run()
    ledger.record_goals(
        [
            GoalRecord(goal=GOAL, repo="a"),
            GoalRecord(goal=GOAL, repo="b", last_seen_run=run.id),
            GoalRecord(goal=goal("x"), repo="b", status=GoalStatus.SOLVED),
        ]
    )
    assert [(found.repo, found.goal.id) for found in ledger.goals()] == [("a", GOAL.id), ("b", GOAL.id), ("b", "x")]
    assert [found.goal.id for found in ledger.goals(repo="b", status=GoalStatus.SOLVED)] == ["x"]
    assert [found.repo for found in ledger.goals(run_id=run.id)] == ["b"]
    assert [found.repo for found in ledger.goals(goal_text="m : Nat\n⊢ m ≤ m * 2")] == ["a", "b"]
    assert len(ledger.goals(limit=2)) == 2
    assert dict(ledger.statistics().goals) == {"open": 2, "solved": 1}


def test_a_goal_of_an_unknown_run_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.record_goals([GoalRecord(goal=goal("a")), GoalRecord(goal=goal("b"), last_seen_run="nobody")])
    assert ledger.goals() == ()


def test_a_claim_keeps_others_away(ledger: Ledger) -> None:
    assert ledger.claim_goal("g", "one", lease_seconds=10)
    assert not ledger.claim_goal("g", "two", lease_seconds=10)
    assert ledger.claim_goal("g", "two", lease_seconds=10, repo="another")


def test_who_has_a_goal_can_be_seen(ledger: Ledger, clock: Clock) -> None:
    ledger.claim_goal("g", "one", lease_seconds=10)
    ledger.claim_goal("h", "two", lease_seconds=20)
    assert (ledger.holder("g"), ledger.holder("h"), ledger.holder("h", repo="another")) == ("one", "two", None)
    clock.move(seconds=10)
    assert ledger.holder("g") is None
    assert ledger.holders() == {"h": "two"}


def test_a_claim_is_renewed_by_its_worker(ledger: Ledger, clock: Clock) -> None:
    ledger.claim_goal("g", "one", lease_seconds=10)
    clock.move(seconds=9)
    assert ledger.claim_goal("g", "one", lease_seconds=10)
    clock.move(seconds=9)
    assert not ledger.claim_goal("g", "two", lease_seconds=10)


def test_a_claim_ends_with_its_lease(ledger: Ledger, clock: Clock) -> None:
    ledger.claim_goal("g", "one", lease_seconds=10)
    clock.move(seconds=10)
    assert ledger.claim_goal("g", "two", lease_seconds=10)
    assert not ledger.release_goal("g", "one")
    assert not ledger.claim_goal("g", "one", lease_seconds=10)


def test_a_released_goal_is_free(ledger: Ledger) -> None:
    ledger.claim_goal("g", "one", lease_seconds=10)
    assert not ledger.release_goal("g", "two")
    assert ledger.release_goal("g", "one")
    assert not ledger.release_goal("g", "one")
    assert ledger.claim_goal("g", "two", lease_seconds=10)


def test_expired_claims_are_cleared_away(ledger: Ledger, clock: Clock) -> None:
    ledger.claim_goal("g", "one", lease_seconds=10)
    ledger.claim_goal("h", "one", lease_seconds=20)
    clock.move(seconds=15)
    assert ledger.release_expired() == 1
    assert ledger.release_expired() == 0
    assert not ledger.claim_goal("h", "two", lease_seconds=10)
