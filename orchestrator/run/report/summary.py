"""The result of a run as plain data: `summary.json`, `attempts.jsonl` and the rows of tables. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic_core import to_jsonable_python

from orchestrator.blueprint.sync import Mark
from orchestrator.gate.verdict import Verdict, VerdictStatus
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus, Outcome, Result, StrategyType
from orchestrator.marketplace.trade import Trade
from orchestrator.source.loading import Coverage
from orchestrator.source.project import FileProblem

TIMESTAMP_FORMAT = "%Y%m%d-%H%M%S"


@dataclass(frozen=True, slots=True)
class AttemptEntry:
    """One strategy tried once on one goal."""

    goal: Goal
    strategy: StrategyType
    result: Result
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class GoalReport:
    """Where one goal stands at the end of a run."""

    goal: Goal
    status: GoalStatus
    result: Result | None = None
    verdict: Verdict | None = None
    note: str = ""

    @property
    def line(self) -> int:
        """Line of the sorry, from 1; 0 when it is not known."""
        return self.goal.span.start.line if self.goal.span else 0

    @property
    def proof(self) -> Result | None:
        """The result, if it is a proof."""
        return self.result if self.result and self.result.success else None

    @property
    def prover(self) -> str:
        """Who answered: a strategy, or the marketplace; "" when nobody did."""
        if self.result is None:
            return ""
        if self.result.strategy is not None:
            return self.result.strategy.value
        return "market" if self.result.helpers else ""

    def to_dict(self) -> dict[str, Any]:
        """The goal's entry in `summary.json`."""
        goal, result, verdict = self.goal, self.result, self.verdict
        helpers = result.helpers if result else ()
        return {
            "id": goal.id,
            "file": goal.file,
            "line": self.line,
            "declaration": goal.declaration,
            "kind": goal.kind,
            "status": self.status,
            "strategy": self.prover or None,
            "tactics": result.tactics if result else (),
            **({"helpers": [helper.name for helper in helpers]} if helpers else {}),
            "time_seconds": round(result.time_seconds, 3) if result else 0.0,
            "goal": goal.text,
            "note": self.note,
            "verdict": verdict
            and {
                "status": verdict.status,
                "axioms": verdict.axioms,
                "rests_on": verdict.rests_on,
                "reason": verdict.reason,
                "checks": [{"check": c.name, "passed": c.passed, "detail": c.detail} for c in verdict.checks],
                "not_checked": verdict.not_checked,
                "warnings": verdict.warnings,
            },
        }


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A run as people and programs read it.

    Attributes:
        started: when, UTC.
        goals: one report a goal, in the order of files.
        config: the settings that matter, as in the results format of the benchmark runner.
        stopped: why the run ended early ("" when it did not).
        ended: why the search ended before everything was proved.
        lean_seconds: wall time in which servers were starting or answering, summed over servers.
    """

    run_id: str
    repo: str
    ref: str
    commit: str
    started: datetime
    wall_seconds: float
    goals: Sequence[GoalReport]
    attempts: Sequence[AttemptEntry]
    config: Mapping[str, object]
    problems: Sequence[FileProblem] = ()
    notes: Sequence[str] = ()
    blueprint: Sequence[Mark] = ()
    coverage: Coverage = field(default_factory=Coverage)
    lean: str = ""
    stopped: str = ""
    ended: str = ""
    trades: Sequence[Trade] = ()
    lean_servers: int = 0
    lean_seconds: float = 0.0
    lean_processes: int = 0

    @cached_property
    def strategies(self) -> Mapping[StrategyType, tuple[int, int]]:
        """How often each strategy was tried, and how often it succeeded."""
        used = Counter(attempt.strategy for attempt in self.attempts if counts(attempt.result))
        succeeded = Counter(attempt.strategy for attempt in self.attempts if attempt.result.success)
        return {strategy: (used[strategy], succeeded[strategy]) for strategy in StrategyType if used[strategy]}

    @property
    def solved(self) -> int:
        """How many goals have a proof that the gate passed."""
        return self.count(GoalStatus.SOLVED)

    @property
    def conditional(self) -> int:
        """How many goals are proved from another sorry."""
        return self.count(GoalStatus.CONDITIONAL)

    def count(self, status: GoalStatus) -> int:
        """How many goals have this status."""
        return sum(1 for report in self.goals if report.status is status)

    @property
    def processed(self) -> int:
        """Goals that at least one attempt was made on, or that were solved without one."""
        tried = {attempt.goal.id for attempt in self.attempts}
        return sum(1 for r in self.goals if r.goal.id in tried or r.status is GoalStatus.SOLVED)

    def to_dict(self) -> dict[str, Any]:
        """The content of `summary.json`."""
        value = {
            "timestamp": self.started.strftime(TIMESTAMP_FORMAT),
            "run_id": self.run_id,
            "repo": self.repo,
            "ref": self.ref,
            "commit": self.commit,
            "lean": self.lean,
            "goals_total": len(self.goals),
            "goals_processed": self.processed,
            "goals_solved": self.solved,
            "goals_conditional": self.conditional,
            "wall_seconds": round(self.wall_seconds, 3),
            "lean_servers": self.lean_servers,
            "lean_seconds": round(self.lean_seconds, 3),
            "lean_processes": self.lean_processes,
            "stopped": self.stopped,
            "ended": self.ended,
            "strategies": {name: {"used": used, "succeeded": won} for name, (used, won) in self.strategies.items()},
            "config": dict(self.config),
            "problems": [{"file": problem.path, "message": problem.message} for problem in self.problems],
            "coverage": {**asdict(self.coverage), "words": self.coverage.words},
            "notes": self.notes,
            "blueprint": self.blueprint,
            "market": self.trades,
            "goals": [report.to_dict() for report in self.goals],
        }
        plain: dict[str, Any] = to_jsonable_python(value)
        return plain

    def to_json(self) -> str:
        """The text of `summary.json`."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    def rows(self) -> list[dict[str, object]]:
        """One flat row a goal, for a table."""
        return [
            {
                "goal": report.goal.declaration,
                "file": report.goal.file,
                "line": report.line,
                "status": report.status.value,
                "strategy": report.prover,
                "seconds": round(report.result.time_seconds, 1) if report.result else 0.0,
                "proof": " ↵ ".join(report.proof.tactics) if report.proof else "",
                "note": report.note,
            }
            for report in self.goals
        ]


