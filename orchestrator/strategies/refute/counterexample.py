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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol

from orchestrator.goals.hypotheses import Hypothesis, hypotheses_of
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.strategies.refute.values import (
    Constructor,
    Declared,
    Values,
    looks_like_a_fact,
    mentions,
    substituted,
    telescope,
    unwrapped,
    words,
)

REVISION = 2
"""To be raised when the search can find more: what earlier ones did not find is then looked for again."""
_LIMITS = Limits(milliseconds=1500)
_INVERSION_LIMITS = Limits(milliseconds=500)
_BATCH = 8
_ASSIGNMENTS = 60
_CASES = (24, 160, 1200, 6000)
_LONGEST_LIST = 60
_LONGEST_RANGE = 400
_CANDIDATES = 240
_FIRST = 16
# Without `no_implicit_lambda%`, implicit arguments of the goal would be introduced first.
_NEGATE = "refine no_implicit_lambda% ((fun (a : Prop) (_ : ¬ a) (h : a) => h) _ ?refutation ?original)"
_UNIVERSE = re.compile(r"(Type|Sort)\b(.*)")
_SORTS: Mapping[str, tuple[str, ...]] = {
    "Type": ("Bool", "Nat"),
    "Type u": ("PUnit", "(ULift Bool)"),
    "Sort": ("PUnit",),
}
_LISTS = "List.append_eq_cons_iff, List.cons_eq_append_iff"
# "===================\nFound a counter-example!\nx := 3\nguard: …\nissue: 3 = 4 does not hold\n(0 shrinks)\n----"
_FOUND = re.compile(r"Found a counter-example!\n(.*?)(?:\n-{5,}|\Z)", re.DOTALL)


class Opened(Protocol):
    """A goal whose proof state takes tactics: what the search needs of a `ProofContext`."""

    @property
    def goals(self) -> int:
        """How many goals there are at once."""

    async def tactics(
        self,
        tactics: Sequence[str],
        *,
        proof_state: int | None = None,
        limits: Limits | None = None,
        stop_on_success: bool = True,
        budget_seconds: float = 0.0,
    ) -> tuple[TacticReply, ...]:
        """Try each on one state, the goal's own when it is None."""


class _Role(Enum):
    """What is put in for a variable of the goal."""

    CHOSEN = auto()  # one value at a time: others' types or the question whether the rest can be decided depend on it
    LISTED = auto()  # any of a list of values
    INSTANCE = auto()
    FACT = auto()  # a proof
    DERIVED = auto()  # a derivation of an inductive predicate, which says what its arguments are


@dataclass(frozen=True, slots=True)
class _Variable:
    """A hypothesis of the goal: its name in the goal, the one it is reverted by, its type and what is put in."""

    name: str
    used: str
    type: str
    role: _Role


