"""A chat model sketches the proof, Lean corrects it, and the steps left open become subgoals for other strategies."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from orchestrator.config import STRATEGY_SECONDS
from orchestrator.errors import ModelError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.premises.retrieval import Query, Retrieve
from orchestrator.source.lexer import LineIndex, code_mask
from orchestrator.source.project import Project
from orchestrator.strategies.base import BoundStrategy, GoalOpener, ProofContext, Timing, attack
from orchestrator.strategies.sketch.chat import Completion, OpenAIChat, Role, Turn, Usage, unavailable
from orchestrator.strategies.spec import StrategySpec, StrategyTools

_CHECK_SECONDS = 30.0
_SHOWN_ERRORS = 4
_PREMISES = 16
_CONTEXT_CHARACTERS = 8_000
_SHOWN_CHARACTERS = 800

# The text comes from outside: what runs code of its own while it is elaborated, or talks past the kernel, is not tried.
_NOT_IN_A_PROOF = re.compile(
    r"\b(?:run_tac|run_cmd|run_elab|run_meta|by_elab|elab|macro|macro_rules|syntax|notation|axiom|unsafe|import|IO|"
    r"native_decide|implemented_by|extern|initialize|set_option|admit|stop|ofReduceBool|trustCompiler)\b|#\w"
)
_FENCE = re.compile(r"```[ \t]*(?:lean4?|tactics?)?[^\n]*\n(?P<code>.*?)(?:\n[ \t]*```|\Z)", re.DOTALL | re.IGNORECASE)
_HEADER = re.compile(
    r"\A(?:\s*(?:import|open|set_option|namespace|universe|variable)\b[^\n]*\n)*"
    r"\s*(?:theorem|lemma|example)\b.*?:=[ \t]*(?P<by>by\b)?",
    re.DOTALL,
)

_BY = re.compile(r"\A\s*(?::=\s*)?by\b")

SYSTEM = """\
You prove goals in Lean 4. Answer with one block ```lean … ``` that holds the tactic script for the goal and nothing
else: no theorem header, no imports, no commands, no explanation. Use `have name : statement := by …` for steps in
between. Where a step is hard, write `sorry` for its proof: other provers will fill it in. The steps must be true, and
must be smaller than the goal. Without any `sorry` is best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the model is told beside the goal.

    `before`: the text of the goal's file down to its sorry; `failures`: what was tried on a goal and failed, one line
    each.
    """

    before: Callable[[Goal], str] = lambda _goal: ""
    premises: Callable[[Goal], Sequence[str]] = lambda _goal: ()
    failures: Callable[[Goal], Sequence[str]] = lambda _goal: ()


def first_prompt(goal: Goal, hints: Hints) -> str:
    """The goal with its local context, retrieved premises and failed attempts."""
    parts = [f"Goal:\n```\n{goal.text}\n```"]
    about = [
        ("Declaration", goal.declaration),
        ("Imports", " ".join(goal.context.imports) or "Init only: there is no Mathlib"),
        ("Namespace", goal.context.namespace),
        ("Open", " ".join(goal.context.opens)),
    ]
    parts.append("\n".join(f"{name}: {value}" for name, value in about if value))
    for title, lines in (
        ("Premises that may help", hints.premises(goal)),
        ("Already tried without success", hints.failures(goal)),
    ):
        if lines:
            parts.append(f"{title}:\n" + "\n".join(f"- {line}" for line in lines))
    return "\n\n".join(parts)


def repair_prompt(errors: Sequence[str]) -> str:
    """Lean's own words on the last answer."""
    shown = "\n".join(f"- {error[:_SHOWN_CHARACTERS]}" for error in errors[:_SHOWN_ERRORS])
    return f"Lean refuses this:\n{shown}\n\nAnswer with the whole corrected script in one ```lean block."


def completion_prompt(goal: Goal, hints: Hints, failed: str = "", errors: Sequence[str] = ()) -> str:
    """The goal's file down to its sorry, for a model that goes on with it; what failed before stands in a comment."""
    said = [f"Open here: {goal.text}", *(f"May help: {line}" for line in hints.premises(goal))]
    if failed:
        said += ["This was refused:", failed, *(f"Lean: {one[:_SHOWN_CHARACTERS]}" for one in errors[:_SHOWN_ERRORS])]
    comment = "\n".join(said).replace("/-", "/ -").replace("-/", "- /")
    return f"Complete the following Lean 4 code:\n\n```lean4\n/- {comment} -/\n{hints.before(goal)}"


