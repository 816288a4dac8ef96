"""The shapes of what the JSON endpoints take and answer, where these are not the ledger's own values."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.ledger.ticket_records import Ticket, TicketStatus


class HealthAnswer(BaseModel):
    """Whether the dashboard can do its work."""

    model_config = ConfigDict(frozen=True)

    status: str = Field(examples=["ok"])
    version: str
    ledger: str = Field(description="Whether the ledger can be read: ok, or why not")
    clients: int = Field(description="How many open pages are being kept up to date")


class MarketplaceAnswer(BaseModel):
    """The marketplace: how many tickets stand where, how many wait or were served, and the most urgent tickets."""

    model_config = ConfigDict(frozen=True)

    counts: Mapping[TicketStatus, int]
    waiting: int
    served: int
    tickets: tuple[Ticket, ...]


class SupplierAction(BaseModel):
    """Who claims or gives back a ticket."""

    model_config = ConfigDict(frozen=True)

    supplier: str = Field(min_length=1, max_length=100)


class ProofAction(SupplierAction):
    """A proof that is handed in."""

    proof: str = Field(min_length=1, max_length=500_000)


class DoneAnswer(BaseModel):
    """What became of an action."""

    model_config = ConfigDict(frozen=True)

    done: bool
    words: str