def counts(result: Result) -> bool:
    """Whether a result is a trial: unavailable and cancelled attempts are none."""
    return result.outcome not in (Outcome.UNAVAILABLE, Outcome.CANCELLED)


def status_of(verdict: Verdict | None) -> GoalStatus:
    """A goal's status from the gate's verdict on its proof (None: no proof was found)."""
    if verdict is None:
        return GoalStatus.OPEN
    return {
        VerdictStatus.PASSED: GoalStatus.SOLVED,
        VerdictStatus.PARTIAL: GoalStatus.SOLVED,
        VerdictStatus.CONDITIONAL: GoalStatus.CONDITIONAL,
        VerdictStatus.FAILED: GoalStatus.REJECTED,
    }[verdict.status]


def attempts_jsonl(attempts: Iterable[AttemptEntry]) -> str:
    """The content of `attempts.jsonl`: one attempt a line."""
    lines = []
    for attempt in attempts:
        result = attempt.result
        value = {
            "goal": attempt.goal.id,
            "declaration": attempt.goal.declaration,
            "strategy": attempt.strategy,
            "outcome": result.outcome,
            "success": result.success,
            "time_seconds": round(result.time_seconds, 3),
            "tactics": result.tactics,
            "error": result.error,
            "timestamp": attempt.timestamp.isoformat(),
            "metadata": result.details(),
        }
        lines.append(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    return "".join(lines)
