"""A tactic that a generator suggests for a state. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tactic to try.

    Attributes:
        tactic: its text, without white space around it.
        log_probability: how likely it is to help, as a natural logarithm, at most 0.
    """

    tactic: str
    log_probability: float

    def __post_init__(self) -> None:
        if not self.tactic or math.isnan(self.log_probability) or self.log_probability > 0:
            raise ValueError(f"no suggestion: {self.tactic!r} with log-probability {self.log_probability}")
