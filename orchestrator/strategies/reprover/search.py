"""States that wait for expansion, the likeliest first."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from orchestrator.strategies.reprover.generators import Suggestion, TacticGenerator
from orchestrator.strategies.reprover.steps import ContextStepper, Step
from orchestrator.strategies.reprover.tree import Arrival, SearchNode, Tree


class Frontier:
    """A queue by cumulative log-probability; among equals the first come is the first served."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, float, SearchNode]] = []
        self._arrivals = count()

    def push(self, node: SearchNode) -> None:
        """Let a node wait. One that waits already gets its new place; the old entry is passed over."""
        entry = (-node.log_probability, next(self._arrivals), node.log_probability, node)
        heapq.heappush(self._heap, entry)

    def pop(self) -> SearchNode | None:
        """Take the likeliest node; None when none waits."""
        while self._heap:
            _, _, log_probability, node = heapq.heappop(self._heap)
            if not node.expanded and node.log_probability == log_probability:
                return node
        return None


class StopReason(StrEnum):
    """Why a search ended."""

    PROVED = "proved"
    EXHAUSTED = "no state is left to expand"
    EXPANSIONS = "out of expansions"
    SECONDS = "out of time"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """What a search may spend.

    Attributes:
        seconds: wall time, generation included; the step under way is still looked at.
        expansions: states to expand, 0 for no limit.
        max_depth: steps of a proof, 0 for no limit.
    """

    seconds: float = 60.0
    expansions: int = 0
    suggestions: int = 16
    max_depth: int = 24
    max_goals: int = 12
    max_characters: int = 8_000


@dataclass(frozen=True, slots=True)
class SearchReport:
    """What a search came to.

    Attributes:
        arrivals: how many steps ended how, by `Arrival` value, "failed" and "refused" (the state was closed, and the
            declaration did not take the proof).
        frequent_goals: (goal, number of states it stands open in) of a search that found nothing, most frequent first.
    """

    script: tuple[str, ...] | None
    stop: StopReason
    expansions: int = 0
    states: int = 1
    tactics: int = 0
    arrivals: Mapping[str, int] = field(default_factory=dict)
    frequent_goals: tuple[tuple[str, int], ...] = ()


FAILED = "failed"
REFUSED = "refused"


async def search(
    goals: Sequence[str],
    stepper: ContextStepper,
    generator: TacticGenerator,
    settings: SearchSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> SearchReport:
    """Best-first search for a proof of `goals`, by cumulative log-probability.

    A proof that the last step brings counts, however late it is.
    """
    run = _Search(goals, stepper, generator, settings, clock)
    while (stop := run.stop()) is None:
        await run.expand()
    return run.report(stop)


class _Search:
    def __init__(
        self,
        goals: Sequence[str],
        stepper: ContextStepper,
        generator: TacticGenerator,
        settings: SearchSettings,
        clock: Callable[[], float],
    ) -> None:
        self._stepper = stepper
        self._generator = generator
        self._settings = settings
        self._clock = clock
        self._deadline = clock() + settings.seconds
        self._tree = Tree(goals, max_goals=settings.max_goals, max_characters=settings.max_characters)
        self._frontier = Frontier()
        self._frontier.push(self._tree.root)
        self._next: SearchNode | None = None
        self._script: tuple[str, ...] | None = None
        self._expansions = 0
        self._tactics = 0
        self._arrivals: Counter[str] = Counter()

    def stop(self) -> StopReason | None:
        """The reason to stop now, if there is one; else `expand` has a state to work on."""
        if self._script is not None:
            return StopReason.PROVED
        if self._settings.expansions and self._expansions >= self._settings.expansions:
            return StopReason.EXPANSIONS
        if self._left <= 0:
            return StopReason.SECONDS
        self._next = self._frontier.pop()
        return StopReason.EXHAUSTED if self._next is None else None

    async def expand(self) -> None:
        """Try the generator's tactics on the next state, and take in what they lead to."""
        node = self._next
        assert node is not None
        node.expanded = True
        self._expansions += 1
        suggestions = {s.tactic: s for s in await self._generator.suggest(node.text, self._settings.suggestions)}
        if not suggestions or self._left <= 0:
            return
        steps = await self._stepper.run(node.handle, list(suggestions), seconds=self._left)
        self._tactics += len(steps)
        for step in steps:
            if await self._proves(node, step):
                return
        for step in steps:
            self._take(node, suggestions[step.tactic], step)

    async def _proves(self, node: SearchNode, step: Step) -> bool:
        if not step.completed:
            return False
        script = (*node.script(), step.tactic)
        if await self._stepper.accepts(script):
            self._script = script
            return True
        self._arrivals[REFUSED] += 1
        return False

    def _take(self, node: SearchNode, suggestion: Suggestion, step: Step) -> None:
        if step.completed:
            return
        if step.error or step.handle is None:
            self._arrivals[FAILED] += 1
            return
        arrival, found = self._tree.add(node, suggestion, step)
        self._arrivals[arrival.value] += 1
        too_deep = self._settings.max_depth and node.depth + 1 >= self._settings.max_depth
        if found is not None and arrival in (Arrival.NEW, Arrival.BETTER) and not too_deep:
            self._frontier.push(found)

    @property
    def _left(self) -> float:
        return self._deadline - self._clock()

    def report(self, stop: StopReason) -> SearchReport:
        """The search in numbers."""
        return SearchReport(
            script=self._script,
            stop=stop,
            expansions=self._expansions,
            states=len(self._tree),
            tactics=self._tactics,
            arrivals=dict(self._arrivals),
            frequent_goals=() if self._script is not None else self._tree.frequent_goals(),
        )
