"""The seam between the search and whatever runs tactics, with its in-memory twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

ROOT = 0
"""The handle of the state that a search starts from."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one tactic did to a state.

    Attributes:
        tactic: what was run.
        goals: the goals that are open now, the one that the next tactic works on first.
        handle: names the new state; None when the tactic failed or nothing is left to do.
        completed: the proof is complete, as far as the state can tell.
        error: why it failed, in Lean's words; "" when it did not.
    """

    tactic: str
    goals: tuple[str, ...] = ()
    handle: int | None = None
    completed: bool = False
    error: str = ""


class Stepper(Protocol):
    """Runs tactics on proof states."""

    async def run(self, handle: int, tactics: Sequence[str], *, seconds: float) -> Sequence[Step]:
        """Try each tactic on one state, for at most `seconds` together; steps in their order, perhaps fewer."""

    async def accepts(self, script: Sequence[str]) -> bool:
        """Whether the whole declaration is accepted with this proof in it: the truth."""


class ScriptedStepper:
    """The in-memory twin: a table of states.

    Args:
        table: for each state's goals, what each tactic makes of them; a tactic that is not in it fails.
        root: the goals that handle `ROOT` stands for.
        refused: scripts that the declaration does not take although the state is closed.
        on_run: called with the goals of each state that tactics are run on, such as to let a clock tick.
    """

    def __init__(
        self,
        table: Mapping[tuple[str, ...], Mapping[str, tuple[str, ...]]],
        root: tuple[str, ...],
        *,
        refused: Sequence[tuple[str, ...]] = (),
        on_run: Callable[[tuple[str, ...]], None] = lambda _goals: None,
    ) -> None:
        self._table = table
        self._states = [root]
        self._refused = set(refused)
        self._on_run = on_run
        self.expanded: list[tuple[str, ...]] = []

    async def run(self, handle: int, tactics: Sequence[str], *, seconds: float) -> Sequence[Step]:
        """See `Stepper.run`."""
        goals = self._states[handle]
        self.expanded.append(goals)
        self._on_run(goals)
        return [self._step(goals, tactic) for tactic in tactics]

    async def accepts(self, script: Sequence[str]) -> bool:
        """See `Stepper.accepts`."""
        return tuple(script) not in self._refused

    def _step(self, goals: tuple[str, ...], tactic: str) -> Step:
        after = self._table.get(goals, {}).get(tactic)
        if after is None:
            return Step(tactic, error="tactic failed")
        if not after:
            return Step(tactic, completed=True)
        self._states.append(after)
        return Step(tactic, after, len(self._states) - 1)
