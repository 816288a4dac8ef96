"""Looks for a counterexample to a goal: small values for its variables, and a proof by Lean that it fails for them.

Everything the goal depends on is reverted, so that it is one closed statement, and its negation is proved by putting
values in: `fun h => absurd (h 0 (fun _ => 1)) (by decide)`. What Lean accepts is a refutation of the goal as it
stands, although of a goal inside a proof it says only that the way taken there leads nowhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.goals.goal import Goal
from orchestrator.lean.protocol import Limits
from orchestrator.strategies.base import ProofContext
from orchestrator.strategies.refute.values import Inductive, substituted, values_of

MOST_CANDIDATES = 160
_BATCH = 8
_MILLISECONDS = 1500
_CLOSE = "(by first | decide | (simp; done) | omega)"
# Without `no_implicit_lambda%`, implicit arguments of the goal would be introduced first.
_NEGATE = "refine no_implicit_lambda% ((fun (a : Prop) (_ : ¬ a) (h : a) => h) _ ?refutation ?original)"
_UNIVERSE = re.compile(r"(?:Type|Sort)(?: .+)?")
# "===================\nFound a counter-example!\nx := 3\nguard: …\nissue: 3 = 4 does not hold\n(0 shrinks)\n----"
_FOUND = re.compile(r"Found a counter-example!\n(.*?)(?:\n-{5,}|\Z)", re.DOTALL)
_RELATION = re.compile(r"[=≠<>≤≥∧∨¬∀∃↔∣∈]")


@dataclass(frozen=True, slots=True)
class Refutation:
    """Values for a goal's variables, and the tactic that proves that the goal fails for them."""

    values: tuple[tuple[str, str], ...]
    tactic: str

    @property
    def words(self) -> str:
        """Such as `n = 0, f = fun _ => 1`."""
        return ", ".join(f"{name} = {_bare(value)}" for name, value in self.values) or "as it stands"


async def find_counterexample(
    context: ProofContext,
    known: Mapping[str, Inductive],
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Values for which the goal is false, in words; "" when none was found in the time."""
    deadline = clock() + seconds
    limits = Limits(milliseconds=_MILLISECONDS)
    state, text = None, context.goal.text
    opened = await context.tactics(["intros"], limits=limits)
    if context.goals == 1 and opened and not opened[0].failed and len(opened[0].goals) == 1:
        state, text = opened[0].proof_state, opened[0].goals[0]
    words = await _plausible(context, state, limits)
    if words:
        return words
    found = candidates(Goal(id="", text=text), known)
    for start in range(0, len(found), _BATCH):
        batch = found[start : start + _BATCH]
        left = deadline - clock()
        if left <= 0:
            break
        replies = await context.tactics(
            [candidate.tactic for candidate in batch], proof_state=state, limits=limits, budget_seconds=left
        )
        for candidate, reply in zip(batch, replies, strict=False):
            # The goal itself is still there, its negation is proved.
            if not reply.failed and len(reply.goals) == 1 and not any(m.severity == "error" for m in reply.messages):
                return candidate.words
    return ""


async def _plausible(context: ProofContext, state: int | None, limits: Limits) -> str:
    """What Lean's `plausible` finds, where the project imports it (with Mathlib); else it is no tactic, and fails.

    It does not prove that the goal is false, but evaluates it: what it says is its word alone.
    """
    replies = await context.tactics(["plausible"], proof_state=state, limits=limits)
    if not replies or not replies[0].failed:
        return ""
    match = _FOUND.search(replies[0].error)
    return ", ".join(line.strip() for line in match[1].splitlines() if " := " in line) if match else ""


def candidates(goal: Goal, known: Mapping[str, Inductive]) -> tuple[Refutation, ...]:
    """Values to try, the smallest first; none when a variable's type is not understood."""
    variables = [one for one in goal.hypotheses if not one.value]  # a local definition is none
    types = {v.name: "PUnit" if v.type != "Type" else "Nat" for v in variables if _UNIVERSE.fullmatch(v.type)}
    choices: list[tuple[str, ...]] = []
    shown: list[int] = []
    for index, variable in enumerate(variables):
        if variable.name in types:
            choices.append((types[variable.name],))
        elif variable.name.startswith("inst✝"):
            choices.append(("inferInstance",))
            continue
        elif _RELATION.search(variable.type):
            choices.append((_CLOSE,))
            continue
        else:
            choices.append(values_of(substituted(variable.type, types), known))
        shown.append(index)
    if any(not each for each in choices):
        return ()
    names = [v.name if v.is_accessible else f"v{index}" for index, v in enumerate(variables)]
    hidden = [name for name, v in zip(names, variables, strict=True) if not v.is_accessible]
    rename = f"rename_i {' '.join(hidden)}; " if hidden else ""
    revert = f"revert {' '.join(names)}; " if names else ""
    made = []
    for values in _combinations(choices):
        applied = f"@refuted {' '.join(f'({value})' for value in values)}" if values else "refuted"
        tactic = f"{rename}{revert}{_NEGATE}; case refutation => exact fun refuted => absurd ({applied}) {_CLOSE}"
        made.append(Refutation(tuple((variables[i].name.removesuffix("✝"), values[i]) for i in shown), tactic))
    return tuple(made)


def _combinations(choices: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Combinations in the order of how far they are from the first of everything, a bounded number."""
    ranks = [len(each) for each in choices]
    count = 0
    for total in range(sum(size - 1 for size in ranks) + 1):
        for indices in _with_sum(ranks, total):
            yield tuple(each[index] for each, index in zip(choices, indices, strict=True))
            count += 1
            if count >= MOST_CANDIDATES:
                return


def _with_sum(ranks: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    if not ranks:
        if total == 0:
            yield ()
        return
    for first in range(min(ranks[0] - 1, total) + 1):
        for rest in _with_sum(ranks[1:], total - first):
            yield (first, *rest)


def _bare(value: str) -> str:
    return value[1:-1] if value.startswith("(") and value.endswith(")") else value
