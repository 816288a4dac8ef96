"""A run's budget as a plan: which slices of time are worth it, until when, and why the search has ended."""

from __future__ import annotations

import math
from collections.abc import Callable

from orchestrator.scheduler.time_limits import NO_MORE, USUAL_PATIENCE
from orchestrator.text import counted, duration

USUAL_SECONDS = 1800.0
"""The budget where nobody says another."""
_PATIENCE_SECONDS = 60.0
_PROVING_SHARE = 0.8
_LEMMA_SECONDS = 30.0
# With a smaller share of its time than this a strategy would only have to be tried again.
_LEAST_SHARE = 0.1


class Plan:
    """What a run does with its time.

    Every goal gets its first shot, in the order given. After that the next slice goes to whoever has the most proofs
    per second to expect, and is no longer than what there is for each of the goals that are left, unless that were less
    than twice what was not enough: little time goes round before anybody has much of it.

    The search ends when the time is over, when one proof in the whole budget is more than is to be expected, or when no
    proof has come for about as long as all of them have taken together: the longer nothing was found, the longer it
    will take as a rule.

    Args:
        seconds: the budget; infinite for none, and then nothing is held back.
        lanes: how many attempts there may be at once.
        longest: seconds of the longest attempt that somebody asked for: a run is at least as patient as that.
        patience: for what share of the budget it goes on without a new proof, beyond the time that all proofs took.

    Attributes:
        goals_left: how many goals share what is left.
    """

    def __init__(
        self,
        seconds: float,
        lanes: int,
        clock: Callable[[], float],
        *,
        longest: float = 0.0,
        patience: float = USUAL_PATIENCE,
    ) -> None:
        self._clock = clock
        self._lanes = lanes
        self._began = clock()
        self._patience = max(_PATIENCE_SECONDS, longest, patience * seconds if math.isfinite(seconds) else 0.0)
        self._last_proof = 0.0
        self.seconds = seconds
        self.deadline = self._began + seconds
        self._expected = max(seconds, USUAL_SECONDS) * lanes
        self._hopeless = self._impatient = False
        self.goals_left: Callable[[], int] = lambda: 1

    @property
    def limited(self) -> bool:
        """Whether there is a budget."""
        return math.isfinite(self.seconds)

    @property
    def spent(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._began

    @property
    def _end(self) -> float:
        """How many seconds all may take, the search for lemmas included, if no further proof comes."""
        if not self.limited:
            return math.inf
        return 2 * self._last_proof + self._patience

    def proved(self) -> None:
        """A proof was found just now."""
        self._last_proof = self.spent

    def seconds_for(self, nominal: float, *, first: bool, tried_with: float = 0.0) -> float:
        """What an attempt gets that would take `nominal` seconds; 0 when too little is left to be worth it.

        The `first` on a goal is made as long as there is time. One that was `tried_with` so many seconds needs more,
        and gets no more than a goal's share of the time until the search ends, or twice what it had.
        """
        least, left = max(_LEAST_SHARE * nominal, min(nominal, tried_with / NO_MORE)), self.seconds - self.spent
        patient = left if first else min(left, _PROVING_SHARE * self._end - self.spent)
        self._impatient = self._impatient or patient < least <= left
        if tried_with and self.limited:
            share = patient * self._lanes / max(1, self.goals_left())
            nominal = min(nominal, max(2 * tried_with, share))
        return 0.0 if patient < least else min(nominal, patient)

    @property
    def least_gain(self) -> float:
        """Proofs a second of what is just worth going on for: one in the whole budget."""
        return 1 / self._expected

    def worth(self, gain: float) -> bool:
        """Whether so many proofs a second are worth going on for."""
        hopeless = gain < self.least_gain
        self._hopeless = self._hopeless or hopeless
        return not hopeless

    def seconds_for_lemmas(self) -> float:
        """What is left for the search for lemmas: a quarter of what was spent, but half a minute at least."""
        if not self.limited:
            return math.inf
        quarter = self.spent * (1 - _PROVING_SHARE) / _PROVING_SHARE
        return min(self.seconds - self.spent, max(quarter, min(_LEMMA_SECONDS, self._end - self.spent)))

    def words(self, goals: int) -> str:
        """What will be done, for who watches."""
        if not (goals and self.limited):
            return counted(goals, "goal")
        most = f"{duration(self.seconds)} at most"
        return f"{counted(goals, 'goal')}, {most}: a first shot at each, then what is likeliest to bring a proof"

    def why_it_ended(self, left: int) -> str:
        """Why the search ended with so many goals `left`, "" when none is."""
        if not left:
            return ""
        if self.spent >= self.seconds:
            return f"the {duration(self.seconds)} were over"
        if self._impatient:
            wait, found = duration(self.spent - self._last_proof), duration(self._last_proof)
            return f"no proof had come for {wait}" + (f", after the last one at {found}" if self._last_proof else "")
        if self._hopeless:
            return f"what was left to try would hardly bring a proof in {duration(self._expected)} of a server"
        return "everything was tried"
