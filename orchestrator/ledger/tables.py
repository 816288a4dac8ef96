"""Tables of the ledger. Rows stay inside this package; callers see the values of `records`.

`Column` objects are given in full so that SQLite and PostgreSQL get the same schema, and so that a row written by hand
with only the columns of interest (`INSERT INTO attempts (goal_hash, strategy, success, …)`) is complete.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    func,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC; SQLite keeps no zone, so it is put back when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. A naive time is refused: nobody could tell what it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(SQLModel):
    """Base of all tables, with a catalogue of their own: another SQLModel program in the process is none of ours."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _text(name: str | None = None, **options: Any) -> Any:
    """A text column that is "" unless given."""
    return Field(default="", sa_column=Column(name, Text, nullable=False, server_default="", **options))


def _number(kind: type[Integer] | type[Float[float]], default: int | None = 0, **options: Any) -> Any:
    server_default = None if default is None else text(str(default))
    return Field(
        default=default, sa_column=Column(kind, nullable=default is None, server_default=server_default, **options)
    )


def _json(name: str | None = None, *, empty: str = "{}") -> Any:
    return Field(sa_column=Column(name, JSON, nullable=False, server_default=text(f"'{empty}'")))


def _time(*, nullable: bool = False) -> Any:
    server_default = None if nullable else func.current_timestamp()
    return Field(default=None, sa_column=Column(UtcDateTime, nullable=nullable, server_default=server_default))


def _run(**options: Any) -> Any:
    return Field(default=None, sa_column=Column(String(64), ForeignKey("runs.id"), nullable=True, **options))


def _hash(*, primary_key: bool = False) -> Any:
    return Field(sa_column=Column(String(64), nullable=False, primary_key=primary_key))


def _digest() -> Any:
    return Field(default="", sa_column=Column(String(64), nullable=False, server_default=""))


# In the very words of the queries: SQLite uses a partial index only where it sees its condition.
_ONLY_PROVED: dict[str, Any] = {"sqlite_where": text("success = 1"), "postgresql_where": text("success")}


