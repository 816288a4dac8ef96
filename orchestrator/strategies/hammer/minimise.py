"""A proof that was found, made shorter and steadier: fewer lemmas, and `simp only` in place of `simp`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import reduce

from orchestrator.lean.protocol import TacticReply
from orchestrator.strategies.hammer.proof_states import GoalStates
from orchestrator.strategies.hammer.proof_tree import GoalNode
from orchestrator.strategies.suggestions import suggestions

_MILLISECONDS = 3_000
_LEAST_MILLISECONDS = 300
_LEAST_BUDGET = 0.5
_SHARE = 0.3
_MOST_SECONDS = 6.0
_LONGEST = 160

_LIST = re.compile(r" \[(?P<items>[^\[\]]*)\]")
_SIMP = re.compile(r"(?<![\w?.])(?P<name>simp_all|simp)(?= |\)|;|$)(?! only| \+| \?)(?P<list> \[[^\[\]]*\])?")


async def minimise(root: GoalNode, states: GoalStates, left: Callable[[], float], *, spent: float = math.inf) -> None:
    """Replace the closers of a proof by better ones, each tried on its own goal, as long as there is time.

    At most a share of the time that is left, of the seconds `spent` on finding it, and a few seconds, are used. The
    proof is a proof at any moment.
    """
    end = left() - min(_MOST_SECONDS, _SHARE * left(), _LEAST_BUDGET + _SHARE * spent)
    for leaf in list(root.leaves()):
        if len(leaf.closer) == 1 and left() > end:
            leaf.closer = (await _better(leaf, states, lambda: left() - end),)


async def _better(leaf: GoalNode, states: GoalStates, left: Callable[[], float]) -> str:
    best = leaf.closer[0]
    for shorter in without_list(best):
        if left() <= 0:
            return best
        if await _closes(leaf, shorter, states, left):
            best = shorter
            break
    else:
        best = await _fewer(leaf, best, states, left)
    searching = with_question_mark(best)
    if searching and left() > 0:
        for reply in await states.run(leaf, [searching], _limit(left)):
            restated = restate(best, reply)
            if restated and await _closes(leaf, restated, states, left):
                return restated
    return best


async def _fewer(leaf: GoalNode, closer: str, states: GoalStates, left: Callable[[], float]) -> str:
    """Drop lemmas: half of them at once, then quarters, at last one after another (Zeller's delta debugging)."""
    size = len(items_of(closer))
    while size > 1:
        size = (size + 1) // 2
        kept = items_of(closer)
        # From the end: what stands first in a list is what the goal is about.
        for start in reversed(range(0, len(kept), size)):
            if left() <= 0:
                return closer
            fewer = reduce(without_item, kept[start : start + size], closer)
            if fewer != closer and await _closes(leaf, fewer, states, left):
                closer = fewer
    return closer


async def _closes(leaf: GoalNode, tactic: str, states: GoalStates, left: Callable[[], float]) -> bool:
    return any(reply.completed for reply in await states.run(leaf, [tactic], _limit(left)))


def _limit(left: Callable[[], float]) -> int:
    """Milliseconds for one try: what has fewer lemmas may run without end where the proof itself was quick."""
    return max(_LEAST_MILLISECONDS, min(_MILLISECONDS, int(1000 * left())))


def items_of(tactic: str) -> tuple[str, ...]:
    """The lemmas in the tactic's lists, without repetition."""
    found = (item.strip() for match in _LIST.finditer(tactic) for item in match["items"].split(","))
    return tuple(dict.fromkeys(item for item in found if item))


def without_list(tactic: str) -> tuple[str, ...]:
    """The tactic without its lists; () when it has none, or is nothing without them."""
    bare = _LIST.sub("", tactic)
    return (bare,) if bare != tactic and " only" not in tactic and "solve_by_elim" not in tactic else ()


def without_item(tactic: str, item: str) -> str:
    """The tactic with `item` taken out of its lists; a list that becomes empty goes."""

    def fewer(match: re.Match[str]) -> str:
        kept = [i.strip() for i in match["items"].split(",") if i.strip() != item]
        return f" [{', '.join(kept)}]" if kept else ""

    return _LIST.sub(fewer, tactic)


def with_question_mark(tactic: str) -> str:
    """The tactic with its only `simp` or `simp_all` asking what it used; "" when there is not exactly one."""
    if len(_SIMP.findall(tactic)) != 1 or "<;>" in tactic:
        return ""
    return _SIMP.sub(lambda match: f"{match['name']}?{match['list'] or ''}", tactic)


def restate(tactic: str, reply: TacticReply) -> str:
    """The tactic with the `simp only` that Lean suggests in place of its `simp`; "" when that is no improvement."""
    found = [text for text in suggestions(reply.messages) if " only" in text and "\n" not in text]
    if not reply.completed or len(found) != 1 or len(found[0]) > _LONGEST:
        return ""
    return _SIMP.sub(lambda _match: found[0], tactic)
