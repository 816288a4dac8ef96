"""The portfolio of single tactics and short combinations, tried on the goal's state, cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from orchestrator.config import STRATEGY_SECONDS
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.strategies.base import BoundStrategy, GoalOpener, ProofContext, Timing, accepts, attack
from orchestrator.strategies.local_context import DefinitionsOf
from orchestrator.strategies.micro.library_tactics import HeaderTactics
from orchestrator.strategies.micro.order import LearnedOrder, learned_order
from orchestrator.strategies.micro.portfolio import TacticCandidate, Tier, Tried, candidates
from orchestrator.strategies.policy.bandit import RecordedChances
from orchestrator.strategies.spec import StrategySpec
from orchestrator.strategies.suggestions import RESTATED, found_a_proof, is_search, suggestions

_BATCH = 12
_LEAST_SECONDS = 0.2
_RESTATED_MILLISECONDS = 8_000


async def run_micro(
    goal: Goal,
    timeout: float,
    *,
    prover: GoalOpener,
    definitions: DefinitionsOf = lambda _goal: (),
    order: LearnedOrder | None = None,
    header: HeaderTactics | None = None,
    timing: Timing = Timing(),  # noqa: B008 - frozen
) -> Result:
    """Try the portfolio on `goal` for at most `timeout` seconds.

    A tactic that closes the state is checked in its declaration before it counts.

    Args:
        order: puts the candidates into the order of trial, and hears what came of them; the portfolio's own order
            unless given.
        header: what earlier goals have found out about the tactics that their headers bring.
    """
    trials: list[Tried] = []
    header = header or HeaderTactics()

    async def work(context: ProofContext, deadline: float) -> Result:
        brought = await header.brought(goal, context, seconds=deadline - timing.clock())
        known = candidates(goal, definitions(goal), brought)
        chosen = order.order(goal, known) if order is not None else known
        return await _PortfolioRun(context, deadline, timing.clock, trials).run(chosen)

    result = await attack(StrategyType.MICRO, prover, goal, timeout, work, timing)
    if order is not None:
        order.learn(goal, trials)
    return result


@dataclass
class _PortfolioRun:
    """One run over candidates. It watches its own time and ends between two tactics."""

    context: ProofContext
    deadline: float
    clock: Callable[[], float]
    trials: list[Tried]
    tried: int = 0

    async def run(self, chosen: Sequence[TacticCandidate]) -> Result:
        for batch in _batches(chosen):
            declared = batch[0].tier is Tier.DECLARATION
            result = await (self._in_declaration(batch) if declared else self._batch(batch))
            if result is not None:
                return result
            if self._left < _LEAST_SECONDS:
                return Result(success=False, outcome=Outcome.TIMEOUT, metadata={"tactics_tried": self.tried})
        return Result(success=False, outcome=Outcome.NOT_PROVED, metadata={"tactics_tried": self.tried})

    @property
    def _left(self) -> float:
        return self.deadline - self.clock()

    async def _batch(self, batch: Sequence[TacticCandidate]) -> Result | None:
        """Try candidates; those behind one that closes the state and is then refused are tried, too."""
        while batch and self._left >= _LEAST_SECONDS:
            replies = await self._try(batch)
            if not replies:
                break
            for candidate, reply in zip(batch, replies, strict=False):
                started = self.clock()
                script = await self._proof_in(reply) or await self._restated(reply)
                seconds = reply.milliseconds / 1000 + self.clock() - started
                self.trials.append(Tried(candidate, bool(script), seconds))
                if script:
                    return self._proved(script, found_by=reply.tactic, milliseconds=reply.milliseconds)
            batch = batch[len(replies) :]
        return None

    async def _try(self, batch: Sequence[TacticCandidate]) -> tuple[TacticReply, ...]:
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
            if await accepts(self.context, script, self._left):
                return script
        return ""

    async def _restated(self, reply: TacticReply) -> str:
        """A proof that a search found and could not write down, written down in another way; "" when there is none."""
        if not is_search(reply.tactic) or not (reply.completed or found_a_proof(reply)):
            return ""
        for tactic in RESTATED:
            if self._left < _LEAST_SECONDS:
                break
            for again in await self._try([TacticCandidate(tactic, Tier.SEARCH, _RESTATED_MILLISECONDS)]):
                script = await self._proof_in(again)
                if script:
                    return script
        return ""

    async def _in_declaration(self, batch: Sequence[TacticCandidate]) -> Result | None:
        for candidate in batch:
            if self._left < _LEAST_SECONDS:
                break
            self.tried += 1
            started = self.clock()
            accepted = await accepts(self.context, candidate.tactic, self._left)
            self.trials.append(Tried(candidate, accepted, self.clock() - started))
            if accepted:
                return self._proved(candidate.tactic, checked="declaration")
        return None

    def _proved(self, script: str, **metadata: object) -> Result:
        return Result(
            success=True, tactics=tuple(script.split("\n")), metadata={"tactics_tried": self.tried, **metadata}
        )


def _batches(chosen: Sequence[TacticCandidate]) -> list[list[TacticCandidate]]:
    """Candidates of one tier that follow one another, a bounded number together: a request has one limit for all."""
    runs = [list(group) for _, group in groupby(chosen, key=lambda candidate: candidate.tier)]
    return [run[i : i + _BATCH] for run in runs for i in range(0, len(run), _BATCH)]


SPEC = StrategySpec(
    type=StrategyType.MICRO,
    seconds=STRATEGY_SECONDS[StrategyType.MICRO],
    recorded=RecordedChances(0.5, 5.2, after={"hammer": 0.02, "micro": 0.28, "reprover": 0.29}),
    make=lambda tools: BoundStrategy(
        StrategyType.MICRO,
        partial(
            run_micro,
            prover=tools.whole_states or tools.prover,
            definitions=tools.definitions,
            order=learned_order(tools.ledger),
            header=HeaderTactics(),
            timing=tools.timing,
        ),
    ),
)
