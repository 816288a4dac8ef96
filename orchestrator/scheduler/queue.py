"""Goals that wait for a slot: the untried first, then the most promising; light and heavy apart, with back-off."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from orchestrator.goals.goal import Goal
from orchestrator.scheduler.slots import Weight

Distance = Callable[[Goal], int]
"""How much a free server would have to do before it can begin on a goal; see `Slots`."""

FIRST_BACK_OFF = 0.05
LONGEST_BACK_OFF = 2.0


def back_off(refusals: int) -> float:
    """Seconds to wait after so many refusals in a row: doubling, up to a limit."""
    return min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2.0 ** min(refusals - 1, 16))


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A goal in line: one that nobody has tried goes first, then the one with most to expect, then who came first.

    `rank`: minus the proofs per second to be expected of it.
    """

    rank: float
    number: int
    goal: Goal = field(compare=False)
    weight: Weight = field(compare=False)

    @property
    def untried(self) -> bool:
        """Whether it waits for its first shot."""
        return self.rank == UNTRIED


UNTRIED = -math.inf


class GoalQueue:
    """The line of each weight. A refused slot puts the whole line of that weight off, since any of it would be.

    Attributes:
        wake: set when there may be something to do.
    """

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self._lines: dict[Weight, list[Waiting]] = {weight: [] for weight in Weight}
        self._refusals = dict.fromkeys(Weight, 0)
        self._not_before = dict.fromkeys(Weight, 0.0)
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def waiting(self, weight: Weight) -> bool:
        """Whether a goal of this weight is in line."""
        return bool(self._lines[weight])

    def weights(self, distance: Distance | None = None) -> list[Weight]:
        """Weights with a goal in line, the most promising first: nobody waits untried while another is tried twice.

        Of those with an untried goal, the one with the nearest comes first.
        """

        def key(weight: Weight) -> tuple[float, int]:
            first = self._lines[weight][0]
            near = distance(self._nearest(weight, distance).goal) if distance is not None and first.untried else 0
            return first.rank, near

        return sorted((weight for weight, line in self._lines.items() if line), key=key)

    def best(self) -> float | None:
        """The least rank of all in line; None when nobody is."""
        return min((line[0].rank for line in self._lines.values() if line), default=None)

    def wants(self, now: float) -> bool:
        """Whether some line is not put off and holds no untried goal, so that a new one could start at once."""
        return any(
            not (line and line[0].untried) and self._not_before[weight] <= now for weight, line in self._lines.items()
        )

    def add(self, goal: Goal, weight: Weight, *, gain: float | None = None) -> None:
        """Put a goal in line, with the proofs per second to be expected of it; None for one that nobody has tried."""
        rank = UNTRIED if gain is None else -min(gain, sys.float_info.max)
        heapq.heappush(self._lines[weight], Waiting(rank, next(self._numbers), goal, weight))

    def next(self, weight: Weight, now: float, distance: Distance | None = None) -> Waiting | None:
        """Take the first of a line, of the untried the one at the least `distance`, unless it is empty or put off."""
        line = self._lines[weight]
        if not line or self._not_before[weight] > now:
            return None
        if distance is None or not line[0].untried:
            return heapq.heappop(line)
        nearest = self._nearest(weight, distance)
        line.remove(nearest)
        heapq.heapify(line)
        return nearest

    def _nearest(self, weight: Weight, distance: Distance) -> Waiting:
        """The untried one of a line at the least distance, of several the first."""
        untried = (waiting for waiting in self._lines[weight] if waiting.untried)
        return min(untried, key=lambda waiting: (distance(waiting.goal), waiting.number))

    def refused(self, waiting: Waiting, now: float) -> None:
        """Put a goal that got no slot back where it was, and its line off."""
        heapq.heappush(self._lines[waiting.weight], waiting)
        self._refusals[waiting.weight] += 1
        self._not_before[waiting.weight] = now + back_off(self._refusals[waiting.weight])

    def freed(self) -> None:
        """A slot has come free: no line need wait any longer, for the weights may share a limit."""
        for weight in Weight:
            self._refusals[weight] = 0
            self._not_before[weight] = 0.0
        self.wake.set()

    def seconds_to_next(self, now: float) -> float | None:
        """How long until a line that waits may be tried again; None when no line waits."""
        times = [self._not_before[weight] for weight, line in self._lines.items() if line]
        return max(0.0, min(times) - now) if times else None

    def drain(self) -> Iterator[Waiting]:
        """Take every goal out, in no special order."""
        for line in self._lines.values():
            while line:
                yield line.pop()


class Source:
    """Goals from an iterable, or from a queue that others may still fill while we work.

    Args:
        wake: called when a goal has come in that `take` will give out.
    """

    def __init__(self, goals: Iterable[Goal] | asyncio.Queue[Goal], wake: Callable[[], None]) -> None:
        self._queue = goals if isinstance(goals, asyncio.Queue) else None
        self._rest = iter(()) if isinstance(goals, asyncio.Queue) else iter(goals)
        self._wake = wake
        self._coming: asyncio.Task[Goal] | None = None

    def take(self) -> Goal | None:
        """The next goal; None when there is none now."""
        if self._queue is None:
            return next(self._rest, None)
        if self._coming is not None:
            if not self._coming.done():
                return None
            coming, self._coming = self._coming, None
            return coming.result()
        return None if self._queue.empty() else self._queue.get_nowait()

    def listen(self) -> None:
        """Call `wake` when a goal comes in, if the source is one that can still be filled."""
        if self._queue is not None and self._coming is None:
            self._coming = asyncio.get_running_loop().create_task(self._queue.get())
            self._coming.add_done_callback(lambda _: self._wake())

    async def close(self) -> Goal | None:
        """Stop listening; give out the goal that came in at the last moment, if one did."""
        if self._coming is None:
            return None
        coming, self._coming = self._coming, None
        coming.cancel()
        await asyncio.wait([coming])
        return None if coming.cancelled() else coming.result()

    def rest(self) -> Iterator[Goal]:
        """What an iterable still holds. A queue keeps its own."""
        yield from self._rest

    def done(self) -> None:
        """Tell a queue that a goal taken from it is dealt with, for its `join`."""
        if self._queue is not None:
            self._queue.task_done()
