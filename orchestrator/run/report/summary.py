"""The result of a run as plain data: `summary.json`, `attempts.jsonl` and `report.md`. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.blueprint.sync import Mark
from orchestrator.gate.verdict import Verdict, VerdictStatus
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus, Outcome, Result, StrategyType
from orchestrator.marketplace.trade import Trade
from orchestrator.source.helper_lemmas import helpers_of
from orchestrator.source.project import FileProblem
from orchestrator.text import harmless

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run as people and programs read it.

    Attributes:
        run_id: the run in the ledger.
        repo, ref, commit: what was worked on.
        started: when, UTC.
        wall_seconds: how long.
        goals: one report a goal, in the order of files.
        attempts: every attempt made.
        config: the settings that matter, as in the results format of the benchmark runner.
        problems: files left out, and why.
        notes: what a reader should know.
        blueprint: marks changed.
        lean: which Lean it ran on.
        trades: lemmas that were asked for, and what became of them.
        stopped: why the run ended early ("" when it did not).
        lean_servers: Lean servers at work side by side.
        lean_seconds: wall time in which servers were starting or answering, summed over servers.
        lean_processes: servers started.
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
    lean: str = ""
    stopped: str = ""
    trades: Sequence[Trade] = ()
    lean_servers: int = 0
    lean_seconds: float = 0.0
    lean_processes: int = 0
    strategies: Mapping[StrategyType, tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        used = Counter(attempt.strategy for attempt in self.attempts if counts(attempt.result))
        succeeded = Counter(attempt.strategy for attempt in self.attempts if attempt.result.success)
        found = {strategy: (used[strategy], succeeded[strategy]) for strategy in StrategyType if used[strategy]}
        object.__setattr__(self, "strategies", found)

    def count(self, status: GoalStatus) -> int:
        """How many goals have this status."""
        return sum(1 for report in self.goals if report.status is status)

    @property
    def processed(self) -> int:
        """Goals that at least one attempt was made on, or that were solved without one."""
        tried = {attempt.goal.id for attempt in self.attempts}
        return sum(1 for r in self.goals if r.goal.id in tried or r.status is GoalStatus.SOLVED)


def counts(result: Result) -> bool:
    """Whether a result is a trial: unavailable and cancelled attempts are none."""
    return result.outcome not in (Outcome.UNAVAILABLE, Outcome.CANCELLED)


def prover_of(result: Result | None) -> str:
    """Who proved a goal: a strategy, or the marketplace; "" when nobody answered."""
    if result is None:
        return ""
    if result.strategy is not None:
        return result.strategy.value
    return "market" if result.metadata.get("helpers") else ""


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


def to_json(summary: Summary) -> str:
    """The text of `summary.json`."""
    return json.dumps(to_dict(summary), ensure_ascii=False, indent=2) + "\n"


def to_dict(summary: Summary) -> dict[str, object]:
    """The content of `summary.json`."""
    return {
        "timestamp": summary.started.strftime(TIMESTAMP_FORMAT),
        "run_id": summary.run_id,
        "repo": summary.repo,
        "ref": summary.ref,
        "commit": summary.commit,
        "lean": summary.lean,
        "goals_total": len(summary.goals),
        "goals_processed": summary.processed,
        "goals_solved": summary.count(GoalStatus.SOLVED),
        "goals_conditional": summary.count(GoalStatus.CONDITIONAL),
        "wall_seconds": round(summary.wall_seconds, 3),
        "lean_servers": summary.lean_servers,
        "lean_seconds": round(summary.lean_seconds, 3),
        "lean_processes": summary.lean_processes,
        "stopped": summary.stopped,
        "strategies": {
            strategy.value: {"used": used, "succeeded": succeeded}
            for strategy, (used, succeeded) in summary.strategies.items()
        },
        "config": dict(summary.config),
        "problems": [{"file": problem.path, "message": problem.message} for problem in summary.problems],
        "notes": list(summary.notes),
        "blueprint": [
            {"label": c.label, "file": c.file, "line": c.line, "part": c.part, "change": c.change}
            for c in summary.blueprint
        ],
        "market": [_trade_json(trade) for trade in summary.trades],
        "goals": [_goal_json(report) for report in summary.goals],
    }


def goal_rows(summary: Summary) -> list[dict[str, object]]:
    """One flat row a goal, for a table."""
    return [
        {
            "goal": report.goal.declaration,
            "file": report.goal.file,
            "line": report.goal.span.start.line if report.goal.span else 0,
            "status": report.status.value,
            "strategy": prover_of(report.result),
            "seconds": round(report.result.time_seconds, 1) if report.result else 0.0,
            "proof": " ↵ ".join(report.result.tactics) if report.result and report.result.success else "",
            "note": report.note,
        }
        for report in summary.goals
    ]


def attempts_jsonl(attempts: Iterable[AttemptEntry]) -> str:
    """The content of `attempts.jsonl`: one attempt a line."""
    lines = []
    for attempt in attempts:
        result = attempt.result
        lines.append(
            json.dumps(
                {
                    "goal": attempt.goal.id,
                    "declaration": attempt.goal.declaration,
                    "strategy": attempt.strategy.value,
                    "outcome": result.outcome.value,
                    "success": result.success,
                    "time_seconds": round(result.time_seconds, 3),
                    "tactics": list(result.tactics),
                    "error": result.error,
                    "timestamp": attempt.timestamp.isoformat(),
                    "metadata": dict(result.metadata),
                },
                ensure_ascii=False,
                default=str,
            )
        )
    return "".join(line + "\n" for line in lines)


def to_markdown(summary: Summary, *, plots: Sequence[str] = ()) -> str:
    """The content of `report.md`, also used as the flow's artifact; `plots` are files beside it."""
    solved, total = summary.count(GoalStatus.SOLVED), len(summary.goals)
    conditional = summary.count(GoalStatus.CONDITIONAL)
    head = [
        f"# {_cell(summary.repo)} at `{summary.commit[:12]}`",
        "",
        f"**{solved} of {total}** sorries closed and verified"
        + (f", {conditional} more conditional on another sorry" if conditional else "")
        + f", in {summary.wall_seconds:.0f} s on {_cell(summary.lean)}.",
    ]
    if summary.stopped:
        head += ["", f"The run ended early: {_cell(summary.stopped)}."]
    parts = [
        *head,
        *(f"\n![{name.partition('.')[0]}]({name})" for name in plots),
        *_goal_table(summary),
        *_market_list(summary),
        *_strategy_table(summary),
        *_conditional_list(summary),
        *_blueprint_list(summary),
        *_list("Files left out", (f"`{p.path}`: {_cell(p.message)}" for p in summary.problems)),
        *_list("Notes", (_cell(note) for note in summary.notes)),
    ]
    return "\n".join(parts) + "\n"