class Run(Base, table=True):
    """One run over one repository."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "started_at"),)

    id: str = Field(sa_column=Column(String(64), primary_key=True))
    repo: str = _text()
    ref: str = _text()
    commit: str = _text()
    profile: int = _number(Integer, 1)
    configuration: dict[str, Any] = _json()
    started_at: datetime = _time()
    finished_at: datetime | None = _time(nullable=True)
    status: str = Field(sa_column=Column(String(16), nullable=False, server_default="running"))
    totals: dict[str, Any] = _json()


class GoalRow(Base, table=True):
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

    repo: str = Field(sa_column=Column(Text, primary_key=True))
    id: str = Field(sa_column=Column(Text, primary_key=True))
    goal_hash: str = _hash()
    goal_text: str = _text()
    commit: str = _text()
    file: str = _text()
    module: str = _text()
    declaration: str = _text()
    span: list[int] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    command: list[int] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    kind: str = Field(sa_column=Column(String(16), nullable=False, server_default="tactic"))
    is_prop: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=true()))
    context: dict[str, Any] = _json()
    difficulty: float = Field(sa_column=Column(Float, nullable=False, server_default=text("0.5")))
    status: str = Field(sa_column=Column(String(16), nullable=False, server_default="open"))
    environment: str = _text()
    source: str = _text()
    source_line: int = _number(Integer)
    first_seen_run: str | None = _run()
    last_seen_run: str | None = _run()
    identity: str = _digest()


class AttemptRow(Base, table=True):
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

    id: int | None = Field(default=None, sa_column=Column(Integer, primary_key=True))
    goal_hash: str = _hash()
    goal_text: str = _text()
    strategy: str = Field(sa_column=Column(String(64), nullable=False))
    success: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()))
    time_seconds: float = _number(Float)
    tactics: list[str] = _json(empty="[]")
    error: str = _text()
    timestamp: datetime = _time()
    run_id: str | None = _run()
    goal_id: str = _text()
    repo: str = _text()
    commit: str = _text()
    configuration: str = _text()
    environment: str = _text()
    budget_seconds: float | None = _number(Float, None)
    outcome: str = Field(sa_column=Column(String(16), nullable=False, server_default="not_proved"))
    details: dict[str, Any] = _json("metadata")
    identity: str = _digest()


class AttemptedGoal(Base, table=True):
    """Attempts counted by goal and wording, in step with `attempts`, so that the frontier needs no pass over those."""

    __tablename__ = "attempted_goals"
    __table_args__ = (Index(None, "successes", "goal_hash", "text_digest"),)

    goal_hash: str = _hash(primary_key=True)
    text_digest: str = _hash(primary_key=True)
    goal_text: str = _text()
    failures: int = _number(Integer)
    successes: int = _number(Integer)


class AttemptTotal(Base, table=True):
    """Attempts counted by strategy and outcome, in step with `attempts`."""

    __tablename__ = "attempt_totals"

    strategy: str = Field(sa_column=Column(String(64), primary_key=True))
    outcome: str = Field(sa_column=Column(String(16), primary_key=True))
    attempts: int = _number(Integer)
    seconds: float = _number(Float)


class ProofRow(Base, table=True):
    """A proof that went through the gate, whatever the verdict was."""

    __tablename__ = "proofs"
    __table_args__ = (
        Index(None, "goal_hash"),
        Index(None, "run_id"),
        Index(None, "verdict", "goal_hash", "timestamp"),
        Index(None, "timestamp"),
    )

    id: int | None = Field(default=None, sa_column=Column(Integer, primary_key=True))
    goal_hash: str = _hash()
    goal_id: str = _text()
    repo: str = _text()
    commit: str = _text()
    file: str = _text()
    declaration: str = _text()
    strategy: str = Field(sa_column=Column(String(64), nullable=False, server_default=""))
    script: str = _text()
    verdict: str = Field(sa_column=Column(String(16), nullable=False))
    checks: dict[str, Any] = _json()
    patch: str = _text()
    helpers: list[dict[str, Any]] = _json(empty="[]")
    environment: str = _text()
    run_id: str | None = _run()
    timestamp: datetime = _time()


class TacticCache(Base, table=True):
    """The tactics that proved a goal, for goals that differ from it in names and order only.

    `goal_hash` is the goal's identity where Lean was asked for it, else the hash of its text.
    """

    __tablename__ = "tactic_cache"
    __table_args__ = (Index(None, "use_count"), Index(None, "text_hash"))

    goal_hash: str = _hash(primary_key=True)
    tactics: list[str] = _json(empty="[]")
    success_rate: float = _number(Float)
    avg_time: float = _number(Float)
    use_count: int = _number(Integer)
    last_used: datetime = _time()
    goal_text: str = _text()
    text_hash: str = _digest()
    names: list[str] = _json(empty="[]")


class StrategyStatistic(Base, table=True):
    """What a bandit remembers of a strategy in a context; context "" is all goals together."""

    __tablename__ = "strategy_statistics"

    strategy: str = Field(sa_column=Column(String(128), primary_key=True))
    context: str = Field(sa_column=Column(Text, primary_key=True))
    trials: int = _number(Integer)
    successes: int = _number(Integer)
    success_rate: float = _number(Float)
    seconds: float = _number(Float)
    success_seconds: float = _number(Float)
    ema_success_seconds: float | None = _number(Float, None)
    updated_at: datetime = _time()


class StrategyHistory(Base, table=True):
    """What a bandit knew of a strategy, all goals together, at the end of each minute in which it learnt something."""

    __tablename__ = "strategy_history"

    minute: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    strategy: str = Field(sa_column=Column(String(128), primary_key=True))
    trials: int = _number(Integer)
    successes: int = _number(Integer)
    success_rate: float = _number(Float)
    seconds: float = _number(Float)


class ProgressRow(Base, table=True):
    """How far a run has come, and what it is doing; one row a run."""

    __tablename__ = "run_progress"

    run_id: str = Field(sa_column=Column(String(64), ForeignKey("runs.id"), primary_key=True))
    stage: str = _text()
    detail: str = _text()
    done: int = _number(Integer)
    total: int = _number(Integer)
    found: int = _number(Integer)
    active: list[dict[str, Any]] = _json(empty="[]")
    updated_at: datetime = _time()


class BlueprintRow(Base, table=True):
    """A repository's blueprint as its last run saw it."""

    __tablename__ = "blueprints"

    repo: str = Field(sa_column=Column(Text, primary_key=True))
    commit: str = _text()
    run_id: str | None = _run()
    nodes: list[dict[str, Any]] = _json(empty="[]")
    updated_at: datetime = _time()


class Claim(Base, table=True):
    """A goal that a worker has taken until its lease runs out."""

    __tablename__ = "claims"
    __table_args__ = (Index(None, "expires_at"),)

    repo: str = Field(sa_column=Column(Text, primary_key=True))
    goal: str = Field(sa_column=Column(Text, primary_key=True))
    worker: str = _text()
    claimed_at: datetime = _time()
    expires_at: datetime = _time()


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


RUNS = _table("runs")
GOALS = _table("goals")
ATTEMPTS = _table("attempts")
ATTEMPTED_GOALS = _table("attempted_goals")
ATTEMPT_TOTALS = _table("attempt_totals")
PROOFS = _table("proofs")
TACTIC_CACHE = _table("tactic_cache")
STRATEGY_STATISTICS = _table("strategy_statistics")
CLAIMS = _table("claims")
STRATEGY_HISTORY = _table("strategy_history")
RUN_PROGRESS = _table("run_progress")
BLUEPRINTS = _table("blueprints")
