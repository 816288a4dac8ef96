"""One run's view of the ledger: what it need not try again, and what it learns from the gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.blueprint.loading import load
from orchestrator.blueprint.sync import update_blueprint
from orchestrator.config import Settings
from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus, Outcome, Result, StrategyType
from orchestrator.ledger.records import ProofVerdict
from orchestrator.ledger.store import Ledger
from orchestrator.run.ledger import RunLedger
from orchestrator.run.report.summary import GoalReport
from orchestrator.run.stop import Stop
from orchestrator.strategies.policy.bandit import Trial, after, within

MICRO, HAMMER = StrategyType.MICRO, StrategyType.HAMMER
GOAL = Goal(id="g1", text="n : Nat\n⊢ n + 0 = n", file="A.lean", module="A", declaration="a")
TWIN = replace(GOAL, id="g2", text="m : Nat\n⊢ m + 0 = m", declaration="b")
PROOF = Result(success=True, strategy=MICRO, tactics=("simp",), time_seconds=0.5, timeout=8.0)
FAILURE = Result(success=False, strategy=MICRO, outcome=Outcome.NOT_PROVED, timeout=8.0)
OUT_OF_TIME = replace(FAILURE, outcome=Outcome.TIMEOUT, error="")
PASSED = Verdict("a", "A.lean", VerdictStatus.PASSED, (Check(CheckName.COMPILES, True),))
REFUSED = Verdict("a", "A.lean", VerdictStatus.FAILED, (Check(CheckName.AXIOMS, False, "uses ofReduceBool"),))


@pytest.fixture
def store() -> Iterator[Ledger]:
    with Ledger.open("sqlite://") as ledger:
        yield ledger


def run_on(
    store: Ledger, *, environment: str = "same", repo: str = "/repo", settings: Settings | None = None
) -> RunLedger:
    """A new run; the surroundings of its goals are `environment`."""
    run_id = f"run{len(store.runs())}"
    store.start_run(run_id=run_id, repo=repo)
    return RunLedger(
        store, run_id, repo, "c0ffee", settings or Settings(), lambda goal: environment, Stop(lambda: None)
    )


def report(result: Result, verdict: Verdict, goal: Goal = GOAL) -> GoalReport:
    return GoalReport(goal, GoalStatus.SOLVED if verdict.accepted else GoalStatus.REJECTED, result, verdict)


def test_what_passed_is_there_to_learn_from_with_the_goal_it_proved(store: Ledger) -> None:
    first = run_on(store)
    other = replace(GOAL, id="g3", text="p : Prop\nh : p\n⊢ p", declaration="c")
    steps = replace(PROOF, tactics=("intro h", "exact h"))
    first.record_gate([report(PROOF, PASSED), report(steps, PASSED, other), report(PROOF, REFUSED, TWIN)])
    found = {goal.text: goal.tactics for goal in run_on(store, repo="/elsewhere").solved_goals()}
    assert found == {GOAL.text: ("simp",), other.text: ("intro h", "exact h")}


def test_a_proof_that_passed_is_known_to_the_next_run(store: Ledger) -> None:
    first = run_on(store)
    first.record(GOAL, PROOF)
    first.record_gate([report(PROOF, PASSED)])
    known = run_on(store).known_proof(GOAL)
    assert known is not None
    assert (known.tactics, known.strategy, known.known) == (("simp",), MICRO, True)


def test_a_proof_is_offered_to_the_gate_again_when_something_around_its_goal_has_changed(store: Ledger) -> None:
    first = run_on(store)
    first.record(GOAL, PROOF)
    first.record_gate([report(PROOF, PASSED)])
    later = run_on(store, environment="changed")
    offered = later.with_former_proofs([GOAL, TWIN], {GOAL.id: OUT_OF_TIME, TWIN.id: OUT_OF_TIME})
    assert (offered[GOAL.id].tactics, offered[GOAL.id].known) == (("simp",), True)
    assert offered[TWIN.id] is OUT_OF_TIME
    assert later.with_former_proofs([GOAL], {GOAL.id: PROOF}) == {GOAL.id: PROOF}
    later.record_gate([report(offered[GOAL.id], REFUSED)])
    assert run_on(store, environment="changed").former_proof(GOAL) is None


def test_a_goal_is_not_tried_then_found_then_judged(store: Ledger) -> None:
    run = run_on(store)
    run.add_goals([GOAL])
    assert store.statistics().goals == {GoalStatus.NOT_TRIED: 1}
    assert store.goal_environments("/repo") == {}
    run.record(GOAL, OUT_OF_TIME)
    assert list(store.goal_environments("/repo")) == [GOAL.id]
    run.record(GOAL, PROOF)
    assert store.statistics().goals == {GoalStatus.FOUND: 1}
    assert (store.statistics().goals_solved, GoalStatus.FOUND.words) == (0, "found, awaiting the gate")
    run.record_gate([report(PROOF, PASSED)])
    assert store.statistics().goals_solved == 1


@pytest.mark.parametrize("other", [{"environment": "changed"}, {"repo": "/elsewhere"}])
def test_it_is_not_known_in_other_surroundings(store: Ledger, other: dict[str, str]) -> None:
    first = run_on(store)
    first.record(GOAL, PROOF)
    first.record_gate([report(PROOF, PASSED)])
    second = run_on(store, **other)
    assert second.known_proof(GOAL) is None
    if "environment" in other:
        assert not second.check_duplicate(GOAL, MICRO, 8.0)


def test_a_proof_found_by_a_run_that_died_before_its_gate_is_known(store: Ledger) -> None:
    run_on(store).record(GOAL, PROOF)
    second = run_on(store)
    known = second.known_proof(GOAL)
    assert known is not None
    assert known.tactics == ("simp",)
    assert second.check_duplicate(GOAL, MICRO, 8.0)


def test_a_proof_that_the_gate_turned_down_is_not_known_and_not_looked_for_again(store: Ledger) -> None:
    first = run_on(store)
    first.record(GOAL, PROOF)
    first.record_gate([report(PROOF, REFUSED)])
    second = run_on(store)
    assert second.known_proof(GOAL) is None
    assert second.check_duplicate(GOAL, MICRO, 8.0)
    assert not second.check_duplicate(GOAL, HAMMER, 8.0)


def test_what_the_gate_turned_down_for_a_goal_is_not_tried_on_it_again(store: Ledger) -> None:
    first = run_on(store)
    first.record(GOAL, PROOF)
    assert first.cached_tactics(GOAL) is not None
    for _ in range(2):
        first.record_gate([report(PROOF, REFUSED)])
    assert first.cached_tactics(GOAL) is None
    assert first.cached_tactics(TWIN) is not None
    assert len(store.proofs()) == 1
    first.record_gate([report(PROOF, PASSED, TWIN)])
    assert run_on(store).cached_tactics(GOAL) is None


def test_the_gates_last_word_on_a_proof_counts(store: Ledger) -> None:
    for verdict, expected in ((PASSED, True), (REFUSED, False), (PASSED, True)):
        run = run_on(store)
        run.record_gate([report(PROOF, verdict)])
        assert (run_on(store).known_proof(GOAL) is not None) is expected


def test_who_gave_up_is_not_asked_again_with_more_time(store: Ledger) -> None:
    run_on(store).record(GOAL, FAILURE)
    assert run_on(store).check_duplicate(GOAL, MICRO, 1000.0)
    assert [attempt.budget_seconds for attempt in store.attempts()] == [None]


def test_cached_tactics_are_judged_by_their_replays(store: Ledger) -> None:
    run = run_on(store)
    run.record_gate([report(PROOF, PASSED)])
    later = run_on(store)
    for _ in range(4):
        later.record_replay(TWIN, False, 0.1)
    cached = later.cached_tactics(TWIN)
    assert cached is not None
    assert cached.success_rate == pytest.approx(0.9**4)
    later.record_gate([report(PROOF, PASSED)])
    again = later.cached_tactics(GOAL)
    assert again is not None
    assert again.success_rate == pytest.approx(0.9**4)


def test_a_proof_of_this_run_that_does_not_fit_a_twin_is_not_offered_to_the_next(store: Ledger) -> None:
    run = run_on(store)
    run.record(GOAL, PROOF)
    run.record_replay(TWIN, False, 0.1)
    assert run.cached_tactics(TWIN) is None


def test_tactics_are_counted_apart_from_strategies(store: Ledger) -> None:
    run = run_on(store)
    run.record_tactics(
        MICRO, [Trial("simp", False, 0.1, ("A",)), Trial("omega", True, 0.2, ("A",), frozenset({"simp"}))]
    )
    known = run_on(store).tactic_statistics(MICRO)
    assert known.of("omega").successes == 1
    assert known.of("omega", after("simp")).trials == 1
    assert known.of("simp", within("A")).seconds == pytest.approx(0.1)
    assert run_on(store).statistics() == {}
    assert store.strategy_statistics() == ()


def test_the_newest_successes_say_how_long_one_takes(store: Ledger) -> None:
    run = run_on(store)
    for seconds in (1.0, 2.0):
        run.record(GOAL, replace(PROOF, time_seconds=seconds))
    run.record(TWIN, FAILURE)
    assert run_on(store).success_seconds(MICRO) == (2.0, 1.0)


def test_a_failure_is_not_repeated_with_no_more_time(store: Ledger) -> None:
    run_on(store).record(GOAL, OUT_OF_TIME)
    second = run_on(store)
    assert second.check_duplicate(GOAL, MICRO, 8.0)
    assert not second.check_duplicate(GOAL, MICRO, 24.0)
    assert not second.check_duplicate(GOAL, HAMMER, 8.0)


def test_other_limits_of_a_tactic_make_another_attempt(store: Ledger) -> None:
    run_on(store).record(GOAL, FAILURE)
    settings = Settings()
    other = settings.model_copy(update={"heartbeats": 400_000})
    assert not run_on(store, settings=other).check_duplicate(GOAL, MICRO, 8.0)


def test_a_proof_of_a_goal_that_reads_the_same_is_tried_but_stops_no_attempt(store: Ledger) -> None:
    run = run_on(store)
    assert run.cached_tactics(TWIN) is None
    run.record(GOAL, PROOF)
    cached = run.cached_tactics(TWIN)
    assert cached is not None
    assert (cached.tactics, cached.success_rate, cached.strategy) == (("simp",), 1.0, MICRO)
    assert run.known_proof(TWIN) is None
    assert not run.check_duplicate(TWIN, MICRO, 8.0)
    run.record(TWIN, FAILURE)
    assert run.check_duplicate(TWIN, MICRO, 8.0)


def test_the_tactic_cache_learns_from_the_gate_only(store: Ledger) -> None:
    run = run_on(store)
    run.record(GOAL, PROOF)
    run.record_gate([report(PROOF, REFUSED)])
    assert store.get_cached_tactics(GOAL.text) is None
    run.record_gate([report(PROOF, PASSED)])
    kept = store.get_cached_tactics(TWIN.text)
    assert kept is not None
    assert kept["tactics"] == ["simp"]


def test_a_known_proof_is_recorded_again_but_teaches_nothing(store: Ledger) -> None:
    run = run_on(store)
    run.record_gate([report(replace(PROOF, known=True), PASSED)])
    assert [proof.verdict for proof in store.proofs("run0")] == [ProofVerdict.PASSED]
    assert store.get_cached_tactics(GOAL.text) is None


def test_a_known_proof_that_fails_the_gate_this_time_is_recorded(store: Ledger) -> None:
    run = run_on(store)
    run.record_gate([report(replace(PROOF, known=True), REFUSED)])
    (proof,) = store.proofs("run0")
    assert (proof.verdict, proof.goal_id, proof.script) == (ProofVerdict.FAILED, "g1", "simp")


def test_attempts_teach_the_next_run_which_strategy_to_try(store: Ledger) -> None:
    run = run_on(store)
    run.record(GOAL, PROOF)
    run.record(TWIN, FAILURE)
    run.record(GOAL, Result(success=False, strategy=HAMMER, outcome=Outcome.CANCELLED))
    statistics = run_on(store).statistics()
    assert {key: (arm.trials, arm.successes) for key, arm in statistics.items() if key[0] == ""} == {
        ("", MICRO): (2, 1)
    }
    assert [attempt.strategy for attempt in run.made] == [MICRO, MICRO, HAMMER]


def test_goals_are_kept_with_their_status(store: Ledger, tmp_path: Path) -> None:
    run = run_on(store)
    false = GoalReport(TWIN, GoalStatus.LOOKS_FALSE, note="false for m = 3")
    run.record_end([report(PROOF, PASSED), false], update_blueprint(load(tmp_path), {}))
    assert {goal.goal.id: goal.status for goal in store.goals(run_id=run.run_id)} == {
        "g1": GoalStatus.SOLVED,
        "g2": GoalStatus.LOOKS_FALSE,
    }
    assert [goal.note for goal in store.goals(status=GoalStatus.LOOKS_FALSE)] == ["false for m = 3"]
