"""What goes into the ledger and comes out of it: plain values, no rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from orchestrator.goals.goal import Goal
from orchestrator.goals.normal_form import goal_hash
from orchestrator.goals.result import GoalStatus, Outcome, Result

_NOTHING: Mapping[str, Any] = MappingProxyType({})


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


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run over one repository. `totals` is what the run says of itself at its end."""

    id: str
    repo: str = ""
    ref: str = ""
    commit: str = ""
    profile: int = 1
    configuration: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    started_at: datetime
    finished_at: datetime | None = None
    status: RunStatus = RunStatus.RUNNING
    totals: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, kw_only=True)
class GoalRecord:
    """A goal as last seen in a repository; (repo, goal.id) names it.

    Attributes:
        environment: digest of everything a proof of it depends on.
        source, source_line: the text around it in its file, and the number of that text's first line.
        first_seen_run: kept by the ledger from the first time on, whatever is given later.
    """

    goal: Goal
    repo: str = ""
    commit: str = ""
    environment: str = ""
    status: GoalStatus = GoalStatus.OPEN
    source: str = ""
    source_line: int = 1
    first_seen_run: str | None = None
    last_seen_run: str | None = None

    @property
    def goal_hash(self) -> str:
        """Hash of the goal's normal form."""
        return goal_hash(self.goal.text)


@dataclass(frozen=True, kw_only=True)
class AttemptRecord:
    """One strategy tried on one goal.

    Attributes:
        goal_hash: filled in from the text.
        identity: digest of the goal's terms; "" where no Lean was asked.
        configuration: digest of the strategy's settings.
        environment: digest of everything a proof of the goal depends on.
        budget_seconds: the time it was given; None for no limit.
        metadata: JSON-serialisable details.
        timestamp: when it ended, with a time zone; the ledger fills in its own clock.
        id: given by the ledger.
    """

    goal_text: str
    strategy: str
    outcome: Outcome
    time_seconds: float = 0.0
    tactics: tuple[str, ...] = ()
    error: str = ""
    goal_id: str = ""
    repo: str = ""
    commit: str = ""
    configuration: str = ""
    environment: str = ""
    budget_seconds: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    run_id: str | None = None
    timestamp: datetime | None = None
    goal_hash: str = ""
    identity: str = ""
    id: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tactics", tuple(self.tactics))
        if not self.goal_hash:
            object.__setattr__(self, "goal_hash", goal_hash(self.goal_text))

    @property
    def success(self) -> bool:
        """Lean accepted a proof; whether the gate did is a matter of `ProofRecord`."""
        return self.outcome is Outcome.PROVED

    @classmethod
    def of(
        cls,
        goal: Goal,
        result: Result,
        *,
        strategy: str = "",
        run_id: str | None = None,
        repo: str = "",
        commit: str = "",
        configuration: str = "",
        environment: str = "",
        budget_seconds: float | None = None,
    ) -> AttemptRecord:
        """The record of a result; `strategy` is for results that do not say whose they are."""
        return cls(
            goal_text=goal.text,
            strategy=strategy or str(result.strategy or ""),
            outcome=result.outcome,
            time_seconds=result.time_seconds,
            tactics=result.tactics,
            error=result.error,
            goal_id=goal.id,
            repo=repo,
            commit=commit,
            configuration=configuration,
            environment=environment,
            budget_seconds=budget_seconds,
            metadata=result.details() | ({"subgoals": list(result.subgoals)} if result.subgoals else {}),
            run_id=run_id,
            identity=goal.digest,
        )

    def at(self, timestamp: datetime) -> AttemptRecord:
        """The same with the time filled in where it was missing."""
        return self if self.timestamp is not None else replace(self, timestamp=timestamp)


@dataclass(frozen=True, kw_only=True)
class ProofRecord:
    """A proof that went through the gate.

    Attributes:
        script: what replaces the sorry.
        checks: the gate's findings by check, JSON-serialisable.
        patch: unified diff of the file ("" when there is none).
        helpers: helper lemmas that it needs (see `orchestrator.source.helper_lemmas`), JSON-serialisable.
        id: given by the ledger.
    """

    goal_text: str = ""
    strategy: str = ""
    script: str
    verdict: ProofVerdict
    checks: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    patch: str = ""
    helpers: tuple[Mapping[str, Any], ...] = ()
    goal_id: str = ""
    repo: str = ""
    commit: str = ""
    file: str = ""
    declaration: str = ""
    environment: str = ""
    run_id: str | None = None
    timestamp: datetime | None = None
    goal_hash: str = ""
    id: int | None = None

    def __post_init__(self) -> None:
        if not self.goal_hash:
            object.__setattr__(self, "goal_hash", goal_hash(self.goal_text))


@dataclass(frozen=True, kw_only=True)
class Working:
    """A strategy at work on a goal since `since`."""

    goal_id: str
    declaration: str
    strategy: str
    since: datetime
    timeout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ProgressRecord:
    """How far a run has come: in its present stage `done` of `total` pieces of work (0: unknown), `found` proofs."""

    run_id: str
    stage: str = ""
    detail: str = ""
    done: int = 0
    total: int = 0
    found: int = 0
    active: tuple[Working, ...] = ()
    updated_at: datetime | None = None


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


@dataclass(frozen=True, kw_only=True)
class BlueprintNode:
    """A node of a blueprint: what it is called, what it uses, the declarations behind it, and where it stands.

    Attributes:
        unblocks: how many unproved nodes wait for it, directly or not.
        note: what a reader should know, such as a declaration that is missing or a mark that is not true.
    """

    key: str
    title: str = ""
    kind: str = ""
    declarations: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    state: NodeState = NodeState.UNDECIDED
    unblocks: int = 0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class BlueprintRecord:
    """A repository's blueprint as its last run saw it."""

    repo: str
    commit: str = ""
    run_id: str | None = None
    nodes: tuple[BlueprintNode, ...] = ()
    updated_at: datetime | None = None


def plain(value: object) -> Any:
    """`value` as JSON that both databases take: text without NUL and lone surrogates, no NaN, keys as text."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(plain(str(key))): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return plain(str(value))
