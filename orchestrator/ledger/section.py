"""What every part of the ledger's interface has at hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from orchestrator.ledger.database import Database


class Section:
    """A group of the ledger's methods; `store.Ledger` puts the groups together. Each method is one transaction."""

    _database: Database
    _now: Callable[[], datetime]
