"""A goal as one closed statement, and the tactics that prove its negation for given values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from orchestrator.goals.hypotheses import Hypothesis, looks_like_fact
from orchestrator.strategies.refute.values import (
    Values,
    mentions,
    substituted,
    telescope,
    unwrapped,
    words,
)

_ASSIGNMENTS = 60
_CANDIDATES = 240
_FEWEST = 8
# Without `no_implicit_lambda%`, implicit arguments of the goal would be introduced first.
_NEGATE = "refine no_implicit_lambda% ((fun (a : Prop) (_ : ¬ a) (h : a) => h) _ ?refutation ?original)"
_UNIVERSE = re.compile(r"(Type|Sort)\b(.*)")
_SORTS: Mapping[str, tuple[str, ...]] = {
    "Type": ("Bool", "Nat"),
    "Type u": ("PUnit", "(ULift Bool)"),
    "Sort": ("PUnit",),
}
_LISTS = "List.append_eq_cons_iff, List.cons_eq_append_iff"


class VariableRole(Enum):
    """What is put in for a variable of the goal."""

    CHOSEN = auto()  # one value at a time: others' types or the question whether the rest can be decided depend on it
    LISTED = auto()  # any of a list of values
    INSTANCE = auto()
    FACT = auto()  # a proof
    DERIVED = auto()  # a derivation of an inductive predicate, which says what its arguments are


_SAID = {VariableRole.DERIVED: "by"}


@dataclass(frozen=True, slots=True)
class GoalVariable:
    """A hypothesis of the goal: its name in the goal, the one it is reverted by, its type and what is put in."""

    name: str
    used: str
    type: str
    role: VariableRole


@dataclass(frozen=True, slots=True)
class ClosedGoal:
    """The goal as one closed statement.

    Attributes:
        variables: what it is about, in order.
        values: of the types that occur.
        unfolded: definitions of propositions that occur.
        predicates: inductive predicates that occur.
    """

    variables: tuple[GoalVariable, ...]
    values: Values
    unfolded: tuple[str, ...]
    predicates: tuple[str, ...]

    @property
    def prefix(self) -> str:
        """The tactics that put its negation beside it."""
        hidden = [v.used for v in self.variables if "✝" in v.name]
        rename = f"rename_i {' '.join(hidden)}; " if hidden else ""
        revert = f"revert {' '.join(v.used for v in self.variables)}; " if self.variables else ""
        return f"{rename}{revert}{_NEGATE}"

    def assignments(self) -> Iterator[dict[str, str]]:
        """Values of the variables that are chosen one at a time, the smallest first, a bounded number."""
        chosen = [v for v in self.variables if v.role is VariableRole.CHOSEN]
        for ranks in _by_sum([6] * len(chosen), _ASSIGNMENTS):
            given: dict[str, str] = {}
            for variable, rank in zip(chosen, ranks, strict=True):
                values = self.choices(variable, given, 6)
                if rank >= len(values):
                    break
                given[variable.name] = values[rank]
            else:
                yield given

    def choices(self, variable: GoalVariable, given: Mapping[str, str], most: int) -> tuple[str, ...]:
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
        listed = [many and v.role is VariableRole.LISTED for v in self.variables]
        last = max((i for i, one in enumerate(listed) if one), default=-1)
        binders, arguments = [], []
        for index, variable in enumerate(self.variables):
            values = chosen.get(variable.name, ())
            if listed[index]:
                binders.append(f"v{index} (_ : v{index} ∈ {_listed(values)})")
                arguments.append(f"v{index}")
            elif values:
                arguments.append(f"({values[0]})")
            elif variable.role is VariableRole.INSTANCE:
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
        """What it is false for, such as `n = 0, f = fun _ => 1`."""
        shown = [
            f"{v.name.removesuffix('✝')} {_SAID.get(v.role, '=')} {unwrapped(chosen[v.name][0])}"
            for v in self.variables
            if v.name in chosen and chosen[v.name][0] != "_"
        ]
        return ", ".join(shown) or "all values"


def variables_of(
    hypotheses: Sequence[Hypothesis], results: Mapping[str, str], values: Values
) -> tuple[GoalVariable, ...]:
    """What is put in for each hypothesis."""
    found: list[GoalVariable] = []
    families = {h.name for h in hypotheses if telescope(h.type)[1] == "Prop"}
    for index, one in enumerate(hypotheses):
        head = words(telescope(one.type)[1])[0]
        instance = one.name.startswith("inst✝")
        later = hypotheses[index + 1 :]
        fact = looks_like_fact(one.type) or results.get(head) == "Prop" or head in families
        if instance:
            role = VariableRole.INSTANCE
        elif fact and values.is_predicate(one.type):
            role = VariableRole.DERIVED
        elif fact:
            role = VariableRole.FACT
        elif (
            one.is_sort
            or one.name in families
            or any(
                mentions(other.type, one.name)
                and not (looks_like_fact(other.type) or results.get(words(other.type)[0]) == "Prop")
                for other in later
            )
        ):
            role = VariableRole.CHOSEN
        else:
            role = VariableRole.LISTED
        found.append(GoalVariable(one.name, f"v{index}" if "✝" in one.name else one.name, one.type, role))
    return _derived(found)


def _derived(found: list[GoalVariable]) -> tuple[GoalVariable, ...]:
    """Variables that a derivation says the value of are left to it, where it takes them as they are."""
    for index, variable in enumerate(found):
        if variable.role is not VariableRole.DERIVED:
            continue
        arguments = words(unwrapped(variable.type))[1:]
        named = {name: i for i, v in enumerate(found[:index]) for name in [v.name] if v.role is VariableRole.LISTED}
        if any(a not in named and any(mentions(a, n) for n in named) for a in arguments):
            found[index] = replace(variable, role=VariableRole.FACT)
    return tuple(found)


def candidates(statement: ClosedGoal) -> Iterator[dict[str, Sequence[str]]]:
    """Single values for everything, the smallest first, a bounded number."""
    variables = statement.variables
    assignments = list(statement.assignments())
    derived = [v for v in variables if v.role is VariableRole.DERIVED]
    inferred = {argument for v in derived for argument in words(unwrapped(v.type))[1:]}
    several = [v for v in variables if v.role in (VariableRole.LISTED, VariableRole.DERIVED) and v.name not in inferred]
    for given in assignments:
        choices = [statement.choices(v, given, 12) for v in several]
        if all(choices):
            chosen: dict[str, Sequence[str]] = {name: [value] for name, value in given.items()}
            chosen |= {v.name: ["_"] for v in variables if v.role is VariableRole.LISTED and v.name in inferred}
            for ranks in _by_sum([len(each) for each in choices], max(_FEWEST, _CANDIDATES // len(assignments))):
                yield chosen | {v.name: [each[rank]] for v, each, rank in zip(several, choices, ranks, strict=True)}


def _listed(values: Sequence[str]) -> str:
    """A list of values; numbers in a row are quicker to read as a range."""
    if len(values) > 4 and all(value.isdigit() for value in values):
        return f"List.range' {values[0]} {len(values)}"
    return f"[{', '.join(values)}]"


def inversion(target: str, predicates: Sequence[str]) -> str:
    """The tactics that show that an inductive predicate has no derivation; `target` is `¬ P (…)` as Lean prints it."""
    cases = f"grind [{', '.join(f'cases {name}' for name in predicates)}]"
    arguments = [a for a in words(unwrapped(target.removeprefix("¬").strip()))[1:] if a.startswith("(")]
    general = "".join(f"generalize e{i} : {argument} = x{i} at h; " for i, argument in enumerate(arguments))
    simplify = "".join(f" <;> (try simp [{_LISTS}] at e{i})" for i in range(len(arguments)))
    inverted = f"(intro h; {general}cases h{simplify} <;> {cases})" if arguments else cases
    return f"(by first | {inverted} | {cases})"


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
