"""Between the stages of a run: what one stage's values say to the next. Nothing here does I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

from orchestrator.blueprint.status import DeclarationTruth
from orchestrator.blueprint.update import BlueprintUpdate
from orchestrator.goal import Goal
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.protocol import Fingerprint
from orchestrator.repo.checkout import Checkout
from orchestrator.result import GoalStatus, Result
from orchestrator.run_ledger import RunLedger
from orchestrator.selection import GateReport, Proof
from orchestrator.source import Project
from orchestrator.summary import GoalReport, Summary, status_of, to_dict
from orchestrator.verdict import is_generated, sorried_below

_NOT_FOR_UNFOLDING = re.compile(
    r"(recOn|casesOn|below|brecOn|binductionOn|ibelow|noConfusion|noConfusionType|ctorElim|ctorElimType|go|eq|inst.*|term.*)"
)
EXAMPLE_NOTE = "an `example` leaves nothing behind that a proof could be checked in"
DATA_NOTE = "asks for data, which is never invented"


def definitions_seen(project: Project, extraction: Extraction) -> Callable[[Goal], tuple[str, ...]]:
    """A function from a goal to the full names of the project's definitions that its file sees."""

    @cache
    def of_module(name: str) -> tuple[str, ...]:
        modules = [*(module.name for module in project.closure(name)), name]
        return tuple(
            fingerprint.user_name
            for module in reversed(modules)
            for fingerprint in extraction.declarations.get(module, {}).values()
            if fingerprint.kind == "def" and not fingerprint.auxiliary and _worth_unfolding(fingerprint.user_name)
        )

    return lambda goal: of_module(goal.module) if goal.module in project.by_name else ()


def _worth_unfolding(name: str) -> bool:
    last = name.rpartition(".")[2]
    return not is_generated(name) and _NOT_FOR_UNFOLDING.fullmatch(last) is None


def left_alone(goal: Goal) -> str:
    """Why a goal is not worked on, "" when it is."""
    if not goal.is_prop:
        return DATA_NOTE
    return EXAMPLE_NOTE if goal.declaration.rpartition(".")[2] == "_example" else ""


def proofs_of(goals: Sequence[Goal], results: Mapping[str, Result]) -> tuple[Proof, ...]:
    """The proofs that strategies found, in the order of the goals."""
    found = ((goal, results.get(goal.id)) for goal in goals)
    return tuple(Proof(goal, "\n".join(r.tactics)) for goal, r in found if r is not None and r.success)


def goal_reports(goals: Sequence[Goal], results: Mapping[str, Result], gate: GateReport) -> tuple[GoalReport, ...]:
    """Where every goal stands after the gate."""
    reports = []
    for goal in goals:
        result, verdict = results.get(goal.id), gate.verdicts.get(goal.id)
        note = left_alone(goal)
        if note:
            reports.append(GoalReport(goal, GoalStatus.SKIPPED, note=note))
            continue
        if verdict is not None and not verdict.accepted:
            note = verdict.reason
        elif result is not None and not result.success:
            note = result.error
        reports.append(GoalReport(goal, status_of(verdict), result, verdict, note))
    return tuple(reports)


def blueprint_facts(declarations: Mapping[str, Mapping[str, Fingerprint]]) -> dict[str, DeclarationTruth]:
    """What Lean says of each declaration of the project, by the name a user writes."""
    everything = {name: fact for module in declarations.values() for name, fact in module.items()}
    return {
        fact.user_name: DeclarationTruth(
            exists=True,
            statement_has_sorry=fact.type_has_sorry,
            axioms=fact.axioms,
            sorry_free=not fact.has_sorry,
            rests_on=sorried_below(name, everything) if fact.has_sorry else (),
            is_data=fact.kind not in ("theorem", "axiom"),
            body_has_sorry=fact.own_sorry,
        )
        for name, fact in everything.items()
        if not fact.auxiliary
    }


def summarise(
    checkout: Checkout,
    project: Project,
    extraction: Extraction,
    reports: Sequence[GoalReport],
    update: BlueprintUpdate,
    ledger: RunLedger,
    started: datetime,
    config: Mapping[str, object],
    lean: str,
) -> Summary:
    """The summary of a run, noted in its ledger, too."""
    notes = [*extraction.notes, *update.problems]
    if checkout.dirty:
        notes.append("the folder has changes that are not committed; they were not looked at")
    summary = Summary(
        run_id=ledger.run_id,
        repo=checkout.source,
        ref=checkout.ref,
        commit=checkout.commit,
        started=started,
        wall_seconds=(datetime.now(UTC) - started).total_seconds(),
        goals=reports,
        attempts=tuple(ledger.made),
        config=config,
        problems=(*project.problems, *extraction.problems),
        notes=notes,
        blueprint=update.marks,
        lean=lean,
        stopped=ledger.stopped,
    )
    counted = to_dict(summary)
    ledger.totals = {key: counted[key] for key in ("goals_total", "goals_processed", "goals_solved")}
    return summary
