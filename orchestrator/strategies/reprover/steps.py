"""The seam between the search and whatever runs tactics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.errors import SessionError
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.strategies.base import ProofContext

ROOT = 0
"""The handle of the state that a search starts from."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one tactic did to a state.

    Attributes:
        goals: the goals that are open now, the one that the next tactic works on first.
        handle: names the new state; None when the tactic failed or nothing is left to do.
    """

    tactic: str
    goals: tuple[str, ...] = ()
    handle: int | None = None
    completed: bool = False
    error: str = ""


_CHECK_SECONDS = 30.0
_BROKE = "Lean broke on it"


class ContextStepper:
    """Runs tactics on proof states of an open goal.

    Proof states die with the Lean process; handles do not: a state is made again by running its tactics from the goal's
    own state. A tactic that kills the process counts as failed. `restarts`: how many dead processes are put up with.
    """

    def __init__(self, context: ProofContext, limits: Limits, *, restarts: int = 3) -> None:
        self._context = context
        self._limits = limits
        self._restarts = restarts
        self._paths: list[tuple[str, ...]] = [()]
        self._states: dict[int, int] = {}

    async def run(self, handle: int, tactics: Sequence[str], *, seconds: float) -> Sequence[Step]:
        """Try each tactic on one state, for at most `seconds` together; steps in their order, perhaps fewer."""
        try:
            return self._steps(handle, await self._replies(handle, tactics, seconds))
        except SessionError:
            self._lost()
        steps: list[Step] = []
        for tactic in tactics:
            try:
                steps += self._steps(handle, await self._replies(handle, [tactic], seconds))
            except SessionError as error:
                self._lost(error)
                steps.append(Step(tactic, error=f"{_BROKE}: {error.what}"))
        return steps

    async def accepts(self, script: Sequence[str]) -> bool:
        """Whether the whole declaration is accepted with this proof in it: the truth."""
        return (await self._context.check("\n".join(script), seconds=_CHECK_SECONDS)).accepted

    async def _replies(self, handle: int, tactics: Sequence[str], seconds: float) -> tuple[TacticReply, ...]:
        longest = self._limits.milliseconds or int(seconds * 1000)
        limits = replace(self._limits, milliseconds=max(1, min(longest, int(seconds * 1000))))
        state = await self._state(handle)
        return await self._context.tactics(
            tactics, proof_state=state, limits=limits, stop_on_success=True, budget_seconds=seconds
        )

    async def _state(self, handle: int) -> int | None:
        """The proof state of a handle in the present process, made again if it has to be; None for the goal's own."""
        if handle == ROOT:
            return None
        if handle in self._states:
            return self._states[handle]
        state: int | None = None
        for tactic in self._paths[handle]:
            replies = await self._context.tactics([tactic], proof_state=state, limits=self._limits)
            if not replies or replies[0].proof_state is None:
                raise SessionError("A proof state could not be made again", where=tactic)
            state = replies[0].proof_state
        assert state is not None
        self._states[handle] = state
        return state

    def _steps(self, handle: int, replies: Sequence[TacticReply]) -> list[Step]:
        return [self._step(handle, reply) for reply in replies]

    def _step(self, handle: int, reply: TacticReply) -> Step:
        if reply.failed:
            return Step(reply.tactic, error=reply.error)
        if reply.completed:
            return Step(reply.tactic, completed=True)
        if reply.proof_state is None or not reply.goals:
            return Step(reply.tactic, error=reply.status or "it closes the goals without proving them")
        self._paths.append((*self._paths[handle], reply.tactic))
        new = len(self._paths) - 1
        self._states[new] = reply.proof_state
        return Step(reply.tactic, reply.goals, new)

    def _lost(self, error: SessionError | None = None) -> None:
        self._states.clear()
        if error is not None:
            self._restarts -= 1
            if self._restarts < 0:
                raise error
