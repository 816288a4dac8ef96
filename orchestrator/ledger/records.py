"""What goes into the ledger and comes out of it. Each field is declared once, here, with its column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import model_validator
from sqlalchemy import Boolean, Integer, String, false

from orchestrator.goals.goal import Goal
from orchestrator.goals.normal_form import goal_hash
from orchestrator.goals.result import GoalStatus, Outcome, Result
from orchestrator.ledger.columns import (
    NOTHING,
    Count,
    Details,
    Digest,
    Hash,
    LongText,
    Number,
    OptionalTime,
    PlainJson,
    PlainText,
    Record,
    RecordedAt,
    RunId,
    Strings,
    Time,
    column,
)


class RunStatus(StrEnum):
    """How far a run got."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


class ProofVerdict(StrEnum):
    """What the gate said of a proof."""

    PASSED = "passed"
    FAILED = "failed"


class RunRecord(Record):
    """One run over one repository. `totals` is what the run says of itself at its end."""

    id: Annotated[str, column(String(64), primary_key=True)]
    repo: LongText = ""
    ref: LongText = ""
    commit: LongText = ""
    profile: Annotated[int, column(Integer, "1")] = 1
    configuration: Details = NOTHING
    started_at: Time
    finished_at: OptionalTime = None
    status: Annotated[RunStatus, column(String(16), "'running'")] = RunStatus.RUNNING
    totals: Details = NOTHING


class SeenGoal(Record):
    """What a `GoalRecord` and its table have in common."""

    repo: Annotated[str, column(PlainText, primary_key=True)] = ""
    commit: LongText = ""
    environment: LongText = ""
    status: Annotated[GoalStatus, column(String(16), "'open'")] = GoalStatus.OPEN
    note: LongText = ""
    source: LongText = ""
    source_line: Count = 1
    first_seen_run: RunId = None
    last_seen_run: RunId = None


class GoalRecord(SeenGoal):
    """A goal as last seen in a repository; (repo, goal.id) names it.

    Attributes:
        environment: digest of everything a proof of it depends on.
        note: why it stands where it does, such as the values for which it is false.
        source, source_line: the text around it in its file, and the number of that text's first line.
        first_seen_run: kept by the ledger from the first time on, whatever is given later.
    """

    goal: Goal

    @property
    def goal_hash(self) -> str:
        """Hash of the goal's normal form."""
        return goal_hash(self.goal.text)

    @property
    def command_text(self) -> str:
        """The lines of its command, as far as `source` has them."""
        if self.goal.command is None:
            return self.source
        lines = self.source.splitlines()
        first, last = self.goal.command.start.line, self.goal.command.end.line
        return "\n".join(lines[max(0, first - self.source_line) : last - self.source_line + 1])


