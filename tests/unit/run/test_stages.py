"""What one stage of a run says to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from elaborated_facts import fact, sorried

from orchestrator.blueprint.status import DeclarationTruth
from orchestrator.blueprint.sync import update_blueprint
from orchestrator.blueprint.tex.parser import parse
from orchestrator.errors import ImportCycle, NotLeanProject, RepositoryError
from orchestrator.gate.selection import GateReport, Proof
from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus, Outcome, Result, StrategyType
from orchestrator.lean.extraction import Extraction
from orchestrator.ledger.records import NodeState, ProofStage, StatementStage
from orchestrator.run.blueprint import blueprint_facts, blueprint_nodes
from orchestrator.run.outcomes import (
    DATA_NOTE,
    EXAMPLE_NOTE,
    KNOWN_NOTE,
    goal_reports,
    left_alone,
    proofs_of,
)
from orchestrator.source.loading import CYCLE, coverage, importable, nothing_usable
from orchestrator.source.project import FileProblem, Project, SourceModule
from orchestrator.strategies.local_context import definitions_seen
from orchestrator.text import counted

PROVED = Result(True, StrategyType.MICRO, ("intro h", "exact h"))
NO_GATE = GateReport((), {}, {}, {})


def project(**imports: tuple[str, ...]) -> Project:
    """Modules with their imports, in build order."""
    modules = tuple(SourceModule(name, f"{name}.lean", "", others) for name, others in imports.items())
    return Project("p", "/nowhere", modules=modules)


def definition(name: str, **changes: Any) -> Any:
    """A definition's fingerprint."""
    return fact(name, kind="def", **changes)


def test_a_goal_sees_the_definitions_of_its_file_and_of_what_it_imports_nearest_first() -> None:
    declarations = {
        "A": {one.name: one for one in (definition("A.far"), fact("A.lemma"))},
        "B": {one.name: one for one in (definition("B.near"),)},
        "C": {one.name: one for one in (definition("C.elsewhere"),)},
    }
    seen = definitions_seen(project(A=(), B=("A",), C=()), Extraction(declarations=declarations))
    assert seen(Goal("g", "⊢ p", module="B")) == ("B.near", "A.far")
    assert seen(Goal("g", "⊢ p", module="A")) == ("A.far",)
    assert seen(Goal("g", "⊢ p")) == ()
    assert seen(Goal("g", "⊢ p", module="Unknown")) == ()


@pytest.mark.parametrize(
    "name", ["T.recOn", "T.casesOn", "T.noConfusion", "T.brecOn.go", "f.match_1", "instAddT", "termFoo", "T.ctorIdx"]
)
def test_what_lean_made_is_not_for_unfolding(name: str) -> None:
    parser = {"type": "c Lean.ParserDescr\n= 0"} if name == "termFoo" else {}
    declarations = {
        "A": {
            "T": fact("T", kind="inductive"),
            name: definition(name, **parser),
            "f": definition("f"),
            "f.go": definition("f.go"),
            "f._x": definition("f._x", auxiliary=True),
        }
    }
    seen = definitions_seen(project(A=()), Extraction(declarations=declarations))
    assert seen(Goal("g", "⊢ p", module="A")) == ("f", "f.go")


@pytest.mark.parametrize(
    ("goal", "note"),
    [
        (Goal("g", "⊢ p", declaration="t"), ""),
        (Goal("g", "⊢ Nat", declaration="d", is_prop=False), DATA_NOTE),
        (Goal("g", "⊢ p", declaration="_example"), EXAMPLE_NOTE),
        (Goal("g", "⊢ p", declaration="N._example"), EXAMPLE_NOTE),
        (Goal("g", "⊢ p", declaration="my_example"), ""),
    ],
)
def test_some_goals_are_left_alone_with_a_reason(goal: Goal, note: str) -> None:
    assert left_alone(goal) == note


def test_proofs_come_in_the_order_of_the_goals() -> None:
    goals = [Goal(name, "⊢ p") for name in "abc"]
    results = {"c": PROVED, "a": PROVED, "b": Result(False, StrategyType.MICRO), "z": PROVED}
    assert proofs_of(goals, results) == (Proof(goals[0], "intro h\nexact h"), Proof(goals[2], "intro h\nexact h"))


def report_on(
    result: Result | None, verdict: Verdict | None = None, goal: Goal | None = None
) -> tuple[GoalStatus, str]:
    """Status and note of one goal."""
    goal = goal or Goal("g", "⊢ p", declaration="t")
    gate = GateReport((), {"g": verdict} if verdict else {}, {}, {})
    (report,) = goal_reports([goal], {"g": result} if result else {}, gate)
    assert report.goal is goal
    return report.status, report.note


