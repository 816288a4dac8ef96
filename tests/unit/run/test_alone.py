"""Runs without Prefect, which end where there is work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from orchestrator.config import load_settings
from orchestrator.git.checkout import Checkout
from orchestrator.goals.events import Notice, RunEvent, notify, observed_by, unseen
from orchestrator.goals.goal import Goal
from orchestrator.lean.embedded.process import Launch
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.protocol import Command
from orchestrator.ledger.records import GoalRecord
from orchestrator.ledger.store import Ledger
from orchestrator.run.assembly import recorded_run
from orchestrator.run.stop import Stop, WorkToDo
from orchestrator.source.project import Project
from tasks.alone import alone, stop_at_work
from tasks.stage import stage


@stage("double")
def double(number: int) -> int:
    """A stage."""
    return 2 * number


def test_a_stage_is_a_plain_call() -> None:
    with alone():
        assert double(4) == 8


def test_work_ends_it_and_nothing_else() -> None:
    stop_at_work()
    with alone(), pytest.raises(WorkToDo):
        stop_at_work()


def test_no_lean_starts() -> None:
    meter = LeanMeter(starts=stop_at_work)
    session = EmbeddedSession(Launch(command=("/nowhere",), environment={}, folder="/"), meter=meter)
    with alone(), pytest.raises(WorkToDo):
        asyncio.run(session.exchange(Command(""), timeout=1.0))
    assert meter.processes == 0


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.open("sqlite://") as opened:
        yield opened


def test_a_run_that_only_looked_for_work_leaves_no_trace(ledger: Ledger) -> None:
    checkout = Checkout(source="r", ref="HEAD", commit="c", path=None)  # type: ignore[arg-type]
    known = GoalRecord(goal=Goal("g", "⊢ p"), repo="r")
    ledger.record_goals([known])

    def look(ends: BaseException | None) -> None:
        with recorded_run(ledger, load_settings(), checkout, Project("r", "/"), lean="", stop=Stop(int)) as run:
            run.add_goals([Goal("new", "⊢ q")])
            if ends:
                raise ends

    with pytest.raises(WorkToDo):
        look(WorkToDo())
    assert ledger.runs() == ()
    assert [goal.last_seen_run for goal in ledger.goals()] == [None, None]
    look(None)
    assert len(ledger.runs()) == 1


def test_events_that_nobody_saw_can_be_told_later() -> None:
    heard: list[RunEvent] = []
    with observed_by(heard.append):
        with unseen() as events:
            notify(Notice("one"))
        assert heard == []
        for event in events:
            notify(event)
    assert heard == [Notice("one")]
