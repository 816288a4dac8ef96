"""Automation with the right lemmas, behind inductions, case distinctions and unfolding.

A best-first search over an AND/OR tree of goals. Each goal is tried with closers of growing effort and taken apart by
moves; what is cheap, shallow and alone comes first.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from orchestrator.config import STRATEGY_SECONDS
from orchestrator.goals.goal import Goal, SorryKind
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.protocol import TacticReply
from orchestrator.premises.retrieval import Choose
from orchestrator.strategies.base import (
    BoundStrategy,
    GoalOpener,
    ProofContext,
    Timing,
    accepts,
    attack,
    needs_proposition,
)
from orchestrator.strategies.hammer.added_facts import BY_NUMBERS
from orchestrator.strategies.hammer.closers import MILLISECONDS, Effort, closers
from orchestrator.strategies.hammer.goal_facts import GoalFacts
from orchestrator.strategies.hammer.lemmas import SearchLemmas
from orchestrator.strategies.hammer.moves import Apart, moves
from orchestrator.strategies.hammer.proof_states import GoalStates
from orchestrator.strategies.hammer.proof_tree import GoalNode, StepNode
from orchestrator.strategies.local_context import DeclarationsOf, VisibleDeclarations
from orchestrator.strategies.policy.bandit import RecordedChances
from orchestrator.strategies.spec import StrategySpec
from orchestrator.strategies.suggestions import PRINT_PLAINLY, is_search, printed_plainly, suggestions

_LEAST_SECONDS = 0.2
_MOVE_MILLISECONDS = 1_500
_MOST_GOALS = 12
_BATCH = 12
_EXPENSIVE_BATCH = 3
_SHARES = {
    Effort.NUMBERS: 0.3,
    Effort.LOGIC: 0.2,
    Effort.BOUNDS: 0.25,
    Effort.ADDED_FACTS: 0.25,
    Effort.INDUCTIONS: 0.25,
    Effort.PREMISES: 0.15,
    Effort.FULL: 0.2,
}
"""The most of the whole time that one goal's closers of an effort may take: grind stops late when it is told to."""
_DEEPEST = 5
_PLAN: tuple[tuple[Effort | Apart, float], ...] = (
    (Effort.QUICK, 0.0),
    (Effort.NUMBERS, 0.05),
    (Effort.FIRST_INDUCTIONS, 0.1),
    (Effort.LOGIC, 0.2),
    (Effort.LIBRARY, 0.3),
    (Apart.RESTATED, 0.35),
    (Effort.BOUNDS, 0.45),
    (Effort.ADDED_FACTS, 0.5),
    (Effort.INDUCTIONS, 0.6),
    (Apart.EVERY_WAY, 1.0),
    (Effort.PREMISES, 1.4),
    (Effort.FULL, 1.7),
    (Effort.SEARCH, 3.0),
)
_INDUCTIONS = (Effort.FIRST_INDUCTIONS, Effort.INDUCTIONS)
_NAMED = (*_INDUCTIONS, Effort.NUMBERS, Effort.LOGIC, Effort.BOUNDS, Effort.ADDED_FACTS)
"""What speaks of hypotheses by their names."""
_SLACK = 0.05
_SEARCH_AT = 0.7
"""The share of the time after which the root is searched for with `try?`, whatever else is waiting."""


@dataclass(order=True)
class _Task:
    priority: float
    number: int
    node: GoalNode = field(compare=False)
    effort: Effort | Apart = field(compare=False)
    extra: float = field(compare=False)


async def run_hammer(
    goal: Goal,
    timeout: float,
    *,
    prover: GoalOpener,
    declarations: DeclarationsOf = lambda _goal: VisibleDeclarations(),
    choose: Choose = lambda _goal, _mentions: (),
    timing: Timing = Timing(),  # noqa: B008 - frozen
) -> Result:
    """Search for a proof of `goal` for at most `timeout` seconds."""

    async def work(context: ProofContext, deadline: float) -> Result:
        def left() -> float:
            return deadline - timing.clock()

        states = GoalStates(context, left)
        words = SearchLemmas(goal, await context.mentions(), declarations(goal), choose, states)
        return await _HammerSearch(context, timeout, left, states, words).run()

    return await attack(StrategyType.HAMMER, prover, goal, timeout, work, timing)


