"""What people look at in the ledger, on every kind of database."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from ledger_clock import Clock

from orchestrator.errors import LedgerError
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.result import GoalStatus, Outcome
from orchestrator.ledger.changes import SqliteChanges
from orchestrator.ledger.records import (
    AttemptRecord,
    BlueprintNode,
    BlueprintRecord,
    GoalRecord,
    NodeState,
    ProgressRecord,
    ProofRecord,
    ProofVerdict,
    Working,
)
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import GoalFilter, GoalSort, StrategyTrial
from orchestrator.ledger.ticket_records import Ticket, TicketRequester

REPO = "/repo"


def record(name: str, *, status: GoalStatus = GoalStatus.OPEN, difficulty: float = 0.5, line: int = 1) -> GoalRecord:
    goal = Goal(
        id=f"id-{name}",
        text=f"⊢ {name} = 0",
        file="A.lean",
        declaration=name,
        span=SourceSpan(Position(line, 0), Position(line, 5)),
        estimated_difficulty=difficulty,
    )
    return GoalRecord(goal=goal, repo=REPO, status=status, source="sorry", source_line=line)


def attempt(
    name: str, outcome: Outcome = Outcome.PROVED, strategy: str = "micro", run: str | None = None
) -> AttemptRecord:
    return AttemptRecord(
        goal_text=f"⊢ {name} = 0", goal_id=f"id-{name}", repo=REPO, strategy=strategy, outcome=outcome, run_id=run
    )


@pytest.fixture
def three(ledger: Ledger) -> Ledger:
    """A ledger with three goals."""
    records = (
        record("beta", difficulty=0.2, line=3),
        record("alpha", difficulty=0.9, line=9, status=GoalStatus.SOLVED),
        record("50%_off", difficulty=0.4, line=1),
    )
    ledger.record_goals(records)
    return ledger


def names(ledger: Ledger, **wanted: object) -> list[str]:
    return [line.declaration for line in ledger.goal_page(GoalFilter(**wanted)).goals]  # type: ignore[arg-type]


def test_goals_are_sorted(three: Ledger) -> None:
    assert names(three) == ["50%_off", "beta", "alpha"]
    assert names(three, sort=GoalSort.DECLARATION) == ["50%_off", "alpha", "beta"]
    assert names(three, sort=GoalSort.DIFFICULTY, descending=True) == ["alpha", "50%_off", "beta"]


def test_goals_are_filtered(three: Ledger) -> None:
    assert names(three, status=GoalStatus.SOLVED) == ["alpha"]
    assert names(three, repo="/other") == []
    assert names(three, text="ALPHA") == ["alpha"]
    assert names(three, text="a.lean") == ["50%_off", "beta", "alpha"]
    assert names(three, text="% = 0") == []
    assert names(three, text="%_") == ["50%_off"]


def test_facets_count_what_the_rest_of_the_filter_lets_through(three: Ledger) -> None:
    three.record_attempts([attempt("alpha"), attempt("beta", Outcome.TIMEOUT), attempt("beta", strategy="hammer")])
    every = three.goal_facets(GoalFilter())
    assert every["status"] == {"open": 2, "solved": 1}
    assert every["file"] == {"A.lean": 3}
    assert every["kind"] == {"tactic": 3}
    assert every["strategy"] == {"micro": 1, "hammer": 1}
    solved = three.goal_facets(GoalFilter(status=GoalStatus.SOLVED))
    assert (solved["status"], solved["file"]) == ({"open": 2, "solved": 1}, {"A.lean": 1})
    assert solved["strategy"] == {"micro": 1}
    assert three.goal_facets(GoalFilter(strategy="hammer", text="beta"))["status"] == {"open": 1}
    assert three.goal_facets(GoalFilter(file="B.lean"))["status"] == {}
    assert names(three, strategy="hammer") == ["beta"]
    assert names(three, file="A.lean", declarations=("alpha", "beta"), sort=GoalSort.STATUS) == ["beta", "alpha"]
    assert names(three, kind="term") == []


def test_of_very_many_goals_only_the_status_is_counted(three: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.ledger.pages.FACETED", 2)
    assert three.goal_facets(GoalFilter(text="alpha")) == {"status": {"open": 2, "solved": 1}}
    assert three.goal_facets(GoalFilter(repo="/other"))["status"] == {}


def test_what_is_of_one_repository(three: Ledger) -> None:
    three.start_run(run_id="here", repo=REPO)
    three.start_run(run_id="there", repo="/other")
    three.record_attempts([attempt("alpha"), attempt("beta", Outcome.TIMEOUT)])
    here, there = three.statistics(REPO), three.statistics("/other")
    assert (here.goals, here.attempts, here.successes, here.runs) == ({"open": 2, "solved": 1}, 2, 1, 1)
    assert (there.goals, there.attempts, there.runs) == ({}, 0, 1)
    assert [run.id for run in three.runs(repo="/other")] == ["there"]
    assert [one.proved for one in three.contributions(REPO)] == [1]
    assert three.contributions("/other") == ()
    assert three.attempts(repo="/other") == ()


def test_a_page_of_goals_counts_attempts_on_what_reads_the_same(three: Ledger) -> None:
    three.record_attempts([attempt("beta", Outcome.TIMEOUT), attempt("beta")])
    page = three.goal_page(GoalFilter(), offset=1, limit=1)
    assert page.total == 3
    (line,) = page.goals
    assert (line.declaration, line.attempts, line.found, line.line, line.target) == ("beta", 2, 1, 3, "beta = 0")


def test_source_is_kept_and_known_goals_are_left_alone(three: Ledger) -> None:
    three.add_goals([record("beta", status=GoalStatus.REJECTED), record("new")])
    kept = three.goal("id-beta", repo=REPO)
    assert kept is not None
    assert (kept.status, kept.source, kept.source_line) == (GoalStatus.OPEN, "sorry", 3)
    assert three.goal("id-new", repo=REPO) is not None
    assert three.goal("id-new") is None
    assert three.repositories() == (REPO,)
    assert three.declarations([(REPO, "id-beta"), (REPO, "none")]) == {(REPO, "id-beta"): "beta"}
    assert three.goals_of_declarations(REPO, ["alpha", "none"]) == {"alpha": "id-alpha"}


def test_what_strategies_contribute(ledger: Ledger) -> None:
    tries = [("a", "micro"), ("a", "micro"), ("a", "hammer"), ("b", "hammer"), ("c", "hammer")]
    ledger.record_attempts(attempt(name, strategy=strategy) for name, strategy in tries)
    ledger.record_attempt(attempt("d", Outcome.TIMEOUT, "sketch"))
    found = {one.strategy: (one.proved, one.alone) for one in ledger.contributions()}
    assert found == {"hammer": (3, 2), "micro": (1, 0)}


def test_solved_over_time_counts_the_first_proof_that_passed(ledger: Ledger, clock: Clock) -> None:
    start = ledger.start_run().started_at
    for days, name, verdict in ((0, "a", "passed"), (1, "a", "passed"), (1, "b", "failed"), (9, "c", "passed")):
        ledger.record_proof(
            ProofRecord(
                goal_text=name, script="x", verdict=ProofVerdict(verdict), timestamp=start + timedelta(days=days)
            )
        )
    assert [step.count for step in ledger.solved_over_time()] == [1, 1]
    assert [step.start for step in ledger.solved_over_time()] == [
        (start + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0) for days in (0, 9)
    ]


def test_a_proof_counts_from_when_it_was_found_and_a_conditional_one_never(three: Ledger, clock: Clock) -> None:
    start = three.start_run().started_at
    for name, status in (("alpha", GoalStatus.FOUND), ("beta", GoalStatus.CONDITIONAL)):
        three.record_goals([record(name, status=status)])
        three.record_attempt(attempt(name).model_copy(update={"timestamp": start + timedelta(minutes=5)}))
    three.record_proof(
        ProofRecord(goal_text="⊢ beta = 0", script="x", verdict=ProofVerdict.PASSED, timestamp=start, repo=REPO)
    )
    (step,) = three.solved_over_time()
    assert step.start == (start + timedelta(minutes=5)).replace(second=0, microsecond=0)
    assert three.solved_over_time(REPO) == (step,)
    assert three.solved_over_time("/other") == ()


@pytest.mark.parametrize(("apart", "zeroed"), [(timedelta(minutes=90), ()), (timedelta(hours=40), ("minute",))])
def test_what_was_solved_within_hours_is_counted_more_closely(
    ledger: Ledger, apart: timedelta, zeroed: tuple[str, ...]
) -> None:
    start = ledger.start_run().started_at
    for name, at in (("a", start), ("b", start), ("c", start + apart)):
        ledger.record_proof(ProofRecord(goal_text=name, script="x", verdict=ProofVerdict.PASSED, timestamp=at))
    found = ledger.solved_over_time()
    assert [step.count for step in found] == [2, 1]
    rounded = dict.fromkeys((*zeroed, "second", "microsecond"), 0)
    assert [step.start for step in found] == [at.replace(**rounded) for at in (start, start + apart)]  # type: ignore[arg-type]


def test_runs_side_by_side(ledger: Ledger) -> None:
    run = ledger.start_run(run_id="r")
    ledger.record_attempts([attempt("a", run="r"), attempt("b", Outcome.TIMEOUT, run="r"), attempt("c")])
    ledger.record_proof(
        ProofRecord(goal_id="id-a", declaration="a", script="x", verdict=ProofVerdict.PASSED, run_id="r")
    )
    assert ledger.run_totals("r")["micro"].outcomes == {"proved": 1, "timeout": 1}
    assert ledger.passed_in("r") == {"id-a": "a"}
    assert [one.goal_id for one in ledger.attempts(run.id, newest_first=True)] == ["id-b", "id-a"]
    assert [one.declaration for one in ledger.proofs("r")] == ["a"]
    assert ledger.attempts(goal_hash=attempt("a").goal_hash)[0].goal_id == "id-a"
    assert {one.goal_id for one in ledger.attempts(proved=True)} == {"id-a", "id-c"}


def test_progress_and_blueprints_replace_the_ones_before(ledger: Ledger) -> None:
    run = ledger.start_run(repo=REPO)
    assert ledger.progress(run.id) is None
    work = Working(goal_id="g", declaration="d", strategy="micro", since=run.started_at, timeout=8.0)
    ledger.set_progress(ProgressRecord(run_id=run.id, stage="extract"))
    ledger.set_progress(ProgressRecord(run_id=run.id, stage="prove", done=1, total=2, found=1, active=(work,)))
    progress = ledger.progress(run.id)
    assert progress is not None
    assert progress.model_copy(update={"updated_at": None}) == ProgressRecord(
        run_id=run.id, stage="prove", done=1, total=2, found=1, active=(work,)
    )
    with pytest.raises(LedgerError):
        ledger.set_progress(ProgressRecord(run_id="nobody"))
    node = BlueprintNode(key="k", declarations=("a", "b"), uses=("k",), state=NodeState.READY, unblocks=3)
    ledger.record_blueprint(BlueprintRecord(repo=REPO))
    ledger.record_blueprint(BlueprintRecord(repo=REPO, commit="c", run_id=run.id, nodes=(node,)))
    (kept,) = ledger.blueprints()
    assert (kept.commit, kept.nodes) == ("c", (node,))


def test_the_history_of_strategies_has_one_entry_a_minute(ledger: Ledger, clock: Clock) -> None:
    for seconds in (0, 1, 120):
        clock.move(seconds=seconds)
        ledger.update_strategy_statistics(
            [StrategyTrial(strategy="micro", success=True, seconds=1.0, contexts=("", "x"))]
        )
    history = ledger.strategy_history()
    assert [moment.trials for moment in history] == [2, 3]
    assert history[1].success_rate == pytest.approx(1 - 0.9**3)


def test_old_failures_go_and_proofs_stay(ledger: Ledger, clock: Clock) -> None:
    ledger.record_attempts([attempt("a", Outcome.TIMEOUT), attempt("a"), attempt("b", Outcome.NOT_PROVED)])
    ledger.update_strategy_statistics([StrategyTrial(strategy="micro", success=True, seconds=1.0)])
    clock.move(seconds=100 * 86400)
    ledger.record_attempt(attempt("c", Outcome.TIMEOUT))
    assert ledger.prune(timedelta(days=90), dry_run=True).attempts == 2
    assert len(ledger.attempts()) == 4
    pruned = ledger.prune(timedelta(days=90))
    assert (pruned.attempts, pruned.history) == (2, 1)
    assert {(one.goal_id, one.outcome) for one in ledger.attempts()} == {
        ("id-a", Outcome.PROVED),
        ("id-c", Outcome.TIMEOUT),
    }
    assert ledger.statistics().attempts == 2
    assert len(ledger.frontier()) == 1


def test_an_export_comes_back_whole(ledger: Ledger, three: Ledger) -> None:
    run = three.start_run(run_id="r", repo=REPO)
    three.record_attempts([attempt("beta", run=run.id), attempt("ñ∀\n", Outcome.ERROR, run=run.id)])
    three.record_attempts([attempt("beta"), attempt("beta")])
    three.record_proof(ProofRecord(goal_text="⊢ beta = 0", script="x", verdict=ProofVerdict.PASSED, run_id="r"))
    three.update_tactic_cache("⊢ p", tactics=["simp"], success_rate=1.0, avg_time=0.1)
    three.update_strategy_statistics([StrategyTrial(strategy="micro", success=True, seconds=1.0)])
    three.set_progress(ProgressRecord(run_id="r", stage="prove"))
    three.record_blueprint(BlueprintRecord(repo=REPO, run_id="r", nodes=(BlueprintNode(key="k"),)))
    three.open_ticket(Ticket(ticket_id="t", goal="p", goal_hash="1" * 64, repo=REPO), TicketRequester(requester="me"))
    three.claim_ticket("t", "me", lease_seconds=60)
    lines = list(three.export())
    with Ledger.open("sqlite://") as copy:
        added = copy.restore(lines)
        assert (added["attempts"], added["goals"], added["runs"]) == (4, 3, 1)
        assert sorted(copy.export()) == sorted(lines)
        assert copy.statistics() == three.statistics()
        again = copy.restore(lines)
        assert sum(again.values()) == 0
        assert len(copy.attempts()) == 4
        assert copy.ticket_history("t") == three.ticket_history("t")


@pytest.mark.parametrize("line", ["{", "[]", '{"table": "claims"}', '{"table": "runs", "colour": 1}', "3"])
def test_what_is_no_export_adds_nothing(line: str) -> None:
    with Ledger.open("sqlite://") as ledger:
        good = json.dumps({"table": "runs", "id": "r"})
        with pytest.raises(LedgerError, match="line 2 is not one of an exported ledger"):
            ledger.restore([good, line])
        assert ledger.runs() == ()


def test_a_change_is_noticed_wherever_it_is_made(ledger: Ledger, url: str) -> None:
    watch = ledger.changes()
    try:
        assert not watch.wait(0.05)
        ledger.record_attempt(attempt("a"))
        assert watch.wait(10)
        assert not watch.wait(0.05)
        if url != "sqlite://":
            with Ledger.open(url) as other:
                other.record_attempt(attempt("b"))
            assert watch.wait(10)
    finally:
        watch.close()


def test_looking_changes_nothing(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        watch = ledger.changes()
        assert isinstance(watch, SqliteChanges)
        ledger.statistics()
        ledger.goal_page(GoalFilter())
        assert not watch.wait(0.05)
        watch.close()
