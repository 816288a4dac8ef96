"""The shapes of what the JSON endpoints answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import RunStatus
from orchestrator.ledger.summaries import GoalLine
from orchestrator.ledger.ticket_records import MarketCounts, Ticket, TicketStatus


class StrategyAnswer(BaseModel):
    """All attempts of a strategy; the mean time of one in seconds."""

    model_config = ConfigDict(frozen=True)

    attempts: int
    successes: int
    success_rate: float
    avg_time: float
    outcomes: dict[str, int]


class StatsAnswer(BaseModel):
    """The ledger at a glance."""

    model_config = ConfigDict(frozen=True)

    runs: int
    goals: dict[str, int] = Field(description="Goals by status")
    goals_attempted: int
    goals_solved: int
    attempts: int
    successes: int
    strategies: dict[str, StrategyAnswer]
    proofs: dict[str, int] = Field(description="Proofs by what the gate said")
    cached_tactics: int
    last_run: dict[str, Any] | None


class HealthAnswer(BaseModel):
    """Whether the dashboard can do its work."""

    model_config = ConfigDict(frozen=True)

    status: str = Field(examples=["ok"])
    version: str
    ledger: str = Field(description="Whether the ledger can be read: ok, or why not")
    clients: int = Field(description="Pages that are kept up to date now")


class TicketAnswer(BaseModel):
    """A lemma that somebody misses."""

    model_config = ConfigDict(frozen=True)

    ticket_id: str
    name: str
    goal: str = Field(description="The statement as it was first asked for")
    signature: str = Field(description="The statement as Lean has elaborated it, as it follows the name")
    repo: str
    status: TicketStatus
    priority: float
    supplier: str
    lease_until: datetime | None
    waiting: int = Field(description="How many wait for it")
    completed_proof: str
    reason: str
    created_at: datetime | None

    @classmethod
    def of(cls, ticket: Ticket) -> TicketAnswer:
        """A ticket as JSON."""
        return cls(**{name: getattr(ticket, name) for name in cls.model_fields})


class MarketplaceAnswer(BaseModel):
    """The marketplace: how many tickets stand where, how many wait or were served, and the most urgent tickets."""

    model_config = ConfigDict(frozen=True)

    counts: dict[TicketStatus, int]
    waiting: int
    served: int
    tickets: list[TicketAnswer]

    @classmethod
    def of(cls, counts: MarketCounts, tickets: Iterable[Ticket]) -> MarketplaceAnswer:
        """The marketplace as JSON."""
        found = [TicketAnswer.of(ticket) for ticket in tickets]
        return cls(counts=dict(counts.by_status), waiting=counts.waiting, served=counts.used, tickets=found)


class GoalAnswer(BaseModel):
    """A goal as a line of a list."""

    model_config = ConfigDict(frozen=True)

    repo: str
    id: str
    declaration: str
    file: str
    line: int
    kind: str
    status: GoalStatus
    difficulty: float
    target: str
    attempts: int
    found: int

    @classmethod
    def of(cls, line: GoalLine) -> GoalAnswer:
        """A line of a list as JSON."""
        return cls(**{name: getattr(line, name) for name in cls.model_fields})


class GoalsAnswer(BaseModel):
    """A page of goals."""

    model_config = ConfigDict(frozen=True)

    total: int
    goals: list[GoalAnswer]


class RunAnswer(BaseModel):
    """A run over a repository."""

    model_config = ConfigDict(frozen=True)

    id: str
    repo: str
    ref: str
    commit: str
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None
    totals: dict[str, Any]


class SupplierAction(BaseModel):
    """Who claims or gives back a ticket."""

    model_config = ConfigDict(frozen=True)

    supplier: str = Field(min_length=1, max_length=100)


class ProofAction(SupplierAction):
    """A proof that is handed in."""

    proof: str = Field(min_length=1, max_length=500_000)


class DoneAnswer(BaseModel):
    """What became of it."""

    model_config = ConfigDict(frozen=True)

    done: bool
    words: str