@dataclass(frozen=True, slots=True)
class _Statement:
    """The goal as one closed statement.

    Attributes:
        variables: what it is about, in order.
        prefix: the tactics that put its negation beside it.
        values: of the types that occur.
        unfolded: definitions of propositions that occur.
        predicates: inductive predicates that occur.
    """

    variables: tuple[_Variable, ...]
    prefix: str
    values: Values
    unfolded: tuple[str, ...]
    predicates: tuple[str, ...]

    def assignments(self) -> Iterator[dict[str, str]]:
        """Values of the variables that are chosen one at a time, the smallest first, a bounded number."""
        chosen = [v for v in self.variables if v.role is _Role.CHOSEN]
        for ranks in _by_sum([6] * len(chosen), _ASSIGNMENTS):
            given: dict[str, str] = {}
            for variable, rank in zip(chosen, ranks, strict=True):
                values = self.choices(variable, given, 6)
                if rank >= len(values):
                    break
                given[variable.name] = values[rank]
            else:
                yield given

    def choices(self, variable: _Variable, given: Mapping[str, str], most: int) -> tuple[str, ...]:
        """The smallest values of a variable, once others have theirs."""
        sort = _UNIVERSE.fullmatch(variable.type)
        if sort:
            return _SORTS["Sort" if sort[1] == "Sort" else "Type u" if sort[2] else "Type"]
        return self.values.first(substituted(variable.type, given), most)

    def tactic(self, chosen: Mapping[str, Sequence[str]], close: str, *, many: bool = False, kept: bool = False) -> str:
        """The tactic that proves the negation.

        Args:
            chosen: what to put in for variables, by name.
            close: proves that the statement fails for them; "" leaves that to the next tactic.
            many: lists stand for any of their values, and hypotheses are left to be decided; else the first is put in.
            kept: as a theorem of its own, which Lean's kernel checks.
        """
        listed = [many and v.role is _Role.LISTED for v in self.variables]
        last = max((i for i, one in enumerate(listed) if one), default=-1)
        binders, arguments = [], []
        for index, variable in enumerate(self.variables):
            values = chosen.get(variable.name, ())
            if listed[index]:
                binders.append(f"v{index} (_ : v{index} ∈ {_listed(values)})")
                arguments.append(f"v{index}")
            elif values:
                arguments.append(f"({values[0]})")
            elif variable.role is _Role.INSTANCE:
                arguments.append("inferInstance")
            elif not many:
                arguments.append(self.proof)
            elif index < last:
                binders.append(f"h{index}")
                arguments.append(f"h{index}")
            else:
                break
        applied = f"@refuted {' '.join(arguments)}" if arguments else "refuted"
        applied = f"fun {' '.join(binders)} => {applied}" if binders else applied
        if not close:
            return f"{self.prefix}; case' refutation => refine fun refuted => absurd ({applied}) ?_"
        lemma = "as_aux_lemma => " if kept else ""
        return f"{self.prefix}; case refutation => {lemma}exact fun refuted => absurd ({applied}) {close}"

    @property
    def proof(self) -> str:
        """Proves a hypothesis for given values."""
        simplify = f"(simp{self._unfolding}; done)"
        return f"(by first | decide | omega | {simplify} | (intros; omega) | (repeat constructor; done))"

    @property
    def close(self) -> str:
        """Proves that the conclusion fails for given values."""
        simplify = f"(simp{self._unfolding}; done)"
        return f"(by first | {self.decide} | omega | {simplify} | (intro h; repeat cases ‹_›; done))"

    @property
    def decide(self) -> str:
        """Decides by Lean's kernel, which cannot be asked inside of a declaration with universes."""
        return "decide" if any(v.type.startswith(("Type ", "Sort ")) for v in self.variables) else "decide +kernel"

    @property
    def _unfolding(self) -> str:
        return f" [{', '.join(self.unfolded)}]" if self.unfolded else ""

    def words(self, chosen: Mapping[str, Sequence[str]]) -> str:
        """Such as `n = 0, f = fun _ => 1`."""
        shown = [
            f"{v.name.removesuffix('✝')} {'by' if v.role is _Role.DERIVED else '='} {unwrapped(chosen[v.name][0])}"
            for v in self.variables
            if v.name in chosen and chosen[v.name][0] != "_"
        ]
        return ", ".join(shown) or "as it stands"


