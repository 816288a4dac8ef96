"""Runs, and the proofs of their gate."""

from __future__ import annotations

import pytest
from ledger_clock import Clock

from orchestrator.errors import LedgerError
from orchestrator.ledger.records import ProofRecord, ProofVerdict, RunStatus
from orchestrator.ledger.store import Ledger


def test_a_run_from_start_to_end(ledger: Ledger, clock: Clock) -> None:
    run = ledger.start_run(repo="r", ref="main", commit="c", profile=2, configuration={"timeout": 120, "∀": [1]})
    assert ledger.run(run.id) == run
    assert run.status is RunStatus.RUNNING
    assert run.started_at == clock()
    clock.move(seconds=60)
    ledger.finish_run(run.id, RunStatus.STOPPED, totals={"solved": 3})
    changed = {"status": RunStatus.STOPPED, "totals": {"solved": 3}, "finished_at": clock()}
    finished = run.model_copy(update=changed)
    assert ledger.run(run.id) == finished
    assert ledger.statistics().last_run == finished


def test_runs_are_listed_newest_first(ledger: Ledger, clock: Clock) -> None:
    ids = []
    for _ in range(3):
        ids.append(ledger.start_run().id)
        clock.move(seconds=1)
    assert ids == sorted(set(ids))
    assert [run.id for run in ledger.runs()] == ids[::-1]
    assert [run.id for run in ledger.runs(limit=1)] == ids[-1:]
    assert ledger.statistics().runs == 3


def test_a_run_starts_once(ledger: Ledger) -> None:
    assert ledger.start_run(run_id="mine").id == "mine"
    with pytest.raises(LedgerError, match="refused"):
        ledger.start_run(run_id="mine")


def test_a_run_that_never_started_cannot_finish(ledger: Ledger) -> None:
    assert ledger.run("nobody") is None
    with pytest.raises(LedgerError, match="no run nobody"):
        ledger.finish_run("nobody")


def test_proofs_come_back_as_they_were(ledger: Ledger, clock: Clock) -> None:
    run = ledger.start_run()
    proof = ProofRecord(
        goal_text="n : Nat\n⊢ n = n",
        strategy="micro",
        script="rfl",
        verdict=ProofVerdict.PASSED,
        checks={"axioms": ["propext"], "statement": True},
        patch="--- a\n+++ b\n",
        goal_id="g",
        repo="r",
        commit="c",
        file="A.lean",
        declaration="A.x",
        environment="e",
        run_id=run.id,
    )
    number = ledger.record_proof(proof)
    assert ledger.proofs(run.id) == (proof.model_copy(update={"goal_text": "", "id": number, "timestamp": clock()}),)


def test_proofs_are_found_by_what_is_asked(ledger: Ledger) -> None:
    run = ledger.start_run()
    passed = ledger.record_proof(ProofRecord(goal_text="⊢ p", script="a", verdict=ProofVerdict.PASSED))
    failed = ledger.record_proof(ProofRecord(goal_text="⊢ q", script="b", verdict=ProofVerdict.FAILED, run_id=run.id))
    assert [proof.id for proof in ledger.proofs()] == [passed, failed]
    assert [proof.id for proof in ledger.proofs(run.id)] == [failed]
    assert [proof.id for proof in ledger.proofs(goal_text="⊢  p")] == [passed]
    assert [proof.id for proof in ledger.proofs(limit=1)] == [passed]
    assert dict(ledger.statistics().proofs) == {"passed": 1, "failed": 1}


def test_a_proof_of_an_unknown_run_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.record_proof(ProofRecord(goal_text="⊢ p", script="", verdict=ProofVerdict.PASSED, run_id="nobody"))
    assert ledger.proofs() == ()


def test_an_empty_ledger_has_statistics(ledger: Ledger) -> None:
    assert ledger.statistics().model_dump() == {
        "runs": 0,
        "goals": {},
        "goals_attempted": 0,
        "goals_solved": 0,
        "attempts": 0,
        "successes": 0,
        "strategies": {},
        "proofs": {},
        "cached_tactics": 0,
        "last_run": None,
    }
