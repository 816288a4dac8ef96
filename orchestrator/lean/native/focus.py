"""One goal of a proof state by itself, on a REPL that knows whole states only.

The goal is turned to the front and focused; the others stay behind what comes of it, and are not shown.
"""

from __future__ import annotations

from orchestrator.errors import RequestRefused
from orchestrator.lean.native.journal import Journal
from orchestrator.lean.native.repl import Json

_CONTAINS_SORRY = "Incomplete: contains sorry"


class SingleGoals:
    """How many goals each proof state has, and how many of them, the last ones, are not shown."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._counts: dict[int, int] = {}
        self._hidden: dict[int, int] = {}

    def clear(self) -> None:
        """Forget every state."""
        self._counts.clear()
        self._hidden.clear()

    def forget(self, states_from: int | None) -> None:
        """Forget states from a number on."""
        if states_from is not None:
            self._counts = {state: n for state, n in self._counts.items() if state < states_from}
            self._hidden = {state: n for state, n in self._hidden.items() if state < states_from}

    async def chosen(self, tactic: str, state: int, goal: int | None, *, deadline: float) -> tuple[str, int]:
        """What the REPL is asked so that `tactic` sees `goal` alone (None: all that is shown); how many stay behind."""
        hidden = self._hidden.get(state, 0)
        text = f"(\n{tactic}\n)"
        if goal is None and not hidden:
            return text, 0
        total = await self._count(state, deadline)
        if goal is None and total - hidden > 1:
            return text, hidden
        number = goal or 0
        if number >= total - hidden:
            raise RequestRefused("Lean refused a request: The proof state has no such goal.", where=str(number))
        if total == 1:
            return text, 0
        turn = f"rotate_left {number}\n" if number else ""
        return f"(\n{turn}focus {text}\n)", total - 1

    def shown(self, reply: Json, behind: int, *, admits: bool) -> Json:
        """A reply without the goals that stay behind; what closes all others, and admits none, is completed."""
        if "proofState" not in reply:
            return reply
        goals = list(reply.get("goals", ()))
        self._counts[reply["proofState"]] = len(goals)
        if not behind:
            return reply
        self._hidden[reply["proofState"]] = min(behind, len(goals))
        visible = goals[: max(0, len(goals) - behind)]
        if visible:
            return {**reply, "goals": visible}
        admitted = admits or reply.get("sorries")
        return {**reply, "goals": [], "proofStatus": _CONTAINS_SORRY if admitted else "Completed"}

    async def _count(self, state: int, deadline: float) -> int:
        if state not in self._counts:
            reply = await self._journal.step(state, "skip", deadline=deadline)
            self._counts[state] = len(reply.get("goals", [""]))
        return self._counts[state]
