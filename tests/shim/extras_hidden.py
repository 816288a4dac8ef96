"""An environment in which none of our optional libraries is installed, for child processes. Prefect brings asyncpg."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.machine import EXTRAS

OPTIONAL = tuple(name for names in EXTRAS.values() for name in names)
HIDDEN = Path(__file__).with_name("hidden")


def without_extras() -> dict[str, str]:
    """Variables for the environment of a Python process."""
    path = os.pathsep.join(filter(None, (str(HIDDEN), os.environ.get("PYTHONPATH", ""))))
    return {"PYTHONPATH": path, "HIDDEN_LIBRARIES": ",".join(OPTIONAL)}