class AttemptRecord(Record):
    """One strategy tried on one goal.

    Attributes:
        success: Lean accepted a proof; whether the gate did is a matter of `ProofRecord`. Filled in from the outcome.
        identity: digest of the goal's terms; "" where no Lean was asked.
        configuration: digest of the strategy's settings.
        environment: digest of everything a proof of the goal depends on.
        budget_seconds: the time it was given; None for no limit.
        details: JSON-serialisable; the column `metadata`.
        timestamp: when it ended, with a time zone; the ledger fills in its own clock.
    """

    goal_text: LongText
    strategy: Annotated[str, column(String(64))]
    outcome: Annotated[Outcome, column(String(16), "'not_proved'")]
    success: Annotated[bool, column(Boolean, false())] = False
    time_seconds: Number = 0.0
    tactics: Strings = ()
    error: LongText = ""
    goal_id: LongText = ""
    repo: LongText = ""
    commit: LongText = ""
    configuration: LongText = ""
    environment: LongText = ""
    budget_seconds: float | None = None
    details: Annotated[Mapping[str, Any], column(PlainJson, "'{}'", name="metadata", validation_alias="metadata")] = (
        NOTHING
    )
    run_id: RunId = None
    timestamp: RecordedAt = None
    goal_hash: Hash = ""
    identity: Digest = ""
    id: Annotated[int | None, column(Integer, primary_key=True)] = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Rows written by hand may say of a proof nothing but its success."""
        outcome = Outcome.PROVED if values.get("success") else Outcome(values["outcome"])
        hashed = values.get("goal_hash") or goal_hash(values["goal_text"])
        return {**values, "outcome": outcome, "success": outcome is Outcome.PROVED, "goal_hash": hashed}

    @classmethod
    def of(cls, goal: Goal, result: Result, *, strategy: str = "", **known: Any) -> AttemptRecord:
        """The record of a result, with what else is known; `strategy` is for results that do not say whose they are."""
        return cls(
            goal_text=goal.text,
            strategy=strategy or str(result.strategy or ""),
            outcome=result.outcome,
            time_seconds=result.time_seconds,
            tactics=result.tactics,
            error=result.error,
            goal_id=goal.id,
            details=result.details() | ({"subgoals": list(result.subgoals)} if result.subgoals else {}),
            identity=goal.digest,
            **known,
        )


class JudgedProof(Record):
    """What a `ProofRecord` and its table have in common."""

    strategy: Digest = ""
    script: LongText
    verdict: Annotated[ProofVerdict, column(String(16))]
    checks: Details = NOTHING
    patch: LongText = ""
    helpers: Annotated[tuple[Mapping[str, Any], ...], column(PlainJson, "'[]'")] = ()
    goal_id: LongText = ""
    repo: LongText = ""
    commit: LongText = ""
    file: LongText = ""
    declaration: LongText = ""
    environment: LongText = ""
    run_id: RunId = None
    timestamp: RecordedAt = None
    goal_hash: Hash = ""
    id: Annotated[int | None, column(Integer, primary_key=True)] = None


class ProofRecord(JudgedProof):
    """A proof that went through the gate.

    Attributes:
        goal_text: what `goal_hash` is filled in from; not kept.
        script: what replaces the sorry.
        checks: the gate's findings by check, JSON-serialisable.
        patch: unified diff of the file ("" when there is none).
        helpers: helper lemmas that it needs (see `orchestrator.source.helper_lemmas`), JSON-serialisable.
        timestamp: when it was found; the ledger fills in its own clock where that is not known.
    """

    goal_text: str = ""

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**values, "goal_hash": values.get("goal_hash") or goal_hash(values.get("goal_text", ""))}


@dataclass(frozen=True, kw_only=True)
class Working:
    """A strategy at work on a goal since `since`."""

    goal_id: str
    declaration: str
    strategy: str
    since: datetime
    timeout: float = 0.0


class ProgressRecord(Record):
    """How far a run has come: in its present stage `done` of `total` pieces of work (0: unknown), `found` proofs."""

    run_id: Annotated[str, column(String(64), foreign_key="runs.id", primary_key=True)]
    stage: LongText = ""
    detail: LongText = ""
    done: Count = 0
    total: Count = 0
    found: Count = 0
    active: Annotated[tuple[Working, ...], column(PlainJson, "'[]'")] = ()
    updated_at: RecordedAt = None


class NodeState(StrEnum):
    """Where a node of a blueprint stands.

    Proved: nothing is left to do. Conditional: it rests on a sorry elsewhere. Ready: stated, and everything it uses is
    proved. Stated: stated, but not everything it uses is proved. Not ready: not stated in Lean yet. Undecided: nobody
    could say.
    """

    PROVED = "proved"
    CONDITIONAL = "conditional"
    READY = "ready"
    STATED = "stated"
    NOT_READY = "not_ready"
    UNDECIDED = "undecided"


class StatementStage(StrEnum):
    """How far a node's statement is, as leanblueprint colours its border: from what is true, whatever is marked.

    Can be stated: all that it uses is. Not ready: the blueprint says that it needs more work.
    """

    MATHLIB = "mathlib"
    STATED = "stated"
    CAN_STATE = "can_state"
    NOT_READY = "not_ready"
    WAITING = "waiting"


class ProofStage(StrEnum):
    """How far a node's proof is, as leanblueprint fills it. Fully proved: so is everything that it uses."""

    FULLY_PROVED = "fully_proved"
    PROVED = "proved"
    DEFINED = "defined"
    CAN_PROVE = "can_prove"
    WAITING = "waiting"


@dataclass(frozen=True, kw_only=True)
class BlueprintNode:
    """A node of a blueprint: what it is called, what it uses, the declarations behind it, and where it stands.

    Attributes:
        statement_uses: those of `uses` that its statement needs; its proof needs the others.
        refuted: declarations of it that have a goal with a counterexample.
        false_marks: parts of it, statement or proof, that are marked though that is not true.
        unblocks: how many unproved nodes wait for it, directly or not.
        note: what a reader should know, such as a declaration that is missing or a mark that is not true.
    """

    key: str
    title: str = ""
    kind: str = ""
    declarations: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    statement_uses: tuple[str, ...] = ()
    state: NodeState = NodeState.UNDECIDED
    statement: StatementStage = StatementStage.WAITING
    proof: ProofStage = ProofStage.WAITING
    refuted: tuple[str, ...] = ()
    false_marks: tuple[str, ...] = ()
    unblocks: int = 0
    note: str = ""


class BlueprintRecord(Record):
    """A repository's blueprint as its last run saw it."""

    repo: Annotated[str, column(PlainText, primary_key=True)]
    commit: LongText = ""
    run_id: RunId = None
    nodes: Annotated[tuple[BlueprintNode, ...], column(PlainJson, "'[]'")] = ()
    updated_at: RecordedAt = None
