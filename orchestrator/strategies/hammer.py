"""Automation with the right lemmas, behind inductions, case distinctions and unfolding.

A best-first search over an AND/OR tree of goals. Each goal is tried with closers of growing effort and taken apart by
moves; what is cheap, shallow and alone comes first.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.goal import Goal, SorryKind
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.result import Result, StrategyType
from orchestrator.strategies.base import NOT_PROVED, TIMEOUT, ProofContext, Prover, Timing, guarded
from orchestrator.strategies.closers import MILLISECONDS, Effort, Lemmas, closers
from orchestrator.strategies.goal_facts import Facts
from orchestrator.strategies.moves import moves
from orchestrator.strategies.proof_tree import GoalNode, StepNode
from orchestrator.strategies.suggestions import is_search, suggestions
from orchestrator.strategies.surroundings import Surroundings

_GRACE_SECONDS = 20.0
_LEAST_SECONDS = 0.2
_CHECK_SECONDS = 30.0
_MOVE_MILLISECONDS = 1_500
_MOST_GOALS = 12
_DEEPEST = 4

Choose = Callable[[Goal, Sequence[str]], Lemmas]
"""Lemmas for a goal that mentions the given constants."""


@dataclass(order=True)
class _Task:
    priority: float
    number: int
    node: GoalNode = field(compare=False)
    effort: Effort | None = field(compare=False)
    """None: take the goal apart."""


async def run_hammer(
    goal: Goal,
    timeout: float,
    *,
    prover: Prover,
    surroundings: Surroundings = Surroundings(),  # noqa: B008 - frozen
    timing: Timing = Timing(),  # noqa: B008 - frozen
) -> Result:
    """Search for a proof of `goal` for at most `timeout` seconds.

    Raises:
        SessionError: the session broke while the goal's file was loaded.
        RequestRefused: the goal is not in its file as Lean elaborates it.
    """
    async with prover.open(goal) as context:
        return await guarded(
            StrategyType.HAMMER,
            lambda: _Search(context, timing.clock() + timeout, timing.clock).run(surroundings),
            timeout + timing.grace_seconds,
            clock=timing.clock,
        )


class _Search:
    def __init__(self, context: ProofContext, deadline: float, clock: Callable[[], float]) -> None:
        self.context = context
        self.deadline = deadline
        self.clock = clock
        self.tried = 0
        self.root = GoalNode(context.goal.text)
        self.states: dict[GoalNode, tuple[int | None, int | None]] = {self.root: (None, None)}
        self.failed: set[tuple[str, str]] = set()
        self.proofs: dict[str, tuple[str, ...]] = {}
        self.tasks: list[_Task] = []
        self.numbers = itertools.count()
        self.refused: set[tuple[str, ...]] = set()
        self.trace: list[tuple[float, str]] = []

    @property
    def left(self) -> float:
        return self.deadline - self.clock()

    async def run(self, surroundings: Surroundings) -> Result:
        local = surroundings.around(await self.context.mentions())
        self.lemmas = Lemmas(local)
        self.local = local
        self.queue(self.root)
        while self.tasks and self.left > _LEAST_SECONDS:
            task = heapq.heappop(self.tasks)
            if not task.node.wanted:
                continue
            if task.effort is None:
                await self.expand(task.node)
            else:
                await self.close(task.node, task.effort)
            if self.root.proved:
                result = await self.conclude()
                if result is not None:
                    return result
        error = NOT_PROVED if not self.tasks else TIMEOUT
        return Result(success=False, error=error, metadata={"tactics_tried": self.tried})

    def queue(self, node: GoalNode) -> None:
        known = self.proofs.get(node.text)
        if known:
            node.prove(known)
            return
        base = node.cost + 0.3 * node.crowd
        plan: list[tuple[Effort | None, float]] = [
            (Effort.QUICK, 0.0),
            (None, 1.0),
            (Effort.FULL, 1.5),
            (Effort.PREMISES, 2.0),
            (Effort.SEARCH, 2.6),
        ]
        for effort, extra in plan:
            heapq.heappush(self.tasks, _Task(base + extra, next(self.numbers), node, effort))

    async def close(self, node: GoalNode, effort: Effort) -> None:
        facts = Facts(node.text, self.local)
        listed = closers(facts, self.lemmas, effort, root=node is self.root)
        todo = [tactic for tactic in listed if (node.text, tactic) not in self.failed]
        while todo and self.left > _LEAST_SECONDS and not node.proved:
            replies = await self.ask(node, todo, MILLISECONDS[effort])
            for reply in replies:
                self.failed.add((node.text, reply.tactic))
                if reply.completed:
                    script = reply.tactic
                    if is_search(script):
                        script = next(iter(suggestions(reply.messages)), "")
                    if script:
                        self.note(node, script)
            if not replies:
                break
            todo = todo[len(replies) :]

    def note(self, node: GoalNode, script: str) -> None:
        self.proofs[node.text] = (script,)
        node.prove(script.split("\n"))

    async def expand(self, node: GoalNode) -> None:
        if node.depth >= _DEEPEST:
            return
        prefix = await self.named(node)
        plain = await self.plain(node)
        for move in moves(Facts(node.text, self.local), plain):
            if self.left < _LEAST_SECONDS or not node.wanted:
                return
            if (node.text, move.tactic) in self.failed:
                continue
            self.failed.add((node.text, move.tactic))
            for reply in await self.ask(node, [move.tactic], _MOVE_MILLISECONDS):
                self.step(node, prefix, reply, move.cost)
            # the goals that this move left are looked at before the next one is made, where that is cheap
            if self.root.proved:
                return

    def step(self, node: GoalNode, prefix: str, reply: TacticReply, cost: float) -> None:
        if reply.failed or (not reply.goals and not reply.completed) or len(reply.goals) > _MOST_GOALS:
            return
        if reply.completed:
            self.note(node, prefix + reply.tactic)
            return
        if any("?" in goal and "⊢" in goal and _has_metavariable(goal) for goal in reply.goals):
            return
        above = {node.text, *(step.goal.text for step in node.path())}
        if any(goal in above for goal in reply.goals):
            return
        step = StepNode(node, prefix + reply.tactic)
        step.goals = [GoalNode(text, step, index, node.cost + cost) for index, text in enumerate(reply.goals)]
        node.steps.append(step)
        for child in step.goals:
            self.states[child] = (reply.proof_state, child.index)
        for child in step.goals:
            self.queue(child)

    async def named(self, node: GoalNode) -> str:
        """Introduce and name what stands in the way; the tactic lines that do it."""
        lines = []
        facts = Facts(node.text, self.local)
        if facts.target.startswith(("∀ ",)) or _is_implication(facts.target):
            lines.append("intros")
            if await self.replace(node, "intros"):
                facts = Facts(node.text, self.local)
            else:
                lines.clear()
        if facts.hidden:
            used = {h.name for h in facts.every}
            fresh = [name for name in (f"x{i}" for i in range(1, 60)) if name not in used][: facts.hidden]
            tactic = f"rename_i {' '.join(fresh)}"
            if await self.replace(node, tactic):
                lines.append(tactic)
        return "".join(line + "\n" for line in lines)

    async def replace(self, node: GoalNode, tactic: str) -> bool:
        for reply in await self.ask(node, [tactic], _MOVE_MILLISECONDS):
            if not reply.failed and len(reply.goals) == 1 and reply.proof_state is not None:
                self.states[node] = (reply.proof_state, 0)
                node.text = reply.goals[0]
                return True
        return False

    async def plain(self, node: GoalNode) -> str:
        tactic = "set_option pp.fieldNotation false in trace_state"
        for reply in await self.ask(node, [tactic], _MOVE_MILLISECONDS):
            for message in reply.messages:
                return message.text
        return node.text

    async def ask(self, node: GoalNode, tactics: Sequence[str], milliseconds: int) -> tuple[TacticReply, ...]:
        seconds = self.left
        if seconds < _LEAST_SECONDS:
            return ()
        limits = Limits(milliseconds=min(milliseconds, int(seconds * 1000)))
        state, index = self.states[node]
        replies = await self.context.tactics(
            tactics, proof_state=state, limits=limits, budget_seconds=seconds, only=index
        )
        self.tried += len(replies)
        for r in replies:
            self.trace.append(
                (
                    r.milliseconds,
                    f"[{node.depth}] {r.tactic} -> {'OK' if r.completed else r.error[:60] or len(r.goals)}",
                )
            )
        return replies

    async def conclude(self) -> Result | None:
        script = self.root.script
        if script not in self.refused:
            seconds = min(_CHECK_SECONDS, self.left + _GRACE_SECONDS / 2)
            if (await self.context.check("\n".join(script), seconds=seconds)).accepted:
                return Result(success=True, tactics=script, metadata={"tactics_tried": self.tried})
        self.refused.add(script)
        self.proofs.clear()
        _unprove(self.root)
        return None


def _unprove(node: GoalNode) -> None:
    node.script = ()
    for step in node.steps:
        for goal in step.goals:
            _unprove(goal)


def _has_metavariable(goal: str) -> bool:
    import re

    return re.search(r"(?<![\w'])\?[\w.✝]+", goal) is not None


def _is_implication(target: str) -> bool:
    depth = 0
    for place, char in enumerate(target):
        depth += (char in "([⟨{") - (char in ")]⟩}")
        if depth == 0 and char == "→" and not target.startswith(("∃", "fun", "if ")):
            return True
        if depth == 0 and char in "=↔∧∨" and place:
            return False
    return False


SurroundingsOf = Callable[[Goal], Surroundings]


class Hammer:
    """`run_hammer` as a strategy.

    Args:
        prover: opens goals on sessions.
        surroundings: what the project declares around a goal.
        timing: what its time is told by.
    """

    def __init__(
        self,
        prover: Prover,
        *,
        surroundings: SurroundingsOf = lambda _goal: Surroundings(),
        timing: Timing = Timing(),  # noqa: B008 - frozen
    ) -> None:
        self._prover = prover
        self._surroundings = surroundings
        self._timing = timing

    @property
    def type(self) -> StrategyType:
        """The strategy's name in the ledger."""
        return StrategyType.HAMMER

    def available(self, goal: Goal) -> str:
        """It needs a proposition that stands alone: what follows a `stop` may be several goals."""
        if goal.kind is SorryKind.STOP:
            return "the place may have several goals"
        return "" if goal.is_prop else "the goal asks for data, not for a proof"

    async def run(self, goal: Goal, timeout: float) -> Result:
        """See `run_hammer`."""
        return await run_hammer(
            goal, timeout, prover=self._prover, surroundings=self._surroundings(goal), timing=self._timing
        )
