"""What the browser tests share: a token, a ticket, how Chromium is started, and where the dashboard is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.dashboard.tickets import TicketView

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
TICKET = TicketView(
    id="0123456789ab",
    name="Grove.add_zero_right",
    statement="(n : Nat) : n + 0 = n",
    goal_text="n : Nat\n⊢ n + 0 = n",
    priority=0.8,
    waiting=2,
    requesters=("sketch for Grove.sumTo_pred",),
    created_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)


@dataclass(frozen=True)
class Served:
    """A running dashboard, and its ledger's file."""

    url: str
    file: Path
