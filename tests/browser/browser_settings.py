"""What the browser tests share: a token, a ticket, how Chromium is started, and where the dashboard is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.ledger.ticket_records import Ticket, TicketLocation, TicketRequester

HERE = Path(__file__).parent
TOKEN = "a token of the browser tests"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TICKET = Ticket(
    ticket_id="0123456789ab",
    goal="∀ n : Nat, n + 0 = n",
    name="Grove.add_zero_right",
    signature="(n : Nat) : n + 0 = n",
    goal_text="n : Nat\n⊢ n + 0 = n",
    goal_hash="1" * 64,
    digest="2" * 64,
    repo="/home/emmy/grove",
    location=TicketLocation(file="Grove/Arith.lean", module="Grove.Arith", declaration="Grove.sumTo_pred"),
    priority=0.8,
    labels=("arithmetic",),
)
REQUESTER = TicketRequester(requester="induction", goal_id="g", declaration="Grove.sumTo_pred", file="Grove/Arith.lean")


@dataclass(frozen=True)
class Served:
    """A running dashboard, and its ledger's file."""

    url: str
    file: Path