def continuation(answer: str, column: int) -> str:
    """The tactic script of how a model went on at a sorry that stands at `column`; "" when nothing is there.

    It ends where the block of code ends, or where a line stands further left than the sorry.
    """
    lines = answer.replace("\r\n", "\n").replace("\t", "  ").partition("```")[0].rstrip().split("\n")
    kept = [lines[0]]
    for line in lines[1:]:
        if line.strip() and len(line) - len(line.lstrip()) < max(1, column):
            break
        kept.append(line)
    return "\n".join([kept[0].strip(), textwrap.dedent("\n".join(kept[1:]))]).strip("\n").rstrip()


def script_in(answer: str) -> str:
    """The tactic script of an answer: its last block, or all of it when there is none; "" when nothing is there."""
    blocks = [match["code"] for match in _FENCE.finditer(answer)]
    code = (blocks[-1] if blocks else answer).replace("\r\n", "\n").replace("\t", "  ").strip("\n")
    header = _HEADER.match(code)
    if header is not None and header["by"] is None:
        return ""
    begin = header or _BY.match(code)
    if begin is None:
        return textwrap.dedent(code).rstrip()
    # What stands on the line of the `by` belongs to the column of the lines below it.
    first, _, rest = code[begin.end() :].partition("\n")
    return "\n".join([first.strip(), textwrap.dedent(rest)]).strip("\n").rstrip()


def forbidden_in(script: str) -> str:
    """The first word of a script that a proof has no use for; "" when there is none."""
    match = _NOT_IN_A_PROOF.search(code_mask(script))
    return match.group() if match else ""


