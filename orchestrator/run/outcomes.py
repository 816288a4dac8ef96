"""Between the stages of a run: what one stage's values say to the next. Nothing here does I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.gate.selection import GateReport, Proof
from orchestrator.goals.goal import Goal, SorryKind
from orchestrator.goals.result import GoalStatus, Outcome, Result
from orchestrator.run.report.summary import GoalReport, status_of

EXAMPLE_NOTE = "an `example` leaves nothing behind that a proof could be checked in"
DATA_NOTE = "asks for data, which is never invented"
MACRO_NOTE = "a macro, a notation or a default tactic used here makes the sorry, so that nothing can be filled in"
KNOWN_NOTE = "known from an earlier run, and verified again"
_NOTES = {
    Outcome.TIMEOUT: "out of time",
    Outcome.CANCELLED: "not tried to the end: the run was stopped",
}
_NOT_TRIED = {
    Outcome.TIMEOUT: "not reached: the time was up",
    Outcome.CANCELLED: "not reached: the run was stopped",
}


def left_alone(goal: Goal) -> str:
    """Why a goal is not worked on, "" when it is."""
    if goal.kind is SorryKind.MACRO:
        return MACRO_NOTE
    if not goal.is_prop:
        return DATA_NOTE
    return EXAMPLE_NOTE if goal.declaration.rpartition(".")[2] == "_example" else ""


def proofs_of(goals: Sequence[Goal], results: Mapping[str, Result]) -> tuple[Proof, ...]:
    """The proofs that strategies found, in the order of the goals."""
    found = ((goal, results.get(goal.id)) for goal in goals)
    return tuple(Proof(goal, "\n".join(r.tactics), r.helpers) for goal, r in found if r is not None and r.success)


def turned_down(goals: Sequence[Goal], results: Mapping[str, Result], gate: GateReport) -> tuple[Goal, ...]:
    """Goals whose proofs the gate turned down."""
    return tuple(
        goal
        for goal in goals
        if goal.id in results
        and results[goal.id].success
        and (verdict := gate.verdicts.get(goal.id)) is not None
        and not verdict.accepted
    )


def goal_reports(
    goals: Sequence[Goal],
    results: Mapping[str, Result],
    gate: GateReport,
    *,
    left: Mapping[str, str] | None = None,
    false: Mapping[str, str] | None = None,
) -> tuple[GoalReport, ...]:
    """Where every goal stands after the gate.

    Args:
        results: by goal id.
        left: why goals are left alone, by id, beside those that never are worked on.
        false: values for which goals are false, by id.
    """
    reports = []
    for goal in goals:
        result, verdict = results.get(goal.id), gate.verdicts.get(goal.id)
        note = left_alone(goal) or (left or {}).get(goal.id, "")
        if false and goal.id in false:
            reports.append(GoalReport(goal, GoalStatus.LOOKS_FALSE, note=f"false for {false[goal.id]}"))
            continue
        if note:
            reports.append(GoalReport(goal, GoalStatus.SKIPPED, note=note))
            continue
        if verdict is None and (result is None or result.untried):
            note = _NOT_TRIED.get(result.outcome, "") if result else ""
            reports.append(GoalReport(goal, GoalStatus.NOT_TRIED, result, note=note))
            continue
        if goal.id in gate.not_judged:
            reports.append(GoalReport(goal, GoalStatus.FOUND, result, note=gate.not_judged[goal.id]))
            continue
        status = status_of(verdict)
        note = _note_on(result) if verdict is None or status is GoalStatus.SOLVED else verdict.conclusion
        reports.append(GoalReport(goal, status, result, verdict, note))
    return tuple(reports)


def _note_on(result: Result | None) -> str:
    if result is None:
        return ""
    if result.success:
        return KNOWN_NOTE if result.known else ""
    return _NOTES.get(result.outcome, result.error)