async def find_counterexample(
    opened: Opened,
    text: str,
    declared: Declared,
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Values for which a goal is false, in words; "" when none was found in the time.

    Args:
        opened: where tactics are tried on it.
        text: the goal as Lean prints it.
        declared: what its project declares.
        seconds: for all together.
        clock: what they are told by.

    Raises:
        SessionError: the session broke.
    """
    search = _CounterexampleSearch(opened, clock() + seconds, clock)
    introduced = await search.replies(["intros"])
    if opened.goals == 1 and introduced and not introduced[0].failed and len(introduced[0].goals) == 1:
        search = replace(search, state=introduced[0].proof_state)
        (text,) = introduced[0].goals
    statement = await search.statement(text, declared)
    if statement is None:
        return ""
    chosen = await search.found_by_plausible(statement) or await search.by_deciding(statement)
    if chosen is None:
        candidates = list(_candidates(statement))
        chosen = await search.one_by_one(statement, candidates[:_FIRST])
        if chosen is None:
            chosen = await search.by_inversion(statement, candidates[:_FIRST])
        if chosen is None:
            chosen = await search.one_by_one(statement, candidates[_FIRST:])
    elif not chosen:  # decided to be true for all values tried
        chosen = None
    return "" if chosen is None else statement.words(chosen)


@dataclass(frozen=True)
class _CounterexampleSearch:
    """Looks for values on one proof state until a deadline. What is found has been checked by Lean's kernel."""

    opened: Opened
    deadline: float
    clock: Callable[[], float]
    state: int | None = None

    async def replies(self, tactics: Sequence[str], limits: Limits = _LIMITS) -> tuple[TacticReply, ...]:
        """What Lean says to each of these, as far as the time goes."""
        found: list[TacticReply] = []
        for start in range(0, len(tactics), _BATCH):
            left = self.deadline - self.clock()
            if left <= 0:
                break
            found += await self.opened.tactics(
                tactics[start : start + _BATCH],
                proof_state=self.state,
                limits=limits,
                stop_on_success=False,
                budget_seconds=left,
            )
        return tuple(found)

    async def first(self, tactics: Sequence[str], limits: Limits = _LIMITS) -> int | None:
        """The first of these that Lean takes."""
        for start in range(0, len(tactics), _BATCH):
            for index, reply in enumerate(await self.replies(tactics[start : start + _BATCH], limits)):
                if _taken(reply):
                    return start + index
        return None

    async def statement(self, text: str, declared: Declared) -> _Statement | None:
        """What a goal says; None when one of its variables is not understood."""
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
        variables = _variables(hypotheses, results, values)
        if variables is None:
            return None
        hidden = [v.used for v in variables if "✝" in v.name]
        prefix = f"rename_i {' '.join(hidden)}; " if hidden else ""
        prefix += f"revert {' '.join(v.used for v in variables)}; " if variables else ""
        unfolded = tuple(n for n in types if results[n] == "Prop" and _short(n) in declared.definitions)
        return _Statement(variables, prefix + _NEGATE, values, unfolded, predicates)

    async def _types(self, text: str, declared: Declared) -> dict[str, str]:
        """Types of the project's constants that a goal's text speaks of, and of what those are made of, by name."""
        found: dict[str, str] = {}
        new = _names(text, declared)
        while new:
            asked = [*new, *(f"{name}.{c}" for name in new for c in declared.constructors.get(_short(name), ()))]
            replies = await self.replies([f"have asked := @{name}" for name in asked])
            told: dict[str, str] = {}
            for name, reply in zip(asked, replies, strict=False):
                if not reply.failed and reply.goals:
                    (told[name],) = (h.type for h in hypotheses_of(reply.goals[0]) if h.name == "asked")
            found |= told
            new = [
                name for name in _names(" ".join(told.values()), declared) if name not in found and name not in asked
            ]
        return found

    async def found_by_plausible(self, statement: _Statement) -> dict[str, Sequence[str]] | None:
        """What `plausible` finds where it is imported (with Mathlib), which only evaluates; else it is no tactic."""
        replies = await self.replies(["plausible"])
        match = _FOUND.search(replies[0].error) if replies and replies[0].failed else None
        if match is None:
            return None
        told = dict(line.strip().split(" := ", 1) for line in match[1].splitlines() if " := " in line)
        names = {v.name for v in statement.variables}
        candidates: list[dict[str, Sequence[str]]] = [
            {name: [value] for name, value in {**given, **told}.items() if name in names}
            for given in statement.assignments()
        ]
        return await self.one_by_one(statement, candidates[:_BATCH])

    async def by_deciding(self, statement: _Statement) -> dict[str, Sequence[str]] | None:
        """Values for which the statement is decided to be false, tried many at once; None when it cannot be decided."""
        listed = [v for v in statement.variables if v.role is _Role.LISTED]
        if not listed or any(v.role is _Role.DERIVED for v in statement.variables):
            return None
        openings = ["", *([f"simp only [{', '.join(statement.unfolded)}]; "] if statement.unfolded else [])]
        deciders: dict[int, str] = {}
        for count in dict.fromkeys(max(2, min(_LONGEST_RANGE, int(most ** (1 / len(listed))))) for most in _CASES):
            for number, given in enumerate(statement.assignments()):
                chosen: dict[str, Sequence[str]] = {name: [value] for name, value in given.items()}
                for variable in listed:
                    longest = _LONGEST_RANGE if variable.type == "Nat" else _LONGEST_LIST
                    chosen[variable.name] = statement.choices(variable, given, min(count, longest))
                if number not in deciders:
                    asked = [f"{statement.tactic(chosen, '', many=True)}; {each}" for each in openings]
                    index = await self.first([f"{each}refine of_decide_eq_true ?_" for each in asked])
                    deciders[number] = "" if index is None else f"(by {openings[index]}{statement.decide})"
                close = deciders[number]
                if close and await self.first([statement.tactic(chosen, close, many=True)]) is not None:
                    return await self._narrowed(statement, chosen, close)
            if not any(deciders.values()):
                return None
        return {}

    async def _narrowed(
        self, statement: _Statement, chosen: dict[str, Sequence[str]], close: str
    ) -> dict[str, Sequence[str]] | None:
        """One value of each list for which the statement fails, given that it does for one of all of them."""
        for name in chosen:
            while len(chosen[name]) > 1:
                half = len(chosen[name]) // 2
                low = {**chosen, name: chosen[name][:half]}
                within = await self.first([statement.tactic(low, close, many=True)]) is not None
                chosen = low if within else {**chosen, name: chosen[name][half:]}
        proved = await self.first([statement.tactic(chosen, close, many=True, kept=True)])
        return None if proved is None else chosen

    async def one_by_one(
        self, statement: _Statement, candidates: Sequence[dict[str, Sequence[str]]]
    ) -> dict[str, Sequence[str]] | None:
        """The first of these values for which the statement is proved to fail."""
        close = statement.close
        index = await self.first([statement.tactic(chosen, close) for chosen in candidates])
        if index is None or await self.first([statement.tactic(candidates[index], close, kept=True)]) is None:
            return None
        return candidates[index]

    async def by_inversion(
        self, statement: _Statement, candidates: Sequence[dict[str, Sequence[str]]]
    ) -> dict[str, Sequence[str]] | None:
        """The same where what fails is an inductive predicate, which has no derivation for these values."""
        for chosen in candidates if statement.predicates else ():
            replies = await self.replies([statement.tactic(chosen, "")])
            if replies and _taken(replies[0]) and replies[0].goals:
                close = _inversion(replies[0].goals[0].rpartition("⊢ ")[2], statement.predicates)
                if await self.first([statement.tactic(chosen, close, kept=True)], _INVERSION_LIMITS) is not None:
                    return chosen
        return None


def _variables(
    hypotheses: Sequence[Hypothesis], results: Mapping[str, str], values: Values
) -> tuple[_Variable, ...] | None:
    """What is put in for each hypothesis; None when one's type is not understood."""
    found: list[_Variable] = []
    families = {h.name for h in hypotheses if telescope(h.type)[1] == "Prop"}
    for index, one in enumerate(hypotheses):
        head = words(telescope(one.type)[1])[0]
        instance = one.name.startswith("inst✝")
        later = hypotheses[index + 1 :]
        fact = looks_like_a_fact(one.type) or results.get(head) == "Prop" or head in families
        if instance:
            role = _Role.INSTANCE
        elif fact and values.is_predicate(one.type):
            role = _Role.DERIVED
        elif fact:
            role = _Role.FACT
        elif (
            one.is_sort
            or one.name in families
            or any(
                mentions(other.type, one.name)
                and not (looks_like_a_fact(other.type) or results.get(words(other.type)[0]) == "Prop")
                for other in later
            )
        ):
            role = _Role.CHOSEN
        else:
            role = _Role.LISTED
        found.append(_Variable(one.name, f"v{index}" if "✝" in one.name else one.name, one.type, role))
    return _derived(found)


def _derived(found: list[_Variable]) -> tuple[_Variable, ...]:
    """Variables that a derivation says the value of are left to it, where it takes them as they are."""
    for index, variable in enumerate(found):
        if variable.role is not _Role.DERIVED:
            continue
        arguments = words(unwrapped(variable.type))[1:]
        named = {name: i for i, v in enumerate(found[:index]) for name in [v.name] if v.role is _Role.LISTED}
        if any(a not in named and any(mentions(a, n) for n in named) for a in arguments):
            found[index] = replace(variable, role=_Role.FACT)
    return tuple(found)


def _candidates(statement: _Statement) -> Iterator[dict[str, Sequence[str]]]:
    """Single values for everything, the smallest first, a bounded number."""
    variables = statement.variables
    assignments = list(statement.assignments())
    derived = [v for v in variables if v.role is _Role.DERIVED]
    inferred = {argument for v in derived for argument in words(unwrapped(v.type))[1:]}
    several = [v for v in variables if v.role in (_Role.LISTED, _Role.DERIVED) and v.name not in inferred]
    for given in assignments:
        choices = [statement.choices(v, given, 12) for v in several]
        if all(choices):
            chosen: dict[str, Sequence[str]] = {name: [value] for name, value in given.items()}
            chosen |= {v.name: ["_"] for v in variables if v.role is _Role.LISTED and v.name in inferred}
            for ranks in _by_sum([len(each) for each in choices], max(_BATCH, _CANDIDATES // len(assignments))):
                yield chosen | {v.name: [each[rank]] for v, each, rank in zip(several, choices, ranks, strict=True)}


def _listed(values: Sequence[str]) -> str:
    """A list of values; numbers in a row are quicker to read as a range."""
    if len(values) > 4 and all(value.isdigit() for value in values):
        return f"List.range' {values[0]} {len(values)}"
    return f"[{', '.join(values)}]"


def _inversion(target: str, predicates: Sequence[str]) -> str:
    """The tactics that show that an inductive predicate has no derivation; `target` is `¬ P (…)` as Lean prints it."""
    cases = f"grind [{', '.join(f'cases {name}' for name in predicates)}]"
    arguments = [a for a in words(unwrapped(target.removeprefix("¬").strip()))[1:] if a.startswith("(")]
    general = "".join(f"generalize e{i} : {argument} = x{i} at h; " for i, argument in enumerate(arguments))
    simplify = "".join(f" <;> (try simp [{_LISTS}] at e{i})" for i in range(len(arguments)))
    inverted = f"(intro h; {general}cases h{simplify} <;> {cases})" if arguments else cases
    return f"(by first | {inverted} | {cases})"


def _names(text: str, declared: Declared) -> list[str]:
    """Names in a text that the project may have declared."""
    found = dict.fromkeys(re.findall(r"[^\W\d][\w.'₀-₉]*", text))
    return [name for name in found if _short(name) in declared.constructors or _short(name) in declared.definitions]


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _taken(reply: TacticReply) -> bool:
    return not reply.failed and not any(message.severity == "error" for message in reply.messages)


def _by_sum(sizes: Sequence[int], most: int) -> Iterator[tuple[int, ...]]:
    """Ranks within these sizes in the order of their sum, a bounded number."""
    count = 0
    for total in range(sum(size - 1 for size in sizes) + 1):
        for ranks in _with_sum(sizes, total):
            yield ranks
            count += 1
            if count >= most:
                return


def _with_sum(sizes: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    if not sizes:
        if total == 0:
            yield ()
        return
    for first in range(min(sizes[0] - 1, total) + 1):
        for rest in _with_sum(sizes[1:], total - first):
            yield (first, *rest)
