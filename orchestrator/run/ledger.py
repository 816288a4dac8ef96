"""One run's view of the ledger: what the scheduler asks, answered from the store with the run's own facts added."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from orchestrator.blueprint.sync import BlueprintUpdate
from orchestrator.config import Settings
from orchestrator.goals.goal import Goal
from orchestrator.goals.renaming import renamed, translated
from orchestrator.goals.result import GoalStatus, HelperLemma, Outcome, Result, StrategyType
from orchestrator.ledger.records import AttemptRecord, BlueprintRecord, GoalRecord, ProofRecord, ProofVerdict
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import StrategyStatistics, StrategyTrial
from orchestrator.run.blueprint import blueprint_nodes
from orchestrator.run.report.summary import AttemptEntry, GoalReport
from orchestrator.run.stop import Stop
from orchestrator.scheduler.memory import GivenUp, KnownTactics, NothingGivenUp, trial_of
from orchestrator.strategies.policy.bandit import ArmStatistics, Statistics, Trial
from orchestrator.strategies.registry import specs
from orchestrator.strategies.reprover.generators import SolvedGoal

_LONGEST_NAME = 128
_MOST_SOLVED = 1000


class RunLedger:
    """The ledger as one run sees it (an `AttemptLedger`). What records something raises LedgerError when it cannot.

    Args:
        settings: what an attempt's configuration digest is made of.
        environment: digest of everything a proof of a goal depends on.
        source: the text around a goal, and the number of its first line.

    Attributes:
        made: the attempts of this run, in order.
        totals: what the run says of itself at its end.
        ended: why the search ended before everything was proved.
        given_up: goals that are left in peace.
    """

    def __init__(
        self,
        store: Ledger,
        run_id: str,
        repo: str,
        commit: str,
        settings: Settings,
        environment: Callable[[Goal], str],
        stop: Stop,
        source: Callable[[Goal], tuple[str, int]] = lambda goal: ("", 1),
    ) -> None:
        self.store = store
        self.run_id, self.repo, self.commit = run_id, repo, commit
        self.settings = settings
        self.environment = environment
        self.stop = stop
        self.made: list[AttemptEntry] = []
        self.totals: dict[str, object] = {}
        self.ended = ""
        self.given_up: GivenUp = NothingGivenUp()
        self._source = source
        self._proved: dict[str, tuple[Goal, KnownTactics]] = {}
        self._replayed: set[str] = set()
        self._judged: set[tuple[str, str, bool]] = set()

    def check_duplicate(self, goal: Goal, strategy: StrategyType, timeout: float) -> bool:
        """Whether this attempt was made before, in the same environment and with at least this time.

        A proof of another goal that reads the same is not a proof of this one: its tactics are tried first, and if they
        do not fit, the strategy may find others.
        """
        here = self.environment(goal)
        known = self.store.check_duplicate(
            goal.text,
            strategy,
            configuration=self.configuration(strategy),
            environment=here,
            budget_seconds=timeout,
            identity=goal.digest,
        )
        if not known:
            return False
        return any(
            attempt.goal_id == goal.id or not attempt.success
            for attempt in self.store.attempts(goal_text=goal.text, identity=goal.digest)
            if attempt.environment == here and attempt.strategy == strategy
        )

    def known_proof(self, goal: Goal) -> Result | None:
        """The newest proof of this goal found in the same environment, unless the gate has turned it down."""
        here = (self.repo, goal.id, self.environment(goal))
        judged = self._judgements(goal)
        passed = [proof for proof in judged.values() if proof.verdict is ProofVerdict.PASSED]
        if passed:
            newest = max(passed, key=lambda proof: proof.id or 0)
            return _known(newest.strategy, newest.script.split("\n"), newest.helpers)
        # A run that died before its gate leaves the attempt alone.
        found = [
            attempt
            for attempt in self.store.attempts(goal_text=goal.text, identity=goal.digest)
            if attempt.success
            and (attempt.repo, attempt.goal_id, attempt.environment) == here
            and "\n".join(attempt.tactics) not in judged
        ]
        return _known(found[-1].strategy, found[-1].tactics) if found else None

    def former_proof(self, goal: Goal) -> Result | None:
        """The newest proof of this goal that passed before something around it changed, not judged here yet."""
        judged = self._judgements(goal)
        passed = [
            proof
            for proof in self.store.proofs(goal_text=goal.text)
            if (proof.repo, proof.goal_id, proof.verdict) == (self.repo, goal.id, ProofVerdict.PASSED)
            and not proof.helpers  # they stand at a line of the file as it was
            and proof.script not in judged
        ]
        return _known(passed[-1].strategy, passed[-1].script.split("\n")) if passed else None

    def with_former_proofs(self, goals: Iterable[Goal], results: Mapping[str, Result]) -> dict[str, Result]:
        """The results, with former proofs for the gate to judge where no proof was found."""
        unproved = (goal for goal in goals if goal.id not in results or not results[goal.id].success)
        former = ((goal.id, self.former_proof(goal)) for goal in unproved)
        return {**results, **{key: proof for key, proof in former if proof is not None}}

    def _judgements(self, goal: Goal) -> Mapping[str, ProofRecord]:
        """The gate's last word on each script for this very goal in its present environment."""
        here = (self.repo, goal.id, self.environment(goal))
        return {
            proof.script: proof
            for proof in self.store.proofs(goal_text=goal.text)
            if (proof.repo, proof.goal_id, proof.environment) == here
        }

    def cached_tactics(self, goal: Goal) -> KnownTactics | None:
        """What has worked on goals that read the same: what a gate passed, else what was found in this run.

        Not what the gate has turned down for this very goal.
        """
        cached = self._cached(goal)
        judged = self._judgements(goal).get("\n".join(cached.tactics)) if cached is not None else None
        return None if judged is not None and judged.verdict is ProofVerdict.FAILED else cached

    def _cached(self, goal: Goal) -> KnownTactics | None:
        kept = self.store.get_cached_tactics(goal.text, identity=goal.identity)
        if kept is not None:
            return KnownTactics(tuple(kept["tactics"]), kept["success_rate"])
        found = self._proved.get(self._key(goal))
        if found is None:
            return None
        other, cached = found
        if goal.identity and other.identity:
            return replace(cached, tactics=renamed(cached.tactics, other.identity.names, goal.identity.names))
        return replace(cached, tactics=translated(cached.tactics, other.text, goal.text))

    def solved_goals(self) -> tuple[SolvedGoal, ...]:
        """Goals whose proofs the gate passed, in this repository or another: those that were of use most often."""
        known = self.store.cached_scripts(limit=_MOST_SOLVED)
        return tuple(SolvedGoal(text, tactics) for text, tactics in known.items())

    def failures(self, goal: Goal) -> tuple[str, ...]:
        """What was tried on a goal without success, by strategy, one line each."""
        lines = {
            attempt.strategy: f"{attempt.strategy}: {attempt.error[:200] or attempt.outcome.value}"
            for attempt in self.store.attempts(goal_text=goal.text, identity=goal.digest)
            if attempt.outcome in (Outcome.NOT_PROVED, Outcome.TIMEOUT)
        }
        return tuple(lines.values())

    def record(self, goal: Goal, result: Result) -> None:
        """Keep a finished attempt."""
        strategy = result.strategy or StrategyType.MICRO
        self.store.record_attempt(
            AttemptRecord.of(
                goal,
                result,
                strategy=strategy,
                run_id=self.run_id,
                repo=self.repo,
                commit=self.commit,
                configuration=self.configuration(strategy),
                environment=self.environment(goal),
                # A strategy that gave up by itself would do so again, whatever time it had.
                budget_seconds=None if result.outcome is Outcome.NOT_PROVED else result.timeout,
            )
        )
        trial = trial_of(goal, result)
        if trial is not None:
            scopes = tuple(trial.scopes)
            self.store.update_strategy_statistics(
                [StrategyTrial(strategy=strategy, success=trial.success, seconds=trial.seconds, contexts=scopes)]
            )
        if result.success:
            cached = KnownTactics(result.tactics, 1.0, strategy)
            self._proved[self._key(goal)] = goal, cached
            self.store.mark_found(self.repo, goal.id)
        self.made.append(AttemptEntry(goal, strategy, result, datetime.now(UTC)))

    def record_replay(self, goal: Goal, success: bool, seconds: float) -> None:
        if self.store.record_cache_outcome(goal.text, success, time_seconds=seconds, identity=goal.identity):
            self._replayed.add(self._key(goal))
        elif not success:
            # Found in this run and not yet judged: it is not to be tried on one goal after the other.
            self._proved.pop(self._key(goal), None)

    def record_tactics(self, strategy: StrategyType, trials: Iterable[Trial[str]]) -> None:
        """Count the tactics that a strategy tried, for all runs."""
        self.store.update_strategy_statistics(
            StrategyTrial(
                strategy=_tactic_name(strategy, trial.arm),
                success=trial.success,
                seconds=trial.seconds,
                contexts=tuple(trial.scopes),
            )
            for trial in trials
        )

    def tactic_statistics(self, strategy: StrategyType) -> Statistics[str]:
        """What all trials kept say of a strategy's tactics."""
        start = len(_tactic_name(strategy, ""))
        entries = self.store.strategy_statistics(tactics_of=strategy)
        return Statistics(table={(entry.context, entry.strategy[start:]): _counted(entry) for entry in entries})

    def success_seconds(self, strategy: StrategyType) -> Sequence[float]:
        return self.store.success_seconds(strategy)

    def statistics(self) -> Mapping[tuple[str, StrategyType], ArmStatistics]:
        """What all trials kept say of the strategies, other runs' included."""
        known = {strategy.value: strategy for strategy in StrategyType}
        return {
            (entry.context, known[entry.strategy]): _counted(entry)
            for entry in self.store.strategy_statistics()
            if entry.strategy in known
        }

    def record_gate(self, reports: Iterable[GoalReport]) -> None:
        """Keep the gate's verdicts, and the tactics of what passed for goals that read the same."""
        found_at = {entry.goal.id: entry.timestamp for entry in self.made if entry.result.success}
        for report in reports:
            goal, result, verdict = report.goal, report.result, report.verdict
            if result is None or verdict is None:
                continue
            said = (goal.id, "\n".join(result.tactics), verdict.accepted)
            if said in self._judged:
                continue
            self._judged.add(said)
            self.store.record_proof(
                ProofRecord(
                    goal_text=goal.text,
                    strategy=result.strategy.value if result.strategy else "",
                    script="\n".join(result.tactics),
                    helpers=tuple(helper.to_json() for helper in result.helpers),
                    verdict=ProofVerdict.PASSED if verdict.accepted else ProofVerdict.FAILED,
                    checks={check.name.value: check.detail or check.passed for check in verdict.checks},
                    goal_id=goal.id,
                    repo=self.repo,
                    commit=self.commit,
                    file=goal.file,
                    declaration=goal.declaration,
                    environment=self.environment(goal),
                    run_id=self.run_id,
                    timestamp=found_at.get(goal.id),
                )
            )
            # Without its helper lemmas a script is of no use to others; a learned rate is not set back to 1.
            learned = result.known or self._key(goal) in self._replayed
            if verdict.accepted and not learned and not result.helpers:
                self.store.update_tactic_cache(
                    goal.text,
                    tactics=list(result.tactics),
                    success_rate=1.0,
                    avg_time=result.time_seconds,
                    identity=goal.identity,
                )

    def add_goals(self, goals: Iterable[Goal]) -> None:
        """Keep the goals that were not known, as not tried; where the others stand, the gate will say."""
        self.store.add_goals([self._record(goal, GoalStatus.NOT_TRIED) for goal in goals])

    def record_statuses(self, reports: Iterable[GoalReport]) -> None:
        """Keep where goals stand."""
        self.store.record_goals([self._record(report.goal, report.status, report.note) for report in reports])

    def record_end(self, reports: Sequence[GoalReport], update: BlueprintUpdate) -> None:
        """Keep every goal with its status, every proof with its verdict, what worked for goals that read the same, and
        what is true of the blueprint.
        """
        self.record_statuses(reports)
        self.record_gate(reports)
        if update.blueprint.found:
            false = {report.goal.declaration for report in reports if report.status is GoalStatus.LOOKS_FALSE}
            nodes = blueprint_nodes(update, false)
            self.store.record_blueprint(
                BlueprintRecord(repo=self.repo, commit=self.commit, run_id=self.run_id, nodes=nodes)
            )

    def _key(self, goal: Goal) -> str:
        """What goals that read the same have in common."""
        return goal.digest or self.store.hash_goal(goal.text)

    def _record(self, goal: Goal, status: GoalStatus, note: str = "") -> GoalRecord:
        source, line = self._source(goal)
        return GoalRecord(
            goal=goal,
            repo=self.repo,
            commit=self.commit,
            environment=self.environment(goal),
            status=status,
            note=note,
            source=source,
            source_line=line,
            last_seen_run=self.run_id,
        )

    def configuration(self, strategy: StrategyType) -> str:
        """Digest of what a strategy's answer depends on beside the goal."""
        spec = specs()[strategy]
        facts = [strategy.value, spec.revision, self.settings.heartbeats, self.settings.tactic_timeout]
        facts += [spec.model(self.settings)] if spec.model is not None else []
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _known(strategy: str, script: Sequence[str], helpers: Sequence[Mapping[str, Any]] = ()) -> Result:
    kind = next((kind for kind in StrategyType if kind.value == strategy), None)
    lemmas = tuple(map(HelperLemma.from_json, helpers))
    return Result(success=True, strategy=kind, tactics=tuple(script), known=True, helpers=lemmas)


def _tactic_name(strategy: StrategyType, tactic: str) -> str:
    return f"{strategy.value}/{tactic}"[:_LONGEST_NAME]


def _counted(entry: StrategyStatistics) -> ArmStatistics:
    return ArmStatistics(
        trials=entry.trials,
        successes=entry.successes,
        success_rate=entry.success_rate,
        seconds=entry.seconds,
        success_seconds=entry.success_seconds,
    )
