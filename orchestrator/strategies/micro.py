"""The portfolio of single tactics and short combinations, tried on the goal's state, cheapest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from orchestrator.goal import Goal, SorryKind
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.result import Result, StrategyType
from orchestrator.strategies.base import NOT_PROVED, TIMEOUT, ProofContext, Prover, guarded
from orchestrator.strategies.portfolio import Candidate, Tier, portfolio
from orchestrator.strategies.suggestions import is_search, suggestions

_BATCH = 12
_LEAST_SECONDS = 0.2
_GRACE_SECONDS = 20.0

Order = Callable[[Goal, Sequence[Candidate]], Sequence[Candidate]]
Definitions = Callable[[Goal], Iterable[str]]


async def run_micro(
    goal: Goal,
    timeout: float,
    *,
    prover: Prover,
    definitions: Iterable[str] = (),
    order: Order = lambda _goal, candidates: candidates,
    clock: Callable[[], float] = time.monotonic,
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
            lambda: _search(context, timeout, definitions, order, clock),
            timeout + _GRACE_SECONDS,
            clock=clock,
        )


async def _search(
    context: ProofContext, timeout: float, definitions: Iterable[str], order: Order, clock: Callable[[], float]
) -> Result:
    deadline = clock() + timeout
    tried = 0
    candidates = portfolio(context.goal, definitions)
    for tier in Tier:
        chosen = order(context.goal, [candidate for candidate in candidates if candidate.tier is tier])
        for batch in _batches(chosen):
            replies = await _try(context, batch, deadline - clock())
            tried += len(replies)
            for reply in replies:
                script = await _proof_in(context, reply, deadline, clock)
                if script:
                    return _proved(script, reply, tried)
            if deadline - clock() < _LEAST_SECONDS:
                return Result(success=False, error=TIMEOUT, metadata={"tactics_tried": tried})
        if tier is Tier.CHEAP:
            script = await _in_declaration(context, chosen, deadline, clock)
            if script:
                return Result(
                    success=True, tactics=(script,), metadata={"tactics_tried": tried, "checked": "declaration"}
                )
    return Result(success=False, error=NOT_PROVED, metadata={"tactics_tried": tried})


def _batches(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    return [list(candidates[i : i + _BATCH]) for i in range(0, len(candidates), _BATCH)]


async def _try(context: ProofContext, batch: Sequence[Candidate], seconds: float) -> tuple[TacticReply, ...]:
    if not batch or seconds < _LEAST_SECONDS:
        return ()
    longest = max(candidate.milliseconds for candidate in batch)
    limits = Limits(milliseconds=min(longest, int(seconds * 1000)))
    texts = [_for_all(context, candidate.tactic) for candidate in batch]
    return await context.tactics(texts, limits=limits, budget_seconds=seconds)


def _for_all(context: ProofContext, tactic: str) -> str:
    return f"all_goals ({tactic})" if context.goals > 1 else tactic


async def _proof_in(context: ProofContext, reply: TacticReply, deadline: float, clock: Callable[[], float]) -> str:
    """The stable script that a reply stands for, checked in its declaration; "" when there is none."""
    if not reply.completed:
        return ""
    scripts = list(suggestions(reply.messages)) if is_search(reply.tactic) else [reply.tactic]
    if is_search(reply.tactic) and context.goals > 1:
        scripts = [f"all_goals ({script})" for script in scripts]
    for script in scripts:
        if clock() > deadline + _GRACE_SECONDS / 2:
            return ""
        if (await context.check(script)).accepted:
            return script
    return ""


async def _in_declaration(
    context: ProofContext, candidates: Sequence[Candidate], deadline: float, clock: Callable[[], float]
) -> str:
    if context.goal.kind is SorryKind.STOP:
        return ""
    for candidate in candidates:
        if candidate.tactic not in _CHEAP_TO_CHECK or deadline - clock() < _LEAST_SECONDS:
            continue
        if (await context.check(candidate.tactic)).accepted:
            return candidate.tactic
    return ""


_CHEAP_TO_CHECK = frozenset({"rfl", "simp", "simp_all", "omega", "grind"})


def _proved(script: str, reply: TacticReply, tried: int) -> Result:
    return Result(
        success=True,
        tactics=tuple(script.split("\n")),
        metadata={"tactics_tried": tried, "found_by": reply.tactic, "milliseconds": reply.milliseconds},
    )


class Micro:
    """`run_micro` as a strategy.

    Args:
        prover: opens goals on sessions.
        definitions: full names of the project's own definitions that a goal sees.
        order: puts the candidates of one tier into the order of trial.
    """

    def __init__(
        self,
        prover: Prover,
        *,
        definitions: Definitions = lambda _goal: (),
        order: Order = lambda _goal, candidates: candidates,
    ) -> None:
        self._prover = prover
        self._definitions = definitions
        self._order = order

    @property
    def type(self) -> StrategyType:
        """The strategy's name in the ledger."""
        return StrategyType.MICRO

    def available(self, goal: Goal) -> str:
        """It needs a proposition."""
        return "" if goal.is_prop else "the goal asks for data, not for a proof"

    async def run(self, goal: Goal, timeout: float) -> Result:
        """See `run_micro`."""
        return await run_micro(goal, timeout, prover=self._prover, definitions=self._definitions(goal), order=self._order)
