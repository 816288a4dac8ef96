"""Where the goals of a proof tree stand on a Lean session, replayed when the session's process was replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.errors import RequestRefused, SessionError
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.strategies.base import ProofContext
from orchestrator.strategies.hammer.proof_tree import GoalNode

REPLAY_MILLISECONDS = 10_000


class GoalStates:
    """Runs tactics on goals of one tree."""

    def __init__(self, context: ProofContext, left: Callable[[], float]) -> None:
        self._context = context
        self._left = left
        self._states: dict[GoalNode, int] = {}
        self.tried = 0

    async def run(
        self, node: GoalNode, tactics: Sequence[str], milliseconds: int, *, stop_on_success: bool = True
    ) -> tuple[TacticReply, ...]:
        """Try tactics on a goal alone; fewer replies when one closes it or the time is over.

        A tactic that kills the process is a failed one.
        """
        replies: list[TacticReply] = []
        together = len(tactics)
        while len(replies) < len(tactics) and self._left() > 0:
            batch = tactics[len(replies) : len(replies) + together]
            try:
                found = await self._on_state(node, batch, milliseconds, stop_on_success)
            except RequestRefused:
                # A check has cost the process meanwhile: its states went with it.
                if not self._states:
                    raise
                self._states.clear()
                continue
            except SessionError as error:
                self._states.clear()
                if len(batch) > 1:
                    together = 1
                    continue
                found = (TacticReply(tactic=batch[0], error=f"Lean broke on it: {error.what}"),)
            replies += found
            if not found or (stop_on_success and found[-1].completed):
                break
        self.tried += len(replies)
        return tuple(replies)

    def place(self, node: GoalNode, state: int | None) -> None:
        """Note the proof state whose goal number `node.index` this goal is."""
        if state is not None:
            self._states[node] = state

    async def _on_state(
        self, node: GoalNode, tactics: Sequence[str], milliseconds: int, stop: bool
    ) -> tuple[TacticReply, ...]:
        seconds = self._left()
        if seconds <= 0:
            return ()
        limits = Limits(milliseconds=max(1, min(milliseconds, int(seconds * 1000))))
        state, only = await self._state(node)
        if state is None and tactics and node.parent is not None:
            return tuple(TacticReply(tactic=tactic, error="the goal could not be reached again") for tactic in tactics)
        return await self._context.tactics(
            tactics, proof_state=state, limits=limits, stop_on_success=stop, budget_seconds=seconds, only=only
        )

    async def _state(self, node: GoalNode) -> tuple[int | None, int | None]:
        """The proof state of a goal and its number there; (None, None) for the root as it was opened."""
        if node not in self._states and (node.parent is not None or node.prefix):
            await self._replay(node)
        state = self._states.get(node)
        if state is None:
            return None, None
        return state, 0 if node.prefix else node.index

    async def _replay(self, node: GoalNode) -> None:
        state: int | None = None
        only: int | None = None
        if node.parent is not None:
            above, place = await self._state(node.parent.goal)
            reply = await self._again(node.parent.tactic, above, place)
            if reply is None:
                return
            state, only = reply, node.index
        for line in node.prefix:
            state = await self._again(line, state, only)
            only = 0
            if state is None:
                return
        self.place(node, state)

    async def _again(self, tactic: str, state: int | None, only: int | None) -> int | None:
        limits = Limits(milliseconds=REPLAY_MILLISECONDS)
        for reply in await self._context.tactics([tactic], proof_state=state, limits=limits, only=only):
            return reply.proof_state
        return None