async def run_sketch(
    goal: Goal,
    timeout: float,
    *,
    prover: GoalOpener,
    chat: OpenAIChat,
    hints: Hints | None = None,
    rounds: int = 3,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Ask for a proof of `goal`, correct it against Lean's errors for at most `rounds` answers.

    A proof without `sorry` that the declaration takes is a success. Otherwise the result holds the best sketch that
    elaborates in `tactics`, its sorries in `subgoals`, and the tokens spent in the metadata (`usage`), which is
    also there when the chat model failed in a later round.
    """

    async def work(context: ProofContext, deadline: float) -> Result:
        return await _Talk(context, chat, hints or Hints(), deadline, clock).run(rounds)

    return await attack(StrategyType.SKETCH, prover, goal, timeout, work, Timing(clock=clock))


@dataclass(frozen=True, slots=True)
class _Tried:
    """An answer, its script, and what is wrong with that."""

    answer: Completion
    script: str
    errors: tuple[str, ...]


class _Talk:
    """What is said about one goal: a question with one or more answers, and corrections of the most promising one."""

    def __init__(
        self, context: ProofContext, chat: OpenAIChat, hints: Hints, deadline: float, clock: Callable[[], float]
    ) -> None:
        self._context = context
        self._chat = chat
        self._hints = hints
        self._deadline = deadline
        self._clock = clock
        self._usage = Usage()
        self._asked = self._samples = 0
        self._turns = [Turn(Role.SYSTEM, SYSTEM), Turn(Role.USER, first_prompt(context.goal, hints))]

    async def run(self, rounds: int) -> Result:
        last: _Tried | None = None
        for number in range(rounds):
            errors = last.errors if last is not None else ()
            left = self._deadline - self._clock()
            if left <= 0:
                return self._failed(Outcome.TIMEOUT, errors)
            count = self._chat.samples if number == 0 else 1
            try:
                answers = await self._chat.answers(self._question(last), count=count, timeout=left)
            except ModelError as failure:
                return self._failed(Outcome.ERROR, errors, str(failure))
            self._asked += 1
            self._samples += len(answers)
            self._usage = sum((answer.usage for answer in answers), self._usage)
            judged = await self._best(answers)
            if isinstance(judged, Result):
                return judged
            last = judged
        return self._failed(Outcome.NOT_PROVED, last.errors if last is not None else ())

    def _question(self, last: _Tried | None) -> Sequence[Turn] | str:
        if self._chat.completes:
            failed, errors = (last.script, last.errors) if last is not None else ("", ())
            return completion_prompt(self._context.goal, self._hints, failed, errors)
        if last is not None:
            self._turns += [Turn(Role.ASSISTANT, last.answer.text), Turn(Role.USER, repair_prompt(last.errors))]
        return self._turns

    def _script(self, answer: Completion) -> str:
        if not self._chat.completes:
            return script_in(answer.text)
        span = self._context.goal.span
        return continuation(answer.text, span.start.column if span is not None else 0)

    async def _best(self, answers: Sequence[Completion]) -> Result | _Tried:
        """The first proof that Lean accepts; else the sketch that leaves least open, else what has fewest errors."""
        scripts: dict[str, Completion] = {}
        for answer in answers:
            scripts.setdefault(self._script(answer), answer)
        sketches: list[Result] = []
        tried: list[_Tried] = []
        for script in await self._in_order([*scripts]):
            if tried and self._deadline <= self._clock():
                break
            judged = await self._judged(script, scripts[script].complete)
            if not isinstance(judged, Result):
                tried.append(_Tried(scripts[script], script, judged))
            elif judged.success:
                return judged
            else:
                sketches.append(judged)
        if sketches:
            return min(sketches, key=lambda sketch: len(sketch.subgoals))
        return min(tried, key=lambda one: len(one.errors))

    async def _in_order(self, scripts: Sequence[str]) -> Sequence[str]:
        """Scripts as one batch on the goal's state: those that close it first, then those that leave least open."""
        able = [script for script in scripts if script and not forbidden_in(script)]
        if len(able) < 2:
            return scripts
        left = max(0.1, self._deadline - self._clock())
        replies = await self._context.tactics(able, budget_seconds=left / 2)
        worth = {reply.tactic: (not reply.completed, reply.failed, len(reply.goals)) for reply in replies}
        return sorted(scripts, key=lambda script: worth.get(script, (True, True, len(scripts))))

    async def _judged(self, script: str, complete: bool) -> Result | tuple[str, ...]:
        """A result that ends the conversation, or what is wrong with the script."""
        if not script:
            return ("There is no tactic script in the answer.",)
        if not complete:
            return ("The answer was cut off. Be shorter: leave more steps to `sorry`.",)
        if word := forbidden_in(script):
            return (f"`{word}` must not be used.",)
        split = await self._context.split(script, seconds=_CHECK_SECONDS)
        if split.errors:
            return split.errors
        if not split.goals:
            reply = await self._context.check(script, seconds=_CHECK_SECONDS)
            return self._result(script, success=True) if reply.accepted else reply.errors
        if any(goal.text == self._context.goal.text for goal in split.goals):
            return ("A `sorry` stands for the goal itself: no step was made.",)
        return self._result(script, success=False, subgoals=tuple(goal.text for goal in split.goals))

    def _result(self, script: str, *, success: bool, subgoals: tuple[str, ...] = ()) -> Result:
        return Result(
            success=success,
            tactics=tuple(script.split("\n")),
            subgoals=subgoals,
            outcome=Outcome.NOT_PROVED,
            metadata=self._metadata(),
        )

    def _failed(self, outcome: Outcome, errors: Sequence[str], error: str = "") -> Result:
        metadata = {**self._metadata(), "lean_errors": [text[:_SHOWN_CHARACTERS] for text in errors[:_SHOWN_ERRORS]]}
        return Result(success=False, outcome=outcome, error=error, metadata=metadata)

    def _metadata(self) -> dict[str, object]:
        return {
            "model": self._chat.name,
            "rounds": self._asked,
            "samples": self._samples,
            "usage": asdict(self._usage),
        }


def _premises(retriever: Retrieve, goal: Goal) -> tuple[str, ...]:
    found = retriever(goal)
    if found is None:
        return ()
    query = Query(goal.text, without=frozenset({goal.declaration}))
    return tuple(f"{r.premise.name} : {r.premise.statement}" for r in found.retrieve(query, _PREMISES))


def _before(project: Project | None, goal: Goal) -> str:
    """The header of a goal's file and the end of the text in front of its sorry; sketches stand in no file."""
    module = project.by_path.get(goal.file) if project is not None else None
    if module is None or goal.span is None or goal.within is not None:
        return f"example : {goal.target} := by\n  "
    before = module.text[: LineIndex(module.text).offset(goal.span.start)]
    cut = before.find("\n", max(0, len(before) - _CONTEXT_CHARACTERS)) + 1 if len(before) > _CONTEXT_CHARACTERS else 0
    return (module.header if cut else "") + before[cut:]


def _make(tools: StrategyTools) -> BoundStrategy:
    assert tools.settings.chat is not None, "a strategy that is missing something is not made"
    hints = Hints(
        before=partial(_before, tools.project),
        premises=partial(_premises, tools.retriever),
        failures=tools.ledger.failures if tools.ledger is not None else lambda _goal: (),
    )
    chat = OpenAIChat(tools.settings.chat)
    return BoundStrategy(StrategyType.SKETCH, partial(run_sketch, prover=tools.prover, chat=chat, hints=hints))


SPEC = StrategySpec(
    type=StrategyType.SKETCH,
    seconds=STRATEGY_SECONDS[StrategyType.SKETCH],
    make=_make,
    missing=lambda settings, _project: unavailable(settings.chat),
    model=lambda settings: f"{settings.chat.model} at {settings.chat.url}" if settings.chat is not None else "",
)
