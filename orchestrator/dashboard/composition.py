"""Puts the dashboard's site together from the ledger."""

from __future__ import annotations

from orchestrator.config import Settings
from orchestrator.dashboard.tickets import MemoryBoard
from orchestrator.dashboard.views import GoalSearch, Site
from orchestrator.ledger.store import Ledger


def make_site(ledger: Ledger, settings: Settings) -> Site:
    """What the pages are made from."""
    return Site(
        ledger=ledger,
        board=MemoryBoard(),
        search=GoalSearch(ledger),
        exploration=settings.scheduler.exploration,
    )
