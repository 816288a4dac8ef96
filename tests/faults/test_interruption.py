"""A run that is disturbed in the middle: it ends in order or goes on, leaves nothing running, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from night_runs import SHORT, NightRun

from orchestrator.ledger.records import RunStatus
from orchestrator.ledger.store import Ledger

Start = Callable[..., NightRun]

pytestmark = [pytest.mark.lean, pytest.mark.timeout(600)]


def solved(run: NightRun) -> set[str]:
    return {goal["declaration"] for goal in run.summary["goals"] if goal["status"] == "solved"}


def last_status(run: NightRun) -> RunStatus:
    with Ledger.open(run.home / "ledger.db") as ledger:
        return ledger.runs(limit=1)[0].status


@pytest.mark.parametrize(
    "send",
    [
        NightRun.interrupt,
        pytest.param(NightRun.terminate, marks=pytest.mark.slow),
        pytest.param(NightRun.terminate_all, marks=pytest.mark.slow),
    ],
)
def test_the_first_signal_ends_a_run_in_order(start: Start, send: Callable[[NightRun], None]) -> None:
    run = start()
    run.wait_for("found ")
    send(run)
    assert run.wait_to_end() == 130
    assert "Traceback" not in run.output
    assert "The run ended early" in run.output
    assert "Prefect server" not in run.output
    assert run.summary["stopped"]
    assert solved(run)
    assert (run.home / "out/proofs.patch").read_text()
    assert len(run.summary["goals"]) == 11
    assert last_status(run) is RunStatus.STOPPED
    assert run.left_over() == []


@pytest.mark.slow
def test_the_second_signal_ends_it_at_once(start: Start) -> None:
    run = start()
    run.wait_for("found ")
    run.interrupt()
    run.wait_for("stopping")
    run.interrupt()
    assert run.wait_to_end() == 130
    assert "Traceback" not in run.output
    assert "stopped:" in run.output
    assert not (run.home / "out/summary.json").exists()
    assert last_status(run) is RunStatus.STOPPED
    assert run.left_over() == []


def test_ctrl_c_before_anything_was_tried(start: Start) -> None:
    run = start()
    run.wait_for("checkout")
    run.interrupt()
    assert run.wait_to_end() == 130
    assert "Traceback" not in run.output
    assert run.left_over() == []


def test_ctrl_c_while_prefect_is_starting(start: Start) -> None:
    run = start()
    run.wait_for("prefect")
    run.interrupt()
    assert run.wait_to_end() == 130
    assert "Traceback" not in run.output
    assert run.left_over() == []


@pytest.mark.slow
def test_a_run_goes_on_when_its_lean_server_is_killed(start: Start) -> None:
    run = start(hard=2, **SHORT)
    run.wait_for("found ")
    for server in run.lean_servers():
        server.kill()
    assert run.wait_to_end() == 0
    assert len(solved(run)) == 3
    assert last_status(run) is RunStatus.FINISHED
    assert run.left_over() == []


@pytest.mark.slow
def test_a_killed_run_leaves_nothing_running_and_the_next_goes_on_from_there(start: Start) -> None:
    first = start(hard=2)
    first.wait_for("found ")
    first.kill()
    assert first.left_over() == []
    second = start()
    assert second.wait_to_end() == 0
    assert len(solved(second)) == 3
    with Ledger.open(second.home / "ledger.db") as ledger:
        newest, oldest = ledger.runs()
        proved = {attempt.goal_id for attempt in ledger.attempts(oldest.id) if attempt.success}
        again = {attempt.goal_id for attempt in ledger.attempts(newest.id)}
    assert proved
    assert not proved & again
