"""Every fault by its name in the table."""

from __future__ import annotations

from lean_faults import LEAN_FAULTS
from ledger_faults import LEDGER_FAULTS
from repository_faults import REPOSITORY_FAULTS
from scenes import Fault
from world_faults import WORLD_FAULTS

FAULTS: dict[str, Fault] = {**LEAN_FAULTS, **WORLD_FAULTS, **LEDGER_FAULTS, **REPOSITORY_FAULTS}
