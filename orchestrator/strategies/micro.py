"""The portfolio of single tactics and short combinations, tried on the goal's state, cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from orchestrator.goal import Goal, SorryKind
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.result import Result, StrategyType
from orchestrator.strategies.base import NOT_PROVED, TIMEOUT, ProofContext, Prover, Timing, guarded
from orchestrator.strategies.portfolio import Candidate, Tier, portfolio
from orchestrator.strategies.suggestions import RESTATED, found_a_proof, is_search, suggestions

_BATCH = 12
_LEAST_SECONDS = 0.2
_GRACE_SECONDS = 20.0
_CHECK_SECONDS = 30.0
_RESTATED_MILLISECONDS = 8_000

Order = Callable[[Goal, Sequence[Candidate]], Sequence[Candidate]]
Definitions = Callable[[Goal], Iterable[str]]


async def run_micro(
    goal: Goal,
    timeout: float,
    *,
    prover: Prover,
    definitions: Iterable[str] = (),
    order: Order = lambda _goal, candidates: candidates,
    timing: Timing = Timing(),  # noqa: B008 - frozen
) -> Result:
    """Try the portfolio on `goal` for at most `timeout` seconds.

    A tactic that closes the state is checked in its declaration before it counts. What works in a declaration but not
    on the state (a different default of the elaborator) is looked for at the end, with the cheapest tactics.

    Args:
        goal: the goal.
        timeout: seconds, from when the goal is open on a session.
        prover: opens goals on sessions.
        definitions: full names of the project's own definitions.
        order: puts the candidates of one tier into the order of trial.

    Raises:
        SessionError: the session broke while the goal's file was loaded.
        RequestRefused: the goal is not in its file as Lean elaborates it.
    """

    async with prover.open(goal) as context:
        # The search watches its own time and ends between two tactics; being cancelled would cost the Lean process.
        return await guarded(
            StrategyType.MICRO,
            lambda: _Search(context, timing.clock() + timeout, timing.clock).run(definitions, order),
            timeout + timing.grace_seconds,
            clock=timing.clock,
        )


@dataclass
class _Search:
    """One run over the portfolio. It watches its own time and ends between two tactics."""

    context: ProofContext
    deadline: float
    clock: Callable[[], float]
    tried: int = 0

    async def run(self, definitions: Iterable[str], order: Order) -> Result:
        goal = self.context.goal
        candidates = portfolio(goal, definitions)
        for tier in Tier:
            chosen = order(goal, [candidate for candidate in candidates if candidate.tier is tier])
            for batch in _batches(chosen):
                result = await self._batch(batch)
                if result is not None:
                    return result
                if self._left < _LEAST_SECONDS:
                    return Result(success=False, error=TIMEOUT, metadata={"tactics_tried": self.tried})
            if tier is Tier.CHEAP:
                script = await self._in_declaration(chosen)
                if script:
                    return self._proved(script, checked="declaration")
        return Result(success=False, error=NOT_PROVED, metadata={"tactics_tried": self.tried})

    @property
    def _left(self) -> float:
        return self.deadline - self.clock()

    async def _batch(self, batch: Sequence[Candidate]) -> Result | None:
        """Try candidates; those behind one that closes the state and is then refused are tried, too."""
        while batch and self._left >= _LEAST_SECONDS:
            replies = await self._try(batch)
            if not replies:
                break
            for reply in replies:
                script = await self._proof_in(reply) or await self._restated(reply)
                if script:
                    return self._proved(script, found_by=reply.tactic, milliseconds=reply.milliseconds)
            batch = batch[len(replies) :]
        return None

    async def _try(self, batch: Sequence[Candidate]) -> tuple[TacticReply, ...]:
        seconds = self._left
        longest = max(candidate.milliseconds for candidate in batch)
        limits = Limits(milliseconds=min(longest, int(seconds * 1000)))
        texts = [self._for_all(candidate.tactic) for candidate in batch]
        replies = await self.context.tactics(texts, limits=limits, budget_seconds=seconds)
        self.tried += len(replies)
        return replies

    def _for_all(self, tactic: str) -> str:
        return f"all_goals ({tactic})" if self.context.goals > 1 else tactic

    async def _proof_in(self, reply: TacticReply) -> str:
        """The stable script that a reply stands for, checked in its declaration; "" when there is none."""
        if not reply.completed:
            return ""
        scripts = [reply.tactic]
        if is_search(reply.tactic):
            scripts = [self._for_all(script) for script in suggestions(reply.messages)]
        for script in scripts:
            if await self._check(script):
                return script
        return ""

    async def _restated(self, reply: TacticReply) -> str:
        """A proof that a search found and could not write down, written down in another way; "" when there is none."""
        if not is_search(reply.tactic) or not (reply.completed or found_a_proof(reply)):
            return ""
        for tactic in RESTATED:
            if self._left < _LEAST_SECONDS:
                break
            for again in await self._try([Candidate(tactic, Tier.SEARCH, _RESTATED_MILLISECONDS)]):
                script = await self._proof_in(again)
                if script:
                    return script
        return ""

    async def _in_declaration(self, candidates: Sequence[Candidate]) -> str:
        if self.context.goal.kind is SorryKind.STOP:
            return ""
        for candidate in candidates:
            if candidate.tactic in _CHEAP_TO_CHECK and self._left >= _LEAST_SECONDS:
                self.tried += 1
                if await self._check(candidate.tactic):
                    return candidate.tactic
        return ""

    async def _check(self, script: str) -> bool:
        """Whether the declaration takes the script; what was found right before the end is still looked at."""
        seconds = min(_CHECK_SECONDS, self._left + _GRACE_SECONDS / 2)
        return seconds > _LEAST_SECONDS and (await self.context.check(script, seconds=seconds)).accepted

    def _proved(self, script: str, **metadata: object) -> Result:
        return Result(
            success=True, tactics=tuple(script.split("\n")), metadata={"tactics_tried": self.tried, **metadata}
        )


def _batches(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    return [list(candidates[i : i + _BATCH]) for i in range(0, len(candidates), _BATCH)]


_CHEAP_TO_CHECK = frozenset({"rfl", "simp", "simp_all", "omega", "grind"})


class Micro:
    """`run_micro` as a strategy.

    Args:
        prover: opens goals on sessions.
        definitions: full names of the project's own definitions that a goal sees.
        order: puts the candidates of one tier into the order of trial.
        timing: what its time is told by.
    """

    def __init__(
        self,
        prover: Prover,
        *,
        definitions: Definitions = lambda _goal: (),
        order: Order = lambda _goal, candidates: candidates,
        timing: Timing = Timing(),  # noqa: B008 - frozen
    ) -> None:
        self._prover = prover
        self._definitions = definitions
        self._order = order
        self._timing = timing

    @property
    def type(self) -> StrategyType:
        """The strategy's name in the ledger."""
        return StrategyType.MICRO

    def available(self, goal: Goal) -> str:
        """It needs a proposition."""
        return "" if goal.is_prop else "the goal asks for data, not for a proof"

    async def run(self, goal: Goal, timeout: float) -> Result:
        """See `run_micro`."""
        return await run_micro(
            goal,
            timeout,
            prover=self._prover,
            definitions=self._definitions(goal),
            order=self._order,
            timing=self._timing,
        )
