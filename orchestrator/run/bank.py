"""Results of a run over a bank of goals, in the project description's format with a row for each goal. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.source.project import Project, SourceModule

TIMESTAMP_FORMAT = "%Y%m%d-%H%M%S"


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One goal to be run: its id, its Lean text with `sorry` as the proof, what it imports, and what is known of it."""

    id: str
    text: str
    imports: tuple[str, ...] = ()
    difficulty: float = 0.5
    tags: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The module it becomes: `nat-017` gives `Bank_nat_017`."""
        return "Bank_" + self.id.replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class BankRun:
    """What a run came to.

    Attributes:
        started: when, UTC.
        results: by goal id.
        attempts: strategy and result of each attempt, by goal id.
        machine, commit, lean: where, with which version of this program, with which Lean.
    """

    started: datetime
    wall_seconds: float
    entries: Sequence[BankEntry]
    results: Mapping[str, Result]
    attempts: Mapping[str, Sequence[tuple[StrategyType, Result]]]
    config: Mapping[str, object]
    machine: Mapping[str, object] = field(default_factory=dict)
    commit: str = ""
    lean: str = ""


def bank_project(entries: Sequence[BankEntry]) -> Project:
    """A project with one module for each goal."""
    modules = tuple(SourceModule(e.module, f"{e.module}.lean", e.text, e.imports) for e in entries)
    return Project("bank", ".", modules=modules)


def goals_for(entries: Sequence[BankEntry], extracted: Sequence[Goal]) -> tuple[Goal, ...]:
    """The goals under the bank's own ids and difficulties, in its order; entries that gave none are left out."""
    by_module = {goal.module: goal for goal in extracted}
    return tuple(
        replace(by_module[entry.module], id=entry.id, estimated_difficulty=entry.difficulty)
        for entry in entries
        if entry.module in by_module
    )


def goals_without_lean(entries: Sequence[BankEntry]) -> tuple[Goal, ...]:
    """Goals as text alone gives them: enough for workers that prove nothing."""
    return tuple(
        Goal(id=e.id, text=e.text, estimated_difficulty=e.difficulty, module=e.module, file=f"{e.module}.lean")
        for e in entries
    )


def is_proof(result: Result) -> bool:
    """Whether a result is a proof; a stub worker's success is none."""
    return result.success and not result.metadata.get("stub", False)


def results_file(results: Mapping[str, object]) -> str:
    """The name of the file that results go into."""
    return f"bank-{results['timestamp']}.json"


def results_json(run: BankRun) -> dict[str, object]:
    """The content of `bank-YYYYMMDD-HHMMSS.json`."""
    used: Counter[StrategyType] = Counter()
    succeeded: Counter[StrategyType] = Counter()
    for made in run.attempts.values():
        for strategy, result in made:
            if result.outcome not in (Outcome.UNAVAILABLE, Outcome.CANCELLED):
                used[strategy] += 1
                succeeded[strategy] += is_proof(result)
    tried = {identity for identity, made in run.attempts.items() if made}
    return {
        "timestamp": run.started.strftime(TIMESTAMP_FORMAT),
        "goals_total": len(run.entries),
        "goals_processed": len(tried),
        "goals_solved": sum(is_proof(result) for result in run.results.values()),
        "strategies": {s.value: {"used": used[s], "succeeded": succeeded[s]} for s in StrategyType if used[s]},
        "config": dict(run.config),
        "wall_seconds": round(run.wall_seconds, 3),
        "machine": dict(run.machine),
        "commit": run.commit,
        "lean": run.lean,
        "goals": [_row(entry, run) for entry in run.entries],
    }


def _row(entry: BankEntry, run: BankRun) -> dict[str, object]:
    result = run.results.get(entry.id)
    made = run.attempts.get(entry.id, ())
    solved = result is not None and is_proof(result)
    return {
        "id": entry.id,
        "difficulty": entry.difficulty,
        "tags": list(entry.tags),
        "solved": solved,
        "strategy": result.strategy.value if result and solved and result.strategy else "",
        "seconds": round(sum(r.time_seconds for _, r in made), 3),
        "attempts": len(made),
        "outcome": result.outcome.value if result and (solved or not result.success) else Outcome.NOT_PROVED.value,
        "proof": "\n".join(result.tactics) if result and solved else "",
    }
