"""A test double for what runs the tactics of a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from orchestrator.strategies.reprover.steps import Step


class ScriptedStepper:
    """A stepper in memory: a table of states.

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
        """What the table says."""
        goals = self._states[handle]
        self.expanded.append(goals)
        self._on_run(goals)
        return [self._step(goals, tactic) for tactic in tactics]

    async def accepts(self, script: Sequence[str]) -> bool:
        """Whether the script is not refused."""
        return tuple(script) not in self._refused

    def _step(self, goals: tuple[str, ...], tactic: str) -> Step:
        after = self._table.get(goals, {}).get(tactic)
        if after is None:
            return Step(tactic, error="tactic failed")
        if not after:
            return Step(tactic, completed=True)
        self._states.append(after)
        return Step(tactic, after, len(self._states) - 1)
