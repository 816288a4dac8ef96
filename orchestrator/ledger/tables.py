"""The tables of the ledger: the columns of the records, with keys and indexes, and what is kept beside them.

Rows stay inside this package; callers see the values of `records`, `summaries` and `ticket_records`.
"""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import JSON, Boolean, Float, Index, String, UniqueConstraint, text, true

from orchestrator.ledger import records, summaries, ticket_records
from orchestrator.ledger.columns import (
    Count,
    Details,
    Digest,
    Hash,
    LongText,
    Number,
    PlainText,
    Record,
    Strings,
    Time,
    column,
)

# In the very words of the queries: SQLite uses a partial index only where it sees its condition.
_ONLY_PROVED: dict[str, Any] = {"sqlite_where": text("success = 1"), "postgresql_where": text("success")}
Span = Annotated[list[int] | None, column(JSON(none_as_null=True))]


class RunRow(records.RunRecord, table=True):
    """A run."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "started_at"),)


class GoalRow(records.SeenGoal, table=True):
    """A goal as it was last seen in a repository."""

    __tablename__ = "goals"
    __table_args__ = (
        Index(None, "goal_hash"),
        Index(None, "status", "repo"),
        # Lists of one status, in each order, are read from an index alone.
        Index(None, "status", "difficulty", "repo", "id"),
        Index(None, "status", "file", "source_line", "repo", "id"),
        Index(None, "status", "declaration", "repo", "id"),
        Index(None, "last_seen_run"),
        Index(None, "difficulty", "repo", "id"),
        Index(None, "file", "source_line", "repo", "id"),
        Index(None, "declaration", "repo", "id"),
    )

    id: Annotated[str, column(PlainText, primary_key=True)]
    goal_hash: Hash
    goal_text: LongText
    file: LongText
    module: LongText
    declaration: LongText
    span: Span
    command: Span
    kind: Annotated[str, column(String(16), "'tactic'")]
    is_prop: Annotated[bool, column(Boolean, true())]
    context: Details
    difficulty: Annotated[float, column(Float, "0.5")]
    identity: Digest


class AttemptRow(records.AttemptRecord, table=True):
    """One strategy tried on one goal. Rows are only ever added."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index(
            "ix_attempts_tried",
            *("goal_hash", "strategy", "configuration", "environment", "outcome", "budget_seconds"),
        ),
        Index(None, "run_id", "id"),
        Index(None, "timestamp"),
        # Proofs found are few among the attempts, and what is asked for most.
        Index("ix_attempts_proved", "goal_hash", "strategy", **_ONLY_PROVED),
        Index("ix_attempts_proved_timestamp", "timestamp", **_ONLY_PROVED),
        Index(None, "strategy", "success", "id"),
        Index(None, "identity", "strategy"),
    )


class AttemptedGoal(Record, table=True):
    """Attempts counted by goal and wording, in step with `attempts`, so that the frontier needs no pass over those."""

    __tablename__ = "attempted_goals"
    __table_args__ = (Index(None, "successes", "goal_hash", "text_digest"),)

    goal_hash: Annotated[str, column(String(64), primary_key=True)]
    text_digest: Annotated[str, column(String(64), primary_key=True)]
    goal_text: LongText
    failures: Count
    successes: Count


class AttemptTotal(Record, table=True):
    """Attempts counted by strategy and outcome, in step with `attempts`."""

    __tablename__ = "attempt_totals"

    strategy: Annotated[str, column(String(64), primary_key=True)]
    outcome: Annotated[str, column(String(16), primary_key=True)]
    attempts: Count
    seconds: Number


class ProofRow(records.JudgedProof, table=True):
    """A proof that went through the gate, whatever the verdict was."""

    __tablename__ = "proofs"
    __table_args__ = (
        Index(None, "goal_hash"),
        Index(None, "run_id"),
        Index(None, "verdict", "goal_hash", "timestamp"),
        Index(None, "timestamp"),
    )


class TacticCache(Record, table=True):
    """The tactics that proved a goal, for goals that differ from it in names and order only.

    `goal_hash` is the goal's identity where Lean was asked for it, else the hash of its text.
    """

    __tablename__ = "tactic_cache"
    __table_args__ = (Index(None, "use_count"), Index(None, "text_hash"))

    goal_hash: Annotated[str, column(String(64), primary_key=True)]
    tactics: Strings
    success_rate: Number
    avg_time: Number
    use_count: Count
    last_used: Time
    goal_text: LongText
    text_hash: Digest
    names: Strings


class StrategyRow(summaries.StrategyStatistics, table=True):
    """What a bandit remembers of a strategy in a context."""

    __tablename__ = "strategy_statistics"


class StrategyHistory(summaries.StrategyMoment, table=True):
    """What a bandit knew of a strategy at the end of a minute."""

    __tablename__ = "strategy_history"


class ProgressRow(records.ProgressRecord, table=True):
    """How far a run has come, and what it is doing; one row a run."""

    __tablename__ = "run_progress"


class BlueprintRow(records.BlueprintRecord, table=True):
    """A repository's blueprint as its last run saw it."""

    __tablename__ = "blueprints"


class Claim(Record, table=True):
    """A goal that a worker has taken until its lease runs out."""

    __tablename__ = "claims"
    __table_args__ = (Index(None, "expires_at"),)

    repo: Annotated[str, column(PlainText, primary_key=True)]
    goal: Annotated[str, column(PlainText, primary_key=True)]
    worker: LongText
    claimed_at: Time
    expires_at: Time


class TicketRow(ticket_records.TicketColumns, table=True):
    """One row for each statement of a repository, however often it is asked for."""

    __tablename__ = "tickets"
    __table_args__ = (UniqueConstraint("repo", "goal_hash"), Index(None, "status", "rank"), Index(None, "lease_until"))

    rank: Number


class TicketWait(ticket_records.TicketRequester, table=True):
    """Somebody who waits for a ticket: a goal's strategy, or a person."""

    __tablename__ = "ticket_waits"
    __table_args__ = (Index(None, "goal_id"),)


class TicketEventRow(ticket_records.TicketEvent, table=True):
    """Something that happened to a ticket. Rows are only ever added."""

    __tablename__ = "ticket_events"
    __table_args__ = (Index(None, "ticket_id", "id"),)


METADATA = Record.metadata
RUNS = METADATA.tables["runs"]
GOALS = METADATA.tables["goals"]
ATTEMPTS = METADATA.tables["attempts"]
ATTEMPTED_GOALS = METADATA.tables["attempted_goals"]
ATTEMPT_TOTALS = METADATA.tables["attempt_totals"]
PROOFS = METADATA.tables["proofs"]
TACTIC_CACHE = METADATA.tables["tactic_cache"]
STRATEGY_STATISTICS = METADATA.tables["strategy_statistics"]
STRATEGY_HISTORY = METADATA.tables["strategy_history"]
RUN_PROGRESS = METADATA.tables["run_progress"]
BLUEPRINTS = METADATA.tables["blueprints"]
CLAIMS = METADATA.tables["claims"]
TICKETS = METADATA.tables["tickets"]
TICKET_WAITS = METADATA.tables["ticket_waits"]
TICKET_EVENTS = METADATA.tables["ticket_events"]
