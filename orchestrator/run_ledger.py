"""One run's view of the ledger: what the scheduler asks, answered from the store with the run's own facts added."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.bandit import ArmStatistics
from orchestrator.config import Settings
from orchestrator.goal import Goal
from orchestrator.ledger.records import AttemptRecord, ProofRecord, ProofVerdict
from orchestrator.ledger.summaries import StrategyTrial
from orchestrator.ledger.store import Ledger
from orchestrator.result import Result, StrategyType
from orchestrator.scheduling.ports import CachedTactics, trial_of
from orchestrator.selection import GateReport
from orchestrator.summary import Attempt

STRATEGY_REVISIONS = dict.fromkeys(StrategyType, 1)
"""To be raised when a strategy can do more than before: goals it failed on are then tried again."""


@dataclass
class RunLedger:
    """The ledger as one run sees it (an `AttemptLedger`).

    Attributes:
        store: the ledger.
        run_id, repo, commit: written with every attempt.
        settings: what an attempt's configuration digest is made of.
        environment: digest of everything a proof of a goal depends on.
        made: the attempts of this run, in order.
        stopped: why the run ended early ("" when it did not).
        totals: what the run says of itself at its end.
    """

    store: Ledger
    run_id: str
    repo: str
    commit: str
    settings: Settings
    environment: Callable[[Goal], str]
    made: list[Attempt] = field(default_factory=list)
    stopped: str = ""
    totals: dict[str, object] = field(default_factory=dict)

    def check_duplicate(self, goal: Goal, strategy: StrategyType, timeout: float) -> bool:
        """Whether this attempt was made before, in the same surroundings and with at least this time."""
        return self.store.check_duplicate(
            goal.text,
            strategy,
            configuration=self.configuration(strategy),
            environment=self.environment(goal),
            budget_seconds=timeout,
        )

    def known_proof(self, goal: Goal) -> Result | None:
        """The proof of this goal that the gate passed in the same surroundings."""
        here = (self.repo, goal.id, self.environment(goal))
        for proof in reversed(self.store.proofs(goal_text=goal.text, verdict=ProofVerdict.PASSED)):
            if (proof.repo, proof.goal_id, proof.environment) == here:
                strategy = StrategyType(proof.strategy) if proof.strategy else None
                script = tuple(proof.script.split("\n"))
                return Result(success=True, strategy=strategy, tactics=script, metadata={"known": True})
        return None

    def cached_tactics(self, goal: Goal) -> CachedTactics | None:
        """What has worked on goals that read the same."""
        found = self.store.get_cached_tactics(goal.text)
        return None if found is None else CachedTactics(tuple(found["tactics"]), found["success_rate"])

    def record(self, goal: Goal, result: Result) -> None:
        """Keep a finished attempt.

        Raises:
            LedgerError: it could not be kept.
        """
        strategy = result.strategy or StrategyType.MICRO
        timeout = result.metadata.get("timeout")
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
                budget_seconds=timeout if isinstance(timeout, float | int) else None,
            )
        )
        trial = trial_of(result)
        if trial is not None:
            scopes = tuple(trial.scopes)
            self.store.update_strategy_statistics(
                [StrategyTrial(strategy=strategy, success=trial.success, seconds=trial.seconds, contexts=scopes)]
            )
        self.made.append(Attempt(goal, strategy, result, datetime.now(UTC)))

    def statistics(self) -> Mapping[tuple[str, StrategyType], ArmStatistics]:
        """What all trials kept say of the strategies, other runs' included."""
        known = {strategy.value: strategy for strategy in StrategyType}
        return {
            (entry.context, known[entry.strategy]): ArmStatistics(
                trials=entry.trials,
                successes=entry.successes,
                success_rate=entry.success_rate,
                seconds=entry.seconds,
                success_seconds=entry.success_seconds,
            )
            for entry in self.store.strategy_statistics()
            if entry.strategy in known
        }

    def stop(self, shutdown: Callable[[], None]) -> None:
        """Note that the run was asked to stop, and pass it on."""
        self.stopped = self.stopped or "it was asked to stop"
        shutdown()

    def record_gate(self, gate: GateReport, results: Mapping[str, Result]) -> None:
        """Keep the gate's verdicts, and the tactics of what passed for goals that read the same.

        Raises:
            LedgerError: they could not be kept.
        """
        goals = {attempt.goal.id: attempt.goal for attempt in self.made}
        goals |= {proof.goal.id: proof.goal for proof in gate.accepted}
        for goal_id, verdict in gate.verdicts.items():
            goal, result = goals[goal_id], results[goal_id]
            strategy = result.strategy.value if result.strategy else ""
            self.store.record_proof(
                ProofRecord(
                    goal_text=goal.text,
                    strategy=strategy,
                    script="\n".join(result.tactics),
                    verdict=ProofVerdict.PASSED if verdict.accepted else ProofVerdict.FAILED,
                    checks={check.name.value: check.detail or check.passed for check in verdict.checks},
                    goal_id=goal_id,
                    repo=self.repo,
                    commit=self.commit,
                    file=goal.file,
                    declaration=goal.declaration,
                    environment=self.environment(goal),
                    run_id=self.run_id,
                )
            )
            if verdict.accepted and not result.metadata.get("known"):
                self.store.update_tactic_cache(
                    goal.text, tactics=list(result.tactics), success_rate=1.0, avg_time=result.time_seconds
                )

    def configuration(self, strategy: StrategyType) -> str:
        """Digest of what a strategy's answer depends on beside the goal."""
        sessions = self.settings.sessions
        facts = [strategy.value, STRATEGY_REVISIONS[strategy], sessions.heartbeats, sessions.tactic_seconds]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
