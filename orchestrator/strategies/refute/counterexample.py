"""Looks for a counterexample to a goal: small values for its variables, and a proof by Lean that it fails for them.

Everything the goal depends on is reverted, so that it is one closed statement, and its negation is proved. Where the
statement can be decided for given values, one proof covers many of them at once, as Plausible would test them:
`fun h => absurd (fun n (_ : n ∈ [0, 1, 2]) => h n) (by decide +kernel)`; halving the lists then finds the values.
Elsewhere values are put in one by one, and a hypothesis that is an inductive predicate gives the values by its
derivations. What Lean's kernel accepts is a refutation of the goal as it stands, although of a goal inside a proof it
says only that the way taken there leads nowhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from orchestrator.goals.hypotheses import hypotheses_of
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.strategies.base import ProofContext
from orchestrator.strategies.refute.closed_goal import ClosedGoal, VariableRole, candidates, inversion, variables_of
from orchestrator.strategies.refute.values import (
    Constructor,
    Declared,
    Values,
    telescope,
)

REVISION = 2
"""To be raised when the search can find more: what earlier ones did not find is then looked for again."""
_LIMITS = Limits(milliseconds=1500)
_INVERSION_LIMITS = Limits(milliseconds=500)
_BATCH = 8
_CASES = (24, 160, 1200, 6000)
_ALWAYS = 160
"""So many cases are tried of every statement; more of them only where half of the time allowed will do."""
_DECIDING_SHARE = 0.1
"""The part of all the time that one attempt at deciding may take."""
_LONGEST_LIST = 60
_LONGEST_RANGE = 400
_FIRST = 16
# "===================\nFound a counter-example!\nx := 3\nguard: …\nissue: 3 = 4 does not hold\n(0 shrinks)\n----"
_FOUND = re.compile(r"Found a counter-example!\n(.*?)(?:\n-{5,}|\Z)", re.DOTALL)


Attempts = Callable[[Sequence[str], int | None, Limits, float], Awaitable[tuple[TacticReply, ...]]]
"""Tries tactics on a proof state (None: the goal's own), each within limits and all within so many seconds."""


async def find_counterexample(
    attempt: Attempts,
    text: str,
    declared: Declared,
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Values for which a goal is false, in words; "" when none was found in the time.

    Args:
        attempt: tries tactics on it.
        text: the goal as Lean prints it.
        declared: what its project declares.
        seconds: for all together.
        clock: what they are told by.

    Raises:
        SessionError: the session broke.
    """
    deciding = Limits(milliseconds=max(_LIMITS.milliseconds, int(_DECIDING_SHARE * 1000 * seconds)))
    search = _CounterexampleSearch(attempt, clock() + seconds, clock, deciding)
    introduced = await search.replies(["intros"])
    if introduced and not introduced[0].failed and len(introduced[0].goals) == 1:
        search = replace(search, state=introduced[0].proof_state)
        (text,) = introduced[0].goals
    statement = await search.statement(text, declared)
    chosen = await search.found_by_plausible(statement) or await search.by_deciding(statement)
    if chosen is None:
        single = list(candidates(statement))
        chosen = await search.one_by_one(statement, single[:_FIRST])
        if chosen is None:
            chosen = await search.by_inversion(statement, single[:_FIRST])
        if chosen is None:
            chosen = await search.one_by_one(statement, single[_FIRST:])
    elif not chosen:  # decided to be true for all values tried
        chosen = None
    return "" if chosen is None else statement.words(chosen)


def attempts_on(context: ProofContext) -> Attempts:
    """How tactics are tried on an opened goal."""
    return lambda tactics, state, limits, seconds: context.tactics(
        tactics, proof_state=state, limits=limits, stop_on_success=False, budget_seconds=seconds
    )


@dataclass(frozen=True, slots=True)
class _Decider:
    """How a statement is decided for many values at once, and how long that took.

    Attributes:
        close: the tactics that decide; "" when nothing does.
        cases: for how many values, or combinations of values, it was found to be true last; 0 before.
        milliseconds: how long that took; None when the last time was up before Lean could say.
    """

    close: str
    cases: int = 0
    milliseconds: int | None = 0

    @property
    def can_decide(self) -> bool:
        """Whether it has decided, or may do so."""
        return bool(self.close) and (self.cases > 0 or self.milliseconds is not None)

    def is_worth(self, cases: int, most: int) -> bool:
        """Whether so many cases say more than those before, well within so many milliseconds."""
        if not self.close or self.milliseconds is None or cases <= self.cases:
            return False
        return cases <= _ALWAYS or 2 * self.milliseconds * cases <= most * self.cases

    def after(self, cases: int, milliseconds: int, most: int) -> _Decider:
        """What is known once Lean did not refute the statement for so many cases in so much time."""
        if milliseconds >= most:
            return replace(self, milliseconds=None)
        return replace(self, cases=cases, milliseconds=milliseconds)


@dataclass(frozen=True)
class _CounterexampleSearch:
    """Looks for values on one proof state until a deadline. What is found has been checked by Lean's kernel."""

    attempt: Attempts
    deadline: float
    clock: Callable[[], float]
    deciding: Limits
    state: int | None = None

    async def replies(self, tactics: Sequence[str], limits: Limits = _LIMITS) -> tuple[TacticReply, ...]:
        """What Lean says to each of these, as far as the time goes."""
        found: list[TacticReply] = []
        for start in range(0, len(tactics), _BATCH):
            left = self.deadline - self.clock()
            if left <= 0:
                break
            found += await self.attempt(tactics[start : start + _BATCH], self.state, limits, left)
        return tuple(found)

    async def first(self, tactics: Sequence[str], limits: Limits = _LIMITS) -> int | None:
        """The first of these that Lean takes."""
        for start in range(0, len(tactics), _BATCH):
            for index, reply in enumerate(await self.replies(tactics[start : start + _BATCH], limits)):
                if _taken(reply):
                    return start + index
        return None

    async def statement(self, text: str, declared: Declared) -> ClosedGoal:
        """What a goal says."""
        hypotheses = [h for h in hypotheses_of(text) if not h.value]  # a local definition is not a variable
        types = await self._types(text, declared)
        results = {name: telescope(kind)[1] for name, kind in types.items()}
        constructors: dict[str, tuple[Constructor, ...]] = {}
        for name in types:
            names = [c for c in declared.constructors.get(_short(name), ()) if f"{name}.{c}" in types]
            if names:
                constructors[name] = tuple(Constructor(c, *telescope(types[f"{name}.{c}"])) for c in names)
        predicates = tuple(name for name in constructors if results[name] == "Prop")
        values = Values(constructors, predicates)
        unfolded = tuple(n for n in types if results[n] == "Prop" and _short(n) in declared.definitions)
        return ClosedGoal(variables_of(hypotheses, results, values), values, unfolded, predicates)

    async def _types(self, text: str, declared: Declared) -> dict[str, str]:
        """Types of the project's constants that a goal's text speaks of, and of what those are made of, by name."""
        found: dict[str, str] = {}
        new = _names(text, declared)
        while new:
            asked = [*new, *(f"{name}.{c}" for name in new for c in declared.constructors.get(_short(name), ()))]
            replies = await self.replies([f"have asked := @{name}" for name in asked])
            told: dict[str, str] = {}
            for name, reply in zip(asked, replies, strict=False):
                after = () if reply.failed or not reply.goals else hypotheses_of(reply.goals[0])
                told |= {name: h.type for h in after if h.name == "asked"}  # noqa: B035 - there is at most one
            found |= told
            names = _names(" ".join(told.values()), declared)
            new = [name for name in names if name not in found and name not in asked]
        return found

    async def found_by_plausible(self, statement: ClosedGoal) -> dict[str, Sequence[str]] | None:
        """What `plausible` finds where it is imported (with Mathlib), which only evaluates; else it is no tactic."""
        replies = await self.replies(["plausible"])
        match = _FOUND.search(replies[0].error) if replies and replies[0].failed else None
        if match is None:
            return None
        told = dict(line.strip().split(" := ", 1) for line in match[1].splitlines() if " := " in line)
        names = {v.name for v in statement.variables}
        single: list[dict[str, Sequence[str]]] = [
            {name: [value] for name, value in {**given, **told}.items() if name in names}
            for given in statement.assignments()
        ]
        return await self.one_by_one(statement, single[:_BATCH])

    async def by_deciding(self, statement: ClosedGoal) -> dict[str, Sequence[str]] | None:
        """Values for which the statement is decided to be false, tried many at once; None when it cannot be decided."""
        listed = [v for v in statement.variables if v.role is VariableRole.LISTED]
        if not listed or any(v.role is VariableRole.DERIVED for v in statement.variables):
            return None
        openings = ["", *([f"simp only [{', '.join(statement.unfolded)}]; "] if statement.unfolded else [])]
        deciders: dict[int, _Decider] = {}
        most = self.deciding.milliseconds
        for count in dict.fromkeys(
            max(2, min(_LONGEST_RANGE, int(all_cases ** (1 / len(listed))))) for all_cases in _CASES
        ):
            for number, given in enumerate(statement.assignments()):
                chosen: dict[str, Sequence[str]] = {name: [value] for name, value in given.items()}
                for variable in listed:
                    longest = _LONGEST_RANGE if variable.type == "Nat" else _LONGEST_LIST
                    chosen[variable.name] = statement.choices(variable, given, min(count, longest))
                if not all(chosen.values()):
                    continue
                if number not in deciders:
                    asked = [f"{statement.tactic(chosen, '', many=True)}; {each}" for each in openings]
                    index = await self.first([f"{each}refine of_decide_eq_true ?_" for each in asked])
                    deciders[number] = _Decider("" if index is None else f"(by {openings[index]}{statement.decide})")
                decider = deciders[number]
                cases = prod(map(len, chosen.values()))
                if not decider.is_worth(cases, most):
                    continue
                for reply in await self.replies([statement.tactic(chosen, decider.close, many=True)], self.deciding):
                    if _taken(reply):
                        return await self._narrowed(statement, chosen, decider.close)
                    deciders[number] = decider.after(cases, reply.milliseconds, most)
            if not any(decider.can_decide for decider in deciders.values()):
                return None
        return {}

    async def _narrowed(
        self, statement: ClosedGoal, chosen: dict[str, Sequence[str]], close: str
    ) -> dict[str, Sequence[str]] | None:
        """One value of each list for which the statement fails, given that it does for one of all of them."""
        for name in chosen:
            while len(chosen[name]) > 1:
                half = len(chosen[name]) // 2
                low = {**chosen, name: chosen[name][:half]}
                within = await self.first([statement.tactic(low, close, many=True)], self.deciding) is not None
                chosen = low if within else {**chosen, name: chosen[name][half:]}
        proved = await self.first([statement.tactic(chosen, close, many=True, kept=True)], self.deciding)
        return None if proved is None else chosen

    async def one_by_one(
        self, statement: ClosedGoal, single: Sequence[dict[str, Sequence[str]]]
    ) -> dict[str, Sequence[str]] | None:
        """The first of these values for which the statement is proved to fail."""
        close = statement.close
        index = await self.first([statement.tactic(chosen, close) for chosen in single])
        if index is None or await self.first([statement.tactic(single[index], close, kept=True)]) is None:
            return None
        return single[index]

    async def by_inversion(
        self, statement: ClosedGoal, single: Sequence[dict[str, Sequence[str]]]
    ) -> dict[str, Sequence[str]] | None:
        """The same where what fails is an inductive predicate, which has no derivation for these values."""
        for chosen in single if statement.predicates else ():
            replies = await self.replies([statement.tactic(chosen, "")])
            if replies and _taken(replies[0]) and replies[0].goals:
                close = inversion(replies[0].goals[0].rpartition("⊢ ")[2], statement.predicates)
                if await self.first([statement.tactic(chosen, close, kept=True)], _INVERSION_LIMITS) is not None:
                    return chosen
        return None


def _names(text: str, declared: Declared) -> list[str]:
    """Names in a text that the project may have declared."""
    found = dict.fromkeys(re.findall(r"[^\W\d][\w.'₀-₉]*", text))
    return [name for name in found if _short(name) in declared.constructors or _short(name) in declared.definitions]


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _taken(reply: TacticReply) -> bool:
    return not reply.failed and not any(message.severity == "error" for message in reply.messages)
