"""A proof that was found, made shorter and steadier before it is judged: fewer steps, fewer lemmas, shorter names, and
`simp only` or `grind only` in place of a bare call."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import reduce
from itertools import pairwise

from orchestrator.errors import RequestRefused, SessionError
from orchestrator.goals.goal import Context, Goal
from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.source.lexer import outside_brackets
from orchestrator.strategies.base import GoalOpener, ProofContext
from orchestrator.strategies.suggestions import suggestions

SECONDS = 6.0
"""For one proof, beside the time that finding it was given."""
_MILLISECONDS = 3_000
_LEAST_MILLISECONDS = 300
_CHECK_SECONDS = 30.0
_LONGEST = 90

_LIST = re.compile(r" \[(?P<items>[^\[\]]*)\]")
_CALL = re.compile(r"(?<![\w?.])(?P<name>simp_all|simp|grind)(?=[ );\n]|$)(?! only| \+| \?)(?P<list> \[[^\[\]]*\])?")
_NAME = re.compile(rf"(?<![\w.]){IDENTIFIER}")
_BETWEEN = re.compile(r"(?<!<);(?!>)")
_STEP = re.compile(r"^(?![ \t|)\]}⟩])", re.MULTILINE)


async def shortened(prover: GoalOpener, goal: Goal, script: str, *, seconds: float = SECONDS) -> str:
    """A proof of the goal that is no longer than `script`, which is one; found within so many seconds.

    What is answered was taken by the goal's declaration; where Lean breaks on the way, it is `script`.
    """
    try:
        async with prover.open(goal) as context:
            return await _Shortening(context, time.monotonic() + seconds).run(script)
    except (SessionError, RequestRefused):
        return script


class _Shortening:
    """Proofs of one goal, tried on its state where that takes them, else in its declaration."""

    def __init__(self, context: ProofContext, deadline: float) -> None:
        self._context = context
        self._deadline = deadline
        self._in_declaration = False
        self._limits = Limits(milliseconds=_MILLISECONDS)
        self._failed: set[str] = set()

    async def run(self, script: str) -> str:
        reply = await self._reply(script)
        self._in_declaration = reply is None or not reply.completed
        if reply is not None and reply.completed:
            # What has fewer lemmas may run without end where the proof itself was quick.
            self._limits = Limits(milliseconds=min(_MILLISECONDS, 2 * reply.milliseconds + _LEAST_MILLISECONDS))
        found = [script]
        for change in (self._fewer_steps, self._fewer_lemmas, self._shorter_names, self._restated, self._fewer_lemmas):
            found.append(await change(found[-1]))
        for best in reversed(dict.fromkeys(found[1:])):
            if best == script or (await self._context.check(best, seconds=_CHECK_SECONDS)).accepted:
                return best
        return script

    async def _fewer_steps(self, script: str) -> str:
        steps, between = steps_of(script)
        return between.join(await self._fewest(steps, lambda kept: self._holds(between.join(kept))))

    async def _fewer_lemmas(self, script: str) -> str:
        for bare in without_list(script):
            if await self._holds(bare):
                return bare
        items = items_of(script)

        def with_only(kept: Sequence[str]) -> str:
            return reduce(without_item, (item for item in items if item not in kept), script)

        return with_only(await self._fewest(items, lambda kept: self._holds(with_only(kept)), least=0))

    async def _shorter_names(self, script: str) -> str:
        for name in dict.fromkeys(_NAME.findall(script)):
            for shorter in short_names(name, self._context.goal.context):
                changed = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w'!?.])", shorter.replace("\\", r"\\"), script)
                if await self._holds(changed):
                    script = changed
                    break
        return script

    async def _restated(self, script: str) -> str:
        searching = with_question_mark(script)
        reply = await self._reply(searching) if searching else None
        restated = restate(script, reply) if reply is not None else ""
        return restated if restated and await self._holds(restated) else script

    async def _fewest(
        self, parts: Sequence[str], holds: Callable[[Sequence[str]], Awaitable[bool]], *, least: int = 1
    ) -> Sequence[str]:
        """Drop parts: half of them at once, then quarters, at last one after another (Zeller's delta debugging)."""
        size = len(parts)
        while size > 1:
            size = (size + 1) // 2
            # From the end: what stands first in a list is what the goal is about.
            for start in reversed(range(0, len(parts), size)):
                fewer = [*parts[:start], *parts[start + size :]]
                if len(fewer) >= least and await holds(fewer):
                    parts = fewer
        return parts

    async def _holds(self, script: str) -> bool:
        if script in self._failed or self._deadline <= time.monotonic():
            return False
        if self._in_declaration:
            accepted = (await self._context.check(script, seconds=self._limits.milliseconds / 1000)).accepted
        else:
            reply = await self._reply(script)
            accepted = reply is not None and reply.completed
        if not accepted:
            self._failed.add(script)
        return accepted

    async def _reply(self, script: str) -> TacticReply | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            return None
        return next(iter(await self._context.tactics([script], limits=self._limits)), None)


def steps_of(script: str) -> tuple[list[str], str]:
    """The tactics that follow one another in a script, and what stands between them."""
    starts = [match.start() for match in _STEP.finditer(script)]
    lines = [script[start:stop].rstrip("\n") for start, stop in zip(starts, [*starts[1:], None], strict=True)]
    if len(lines) != 1 or "\n" in script:
        return lines, "\n"
    cuts = [-1, *(match.start() for match in _BETWEEN.finditer(outside_brackets(script))), len(script)]
    return [script[start + 1 : stop].strip() for start, stop in pairwise(cuts)], "; "


def short_names(name: str, context: Context) -> Iterator[str]:
    """Shorter ways to write a full name where a goal stands, the shortest first; they may mean something else."""
    parts = context.namespace.split(".") if context.namespace else []
    opened = {".".join(parts[: number + 1]) for number in range(len(parts))} | set(context.opens)
    plain = name.removeprefix("_root_.")
    heads = sorted((head for head in opened if plain.startswith(f"{head}.")), key=len, reverse=True)
    yield from (plain.removeprefix(f"{head}.") for head in heads)
    if plain != name:
        yield plain


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
    """The tactic with its only `simp`, `simp_all` or `grind` asking what it used; "" when there is not exactly one."""
    if len(_CALL.findall(tactic)) != 1 or "<;>" in tactic:
        return ""
    return _CALL.sub(lambda match: f"{match['name']}?{match['list'] or ''}", tactic)


def restate(tactic: str, reply: TacticReply) -> str:
    """The tactic with the `simp only` or `grind only` that Lean suggests; "" when that is no improvement.

    What refers to a term by a number, or fills more than a line, is none.
    """
    found = [text for text in suggestions(reply.messages) if " only" in text and not set("\n#") & set(text)]
    if not reply.completed or len(found) != 1 or len(found[0]) > _LONGEST:
        return ""
    return _CALL.sub(lambda _match: found[0], tactic)