def test_a_proof_that_could_not_be_judged_awaits_the_gate_and_says_why() -> None:
    goal = Goal("g", "⊢ p", declaration="t")
    (report,) = goal_reports([goal], {"g": PROVED}, replace(NO_GATE, not_judged={"g": "Lean broke on it"}))
    assert (report.status, report.note) == (GoalStatus.FOUND, "Lean broke on it")


def verdict_of(status: VerdictStatus) -> Verdict:
    """A verdict, with a check that failed if it did."""
    return Verdict("t", "A.lean", status, (Check(CheckName.AXIOMS, status is not VerdictStatus.FAILED, "bad"),))


def failing(outcome: Outcome, error: str = "") -> Result:
    """An attempt that failed."""
    attempt = Result(False, StrategyType.MICRO, outcome=outcome, error=error)
    return replace(attempt, attempts=(attempt,))


@pytest.mark.parametrize(
    ("result", "verdict", "status", "note"),
    [
        (None, None, GoalStatus.NOT_TRIED, ""),
        (Result(False, outcome=Outcome.TIMEOUT), None, GoalStatus.NOT_TRIED, "not reached: the time was up"),
        (
            Result(False, outcome=Outcome.CANCELLED),
            None,
            GoalStatus.NOT_TRIED,
            "not reached: the run was stopped",
        ),
        (PROVED, verdict_of(VerdictStatus.PASSED), GoalStatus.SOLVED, ""),
        (PROVED, verdict_of(VerdictStatus.PARTIAL), GoalStatus.SOLVED, ""),
        (PROVED, verdict_of(VerdictStatus.CONDITIONAL), GoalStatus.CONDITIONAL, ""),
        (
            PROVED,
            verdict_of(VerdictStatus.FAILED),
            GoalStatus.REJECTED,
            "question 4, not so: only allowed axioms below it (bad)",
        ),
        (
            Result(True, known=True),
            verdict_of(VerdictStatus.PASSED),
            GoalStatus.SOLVED,
            KNOWN_NOTE,
        ),
        (failing(Outcome.NOT_PROVED), None, GoalStatus.OPEN, "not proved"),
        (failing(Outcome.TIMEOUT), None, GoalStatus.OPEN, "out of time"),
        (failing(Outcome.CANCELLED), None, GoalStatus.OPEN, "not tried to the end: the run was stopped"),
        (failing(Outcome.ERROR, "a bug"), None, GoalStatus.OPEN, "a bug"),
        (failing(Outcome.NOT_PROVED, "seen before"), None, GoalStatus.OPEN, "seen before"),
        (failing(Outcome.UNAVAILABLE, "copilot: no project"), None, GoalStatus.OPEN, "copilot: no project"),
        (failing(Outcome.UNAVAILABLE), None, GoalStatus.OPEN, "unavailable"),
    ],
)
def test_where_a_goal_stands(result: Result | None, verdict: Verdict | None, status: GoalStatus, note: str) -> None:
    assert report_on(result, verdict) == (status, note)


def test_a_goal_that_was_left_alone_is_skipped_with_the_reason() -> None:
    data = Goal("g", "⊢ Nat", declaration="d", is_prop=False)
    assert report_on(failing(Outcome.NOT_PROVED), goal=data) == (GoalStatus.SKIPPED, DATA_NOTE)


def test_every_goal_has_a_report_in_order() -> None:
    goals = [Goal(name, "⊢ p") for name in "cab"]
    assert [report.goal.id for report in goal_reports(goals, {}, NO_GATE)] == ["c", "a", "b"]


def test_files_that_import_what_is_not_there_are_left_out() -> None:
    whole = project(A=("Std.Data",), B=("Mathlib.Order", "Aesop"), C=("B",), D=("A", "Init"))
    left = importable(whole, {"Std", "Init"})
    assert [module.name for module in left.modules] == ["A", "D"]
    assert [problem.path for problem in left.problems] == ["B.lean", "C.lean"]
    assert all("Aesop, Mathlib.Order" in problem.message for problem in left.problems)
    assert "only Init, Std" in left.problems[0].message


def test_how_much_is_worked_on_is_said_with_the_sorries_that_are_not() -> None:
    assert coverage(project(A=())).words == ""
    whole = project(A=(), B=("Mathlib.Order",), C=("B",))
    whole = whole.with_texts({"B.lean": "theorem b : 1 = 1 := by sorry\n"})
    left = coverage(importable(whole, {"Std"}))
    assert left.words == "1 of 3 files worked on; 1 sorry in the others: they import Mathlib"
    assert coverage(project(A=(), B=()), [FileProblem("B.lean", "1: bad")]).words == (
        "1 of 2 files worked on; no sorry in the others"
    )