def _goal_json(report: GoalReport) -> dict[str, object]:
    goal, result, verdict = report.goal, report.result, report.verdict
    helpers = helpers_of(result.metadata) if result else ()
    return {
        "id": goal.id,
        "file": goal.file,
        "line": goal.span.start.line if goal.span else 0,
        "declaration": goal.declaration,
        "kind": goal.kind.value,
        "status": report.status.value,
        "strategy": prover_of(result) or None,
        "tactics": list(result.tactics) if result else [],
        **({"helpers": [helper.name for helper in helpers]} if helpers else {}),
        "time_seconds": round(result.time_seconds, 3) if result else 0.0,
        "goal": goal.text,
        "note": report.note,
        "verdict": None
        if verdict is None
        else {
            "status": verdict.status.value,
            "axioms": list(verdict.axioms),
            "rests_on": list(verdict.rests_on),
            "reason": verdict.reason,
            "checks": [{"check": c.name.value, "passed": c.passed, "detail": c.detail} for c in verdict.checks],
            "not_checked": list(verdict.not_checked),
            "warnings": list(verdict.warnings),
        },
    }


def _goal_table(summary: Summary) -> list[str]:
    rows = ["", "## Goals", "", "| Goal | Where | Status | Strategy | Time | Proof |", "|---|---|---|---|---:|---|"]
    for report in summary.goals:
        goal, result = report.goal, report.result
        line = goal.span.start.line if goal.span else 0
        strategy = prover_of(result) if result and result.success else ""
        seconds = f"{result.time_seconds:.1f} s" if result and result.success else ""
        script = " ↵ ".join(result.tactics) if result and result.success else report.note
        rows.append(
            f"| {_code(goal.declaration)} | {_cell(goal.file)}:{line} | {report.status.value.replace('_', ' ')} "
            f"| {strategy} | {seconds} | {_code(script) if result and result.success else _cell(script)} |"
        )
    return rows


def _strategy_table(summary: Summary) -> list[str]:
    rows = ["", "## Strategies", "", "| Strategy | Tried | Succeeded |", "|---|---:|---:|"]
    rows += [f"| {strategy.value} | {used} | {won} |" for strategy, (used, won) in summary.strategies.items()]
    return rows if summary.strategies else []


def _market_list(summary: Summary) -> list[str]:
    """The chain of every lemma that was used, and how many others there are of which kind."""
    used = [
        f"{', '.join(map(_code, trade.used_by))} missed {_code(trade.lemma + ' ' + trade.statement)}; "
        f"asked for as ticket `{trade.ticket_id}`, supplied by {_cell(trade.supplier)}, used"
        for trade in summary.trades
        if trade.used_by
    ]
    others = Counter(trade.status.value for trade in summary.trades if not trade.used_by)
    rest = [f"{number} more {status}" for status, number in sorted(others.items())]
    return _list("Lemma marketplace", [*used, *rest])


def _trade_json(trade: Trade) -> dict[str, object]:
    return {
        "ticket": trade.ticket_id,
        "lemma": trade.lemma,
        "statement": trade.statement,
        "status": trade.status.value,
        "asked_by": list(trade.asked_by),
        "supplier": trade.supplier,
        "used_by": list(trade.used_by),
        "reason": trade.reason,
    }


def _conditional_list(summary: Summary) -> list[str]:
    items = (
        f"{_code(r.goal.declaration)} rests on {', '.join(_code(name) for name in r.verdict.rests_on)}"
        for r in summary.goals
        if r.verdict is not None and r.status is GoalStatus.CONDITIONAL
    )
    return _list("Conditional", items)


def _blueprint_list(summary: Summary) -> list[str]:
    items = (f"`\\leanok` {c.change} ({c.part} of {_code(c.label)}, {c.file}:{c.line})" for c in summary.blueprint)
    return _list("Blueprint", items)


def _list(title: str, items: Iterable[str]) -> list[str]:
    found = [f"- {item}" for item in items]
    return ["", f"## {title}", "", *found] if found else []


def _cell(text: str) -> str:
    """Text that cannot break out of a table cell or turn into markup."""
    plain = " ".join(harmless(text).split())
    for character in "\\`*_{}[]<>|#":
        plain = plain.replace(character, "\\" + character) if character != "<" else plain.replace("<", "&lt;")
    return plain


def _code(text: str) -> str:
    plain = " ".join(harmless(text).split()).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    space = " " if len(fence) > 1 else ""
    return f"{fence}{space}{plain}{space}{fence}" if plain else ""