class _HammerSearch:
    """One search. It watches its own time and ends between two tactics."""

    def __init__(
        self,
        context: ProofContext,
        timeout: float,
        left: Callable[[], float],
        states: GoalStates,
        words: SearchLemmas,
    ) -> None:
        self._context = context
        self._timeout = timeout
        self._seconds_left = left
        self._states = states
        self._words = words
        self._root = GoalNode(context.goal.text)
        self._failed: set[tuple[str, str]] = set()
        self._proofs: dict[str, tuple[str, ...]] = {}
        self._tasks: list[_Task] = []
        self._numbers = itertools.count()
        self._refused: set[tuple[str, ...]] = set()
        self._searched = False
        self._closed_after = 0.0

    @property
    def _left(self) -> float:
        return self._seconds_left()

    async def run(self) -> Result:
        """Search until there is a proof that the declaration takes, nothing is left to do, or the time is over."""
        self._queue(self._root)
        while self._tasks and self._left > _LEAST_SECONDS:
            await self._next()
            if self._root.proved:
                script = await self._concluded()
                if script:
                    told = {"tactics_tried": self._states.tried, "closed_after": round(self._closed_after, 3)}
                    return Result(success=True, tactics=script, metadata=told)
        outcome = Outcome.TIMEOUT if self._tasks else Outcome.NOT_PROVED
        return Result(success=False, outcome=outcome, metadata={"tactics_tried": self._states.tried})

    async def _next(self) -> None:
        if not self._searched and self._left < self._timeout * (1 - _SEARCH_AT):
            self._searched = True
            await self._close(self._root, Effort.SEARCH)
            return
        task = heapq.heappop(self._tasks)
        if not task.node.wanted:
            return
        priority = task.node.cost + task.node.hindrance + task.extra
        if priority > task.priority + _SLACK:  # a goal beside it has turned out to be hard
            heapq.heappush(self._tasks, replace(task, priority=priority))
            return
        if isinstance(task.effort, Apart):
            await self._expand(task.node, task.effort)
        else:
            await self._close(task.node, task.effort)

    def _queue(self, node: GoalNode) -> None:
        known = self._proofs.get(node.text)
        if known:
            node.close(known)
            return
        base = node.cost + node.hindrance
        for effort, extra in _PLAN:
            if effort in _INDUCTIONS and not (node is self._root or node.is_lemma):
                continue
            if effort is Apart.RESTATED and node.depth == 0:
                continue
            heapq.heappush(self._tasks, _Task(base + extra, next(self._numbers), node, effort, extra))

    async def _close(self, node: GoalNode, effort: Effort) -> None:
        self._searched = self._searched or (node is self._root and effort is Effort.SEARCH)
        if effort in _NAMED:
            await self._name(node)
        retrieves = effort is Effort.PREMISES and node is not self._root
        lemmas = self._words.near(node) if retrieves else self._words.lemmas
        facts = GoalFacts(node.text, lemmas.local)
        plain = await self._plain(node) if effort in _INDUCTIONS else ""
        todo = [
            tactic
            for tactic in closers(facts, lemmas, effort, root=node is self._root, plain=plain)
            if (node.text, tactic) not in self._failed
        ]
        until = self._left - _SHARES.get(effort, 1.0) * self._timeout
        batch = _BATCH if effort is Effort.QUICK else _EXPENSIVE_BATCH
        while todo and self._left > max(_LEAST_SECONDS, until) and not node.proved:
            replies = await self._states.run(node, todo[:batch], MILLISECONDS[effort])
            for reply in replies:
                self._failed.add((node.text, reply.tactic))
                if reply.completed:
                    await self._closed(node, reply)
            if not replies:
                return
            again = await self._words.once_more(node, replies)
            fresh = [tactic for tactic in again if (node.text, tactic) not in self._failed]
            todo = [*fresh, *_worth_trying(todo[len(replies) :], replies)]
        node.withstood = not node.proved

    async def _closed(self, node: GoalNode, reply: TacticReply) -> None:
        if not is_search(reply.tactic):
            self._note(node, reply.tactic)
            return
        for script in suggestions(reply.messages):
            for again in await self._states.run(node, [script], MILLISECONDS[Effort.SEARCH]):
                if again.completed:
                    self._note(node, script)
                    return

    def _note(self, node: GoalNode, script: str) -> None:
        lines = tuple(script.split("\n"))
        self._proofs[node.text] = lines
        node.close(lines)

    async def _expand(self, node: GoalNode, how: Apart) -> None:
        if node.depth >= _DEEPEST:
            return
        await self._name(node)
        plain = await self._plain(node)
        lemmas = self._words.lemmas
        if how is Apart.EVERY_WAY and node is not self._root and lemmas.local.proved:
            lemmas = self._words.near(node)
        for move in moves(GoalFacts(node.text, lemmas.local), plain, how, lemmas):
            if self._left < _LEAST_SECONDS or not node.wanted:
                return
            if (node.text, move.tactic) not in self._failed:
                self._failed.add((node.text, move.tactic))
                for reply in await self._states.run(node, [move.tactic], _MOVE_MILLISECONDS):
                    self._step(node, reply, move.cost)

    def _step(self, node: GoalNode, reply: TacticReply, cost: float) -> None:
        if reply.completed:
            self._note(node, reply.tactic)
            return
        if reply.failed or not reply.goals or len(reply.goals) > _MOST_GOALS:
            return
        # Goals that share an unknown cannot be proved one by one.
        if any(_UNKNOWN.search(goal) for goal in reply.goals):
            return
        above = {node.text, *(step.goal.text for step in node.path())}
        if above.intersection(reply.goals):
            return
        step = StepNode(node, reply.tactic)
        step.goals = [GoalNode(text, step, node.cost + cost) for text in reply.goals]
        node.steps.append(step)
        for child in step.goals:
            self._states.place(child, reply.proof_state)
        for child in step.goals:
            self._queue(child)

    async def _name(self, node: GoalNode) -> None:
        """Introduce and name what stands in the way; what it takes becomes the node's prefix."""
        facts = GoalFacts(node.text, self._words.lemmas.local)
        if facts.introduces and await self._prepend(node, "intros"):
            facts = GoalFacts(node.text, self._words.lemmas.local)
        if facts.hidden:
            await self._prepend(node, f"rename_i {' '.join(facts.fresh(facts.hidden))}")

    async def _prepend(self, node: GoalNode, tactic: str) -> bool:
        for reply in await self._states.run(node, [tactic], _MOVE_MILLISECONDS):
            if not reply.failed and len(reply.goals) == 1 and reply.proof_state is not None:
                node.prefix = (*node.prefix, tactic)
                node.text = reply.goals[0]
                self._states.place(node, reply.proof_state)
                return True
        return False

    async def _plain(self, node: GoalNode) -> str:
        """The goal printed without field notation."""
        replies = await self._states.run(node, [PRINT_PLAINLY], _MOVE_MILLISECONDS)
        return next(filter(None, map(printed_plainly, replies)), node.text)

    async def _concluded(self) -> tuple[str, ...]:
        """The proof, taken by the declaration; () when that refuses it."""
        found = self._root.script
        self._closed_after = self._timeout - self._left
        if found not in self._refused and await accepts(self._context, "\n".join(found), self._left):
            return found
        self._refused.add(found)
        self._proofs.clear()
        self._root.reopen()
        return ()


def _worth_trying(todo: Sequence[str], replies: Sequence[TacticReply]) -> list[str]:
    """What is left to try after these replies: where a number does not fit, no other number does."""
    misfit = any(reply.tactic.endswith(BY_NUMBERS) and "mismatch" in reply.error for reply in replies)
    return [tactic for tactic in todo if not (misfit and tactic.endswith(BY_NUMBERS))]


_UNKNOWN = re.compile(r"(?<![\w'])\?[\w.✝]+")


def _why_not(goal: Goal) -> str:
    return "there may be several goals behind a `stop`" if goal.kind is SorryKind.STOP else needs_proposition(goal)


SPEC = StrategySpec(
    type=StrategyType.HAMMER,
    seconds=STRATEGY_SECONDS[StrategyType.HAMMER],
    recorded=RecordedChances(0.8, 3.0, after={"hammer": 0.38, "micro": 0.6, "reprover": 0.71}),
    revision=4,
    make=lambda tools: BoundStrategy(
        StrategyType.HAMMER,
        partial(
            run_hammer,
            prover=tools.prover,
            declarations=tools.declarations,
            choose=tools.choose,
            timing=tools.timing,
        ),
        _why_not,
    ),
)
