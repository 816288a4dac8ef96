"""A machine whose readings are given beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.machine import Reading


class ScriptedMachine:
    """The readings given, in turn, and the last one for ever after."""

    def __init__(self, readings: Sequence[Reading] = (Reading(0.0),)) -> None:
        self._readings = list(readings)

    def read(self) -> Reading:
        """See `Machine.read`."""
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]