def test_no_file_left_is_an_error_that_says_why() -> None:
    with pytest.raises(RepositoryError, match=r"B\.lean: imports Mathlib, which Lean does not have here"):
        importable(project(B=("Mathlib",)), {"Std"})
    whole = project(B=("Mathlib",)).with_texts({"B.lean": "theorem b : 1 = 1 := by sorry\n"})
    with pytest.raises(RepositoryError, match="0 of 1 file worked on; 1 sorry in the others: they import Mathlib"):
        importable(whole, {"Std"})


def test_the_first_problems_are_shown_and_a_cycle_is_called_one() -> None:
    several = [FileProblem(f"{n}.lean", "odd") for n in range(7)]
    error = nothing_usable(project(), several)
    assert type(error) is RepositoryError
    assert "4.lean: odd; and 2 more" in str(error)
    assert isinstance(nothing_usable(project(), [FileProblem("A.lean", f"{CYCLE}: A, B")]), ImportCycle)
    assert isinstance(nothing_usable(project(), []), NotLeanProject)


@pytest.mark.parametrize(("number", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_numbers_in_words(number: int, words: str) -> None:
    assert counted(number, "file") == words


def test_what_the_blueprint_is_told() -> None:
    declarations: Mapping[str, Any] = {
        "A": {
            "_private.A.0.lemma": sorried("_private.A.0.lemma", type_has_sorry=True),
            "d": definition("d"),
            "d._proof_1": sorried("d._proof_1", auxiliary=True),
        },
        "B": {"t": fact("t", axioms=("sorryAx", "propext"), has_sorry=True, uses=("_private.A.0.lemma",))},
    }
    assert blueprint_facts(declarations) == {
        "d": DeclarationTruth(exists=True, is_data=True),
        "t": DeclarationTruth(exists=True, axioms=("sorryAx", "propext"), sorry_free=False, rests_on=("lemma",)),
    }


def test_a_node_with_a_counterexample_is_recorded_as_stated_and_not_as_ready() -> None:
    blueprint = parse({"web.tex": r"\begin{lemma}\label{l}\lean{t}\leanok\end{lemma}"}.get, "web.tex")
    open_one = DeclarationTruth(exists=True, axioms=("sorryAx",), sorry_free=False, body_has_sorry=True)
    update = update_blueprint(blueprint, {"t": open_one})
    assert [node.state for node in blueprint_nodes(update)] == [NodeState.READY]
    (node,) = blueprint_nodes(update, {"t"})
    assert (node.state, node.note) == (NodeState.STATED, "counterexample to a goal of t")
    assert (node.statement, node.proof, node.refuted) == (StatementStage.STATED, ProofStage.CAN_PROVE, ("t",))


def test_nodes_have_the_colours_of_leanblueprint() -> None:
    source = r"""
\begin{definition}\label{d}\lean{d}\leanok\end{definition}
\begin{lemma}\label{a}\lean{a}\uses{d}\end{lemma}\begin{proof}\uses{d}\leanok\end{proof}
\begin{lemma}\label{b}\lean{b}\end{lemma}\begin{proof}\uses{a}\end{proof}
\begin{lemma}\label{c}\lean{c}\end{lemma}\begin{proof}\uses{b}\end{proof}
\begin{lemma}\label{e}\uses{c}\end{lemma}
\begin{lemma}\label{f}\uses{e}\end{lemma}
\begin{lemma}\label{g}\notready\end{lemma}
\begin{lemma}\label{m}\mathlibok\end{lemma}
"""
    proved = DeclarationTruth(exists=True)
    open_one = DeclarationTruth(exists=True, axioms=("sorryAx",), sorry_free=False, body_has_sorry=True)
    blueprint = parse({"web.tex": source}.get, "web.tex")
    facts = {"d": DeclarationTruth(exists=True, is_data=True), "a": open_one, "b": open_one, "c": proved}
    nodes = {node.key: node for node in blueprint_nodes(update_blueprint(blueprint, facts))}
    assert {key: (node.statement.value, node.proof.value) for key, node in nodes.items()} == {
        "d": ("stated", "fully_proved"),
        "a": ("stated", "can_prove"),
        "b": ("stated", "can_prove"),
        "c": ("stated", "proved"),
        "e": ("can_state", "waiting"),
        "f": ("waiting", "waiting"),
        "g": ("not_ready", "waiting"),
        "m": ("mathlib", "fully_proved"),
    }
    assert (nodes["a"].statement_uses, nodes["b"].statement_uses) == (("d",), ())
    assert nodes["a"].false_marks == ("proof",)
