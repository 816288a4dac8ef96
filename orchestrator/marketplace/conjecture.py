"""Which lemmas an open goal misses: what a stuck attempt leaves open, closed over its variables and generalised.

An *opener* (an induction followed by automation) is run on the goal, and what it leaves open is turned into statements,
the most general first. A statement counts only if Lean takes it, and if the opener with that lemma, still unproved,
closes the goal: so nobody waits for a lemma that would not help.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.goals.goal import Goal
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.marketplace.statements import (
    abstraction,
    accessible,
    closed,
    common_terms,
    fertilisations,
    generalizable,
    hypotheses,
    occurrences,
)
from orchestrator.source.helper_lemmas import short_name, stub_text
from orchestrator.strategies.micro.portfolio import occurring
from orchestrator.strategies.suggestions import PRINT_PLAINLY, printed_plainly

_OPENER = Limits(milliseconds=15_000)
_REST = Limits(milliseconds=5_000)
_CHECK_SECONDS = 15.0
_MOST_OPEN = 2
_MOST_VARIABLES = 3
_MOST_CANDIDATES = 5
_MOST_CHECKS = 24
_MOST_NEEDS = 3
_STRICT = "set_option autoImplicit false in\n"
# Lemmas of the library with a side condition that automation gets stuck on.
_CONDITIONAL = ("Nat.sub_add_cancel", "Nat.div_mul_cancel", "Nat.add_sub_cancel'", "Nat.mul_div_cancel'")


@dataclass(frozen=True, slots=True)
class Missing:
    """A lemma that is missing: its full name and its signature."""

    name: str
    signature: str


@dataclass(frozen=True, slots=True)
class Need:
    """A way to close a goal: a script, and the lemmas that are to be proved for it.

    `seen`: how many attempts got stuck there, a measure of how much the lemmas are needed.
    """

    script: str
    lemmas: tuple[Missing, ...]
    seen: int = 1


@dataclass
class _Branch:
    """What an opener left open, each with statements that would close it."""

    opener: str
    rests: list[tuple[str, ...]] = field(default_factory=list)


async def find_needs(
    goal: Goal,
    *,
    prover: Pool,
    namespace: str,
    definitions: Iterable[str] = (),
    timeout: float = 30.0,
    hints: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Need, ...]:
    """The lemmas that would close `goal`, the most general first.

    Args:
        namespace: what is open in front of its declaration.
        hints: scripts that other strategies got stuck with, tried as openers, too.
    """
    deadline = clock() + timeout
    if not goal.is_prop:
        return ()
    async with prover.open(goal) as context:
        branches: list[_Branch] = []
        listed = tuple(definitions)
        for opener in (*hints, *openers(goal, listed)):
            if clock() > deadline or len(branches) >= 6:
                break
            branch = await _branch(context, opener, listed)
            if branch is not None and branch.rests:
                branches.append(branch)
        return await _needs(goal, namespace, context, branches, deadline, clock)


def openers(goal: Goal, definitions: Iterable[str] = ()) -> tuple[str, ...]:
    """Tactics that take a goal apart and leave the rest open, the most promising first."""
    there = hypotheses(accessible(goal.text))
    names = {one.name for one in hypotheses(goal.text)}
    data = [h.name for h in there if h.is_data and h.name in names]
    listed = ", ".join(occurring(goal, definitions))
    found = []
    for name in data[:_MOST_VARIABLES]:
        found.append(f"induction {name} <;> simp_all")
        if listed:
            found.append(f"induction {name} <;> simp_all [{listed}]")
    for name in data[:_MOST_VARIABLES]:
        others = " ".join(other for other in data if other != name)
        if others:
            found.append(f"induction {name} generalizing {others} <;> simp_all")
    found += [f"rw [{lemma}]" for lemma in _CONDITIONAL]
    found += [f"simp_all [{listed}]"] if listed else []
    found += [f"cases {name} <;> simp_all" for name in data[:_MOST_VARIABLES]]
    return tuple(dict.fromkeys(found))


async def _branch(context: OpenGoal, opener: str, definitions: Collection[str]) -> _Branch | None:
    replies = await context.tactics([opener], limits=_OPENER)
    if not replies or replies[0].failed or replies[0].completed or replies[0].proof_state is None:
        return None
    (reply,) = replies
    if not 1 <= len(reply.goals) <= _MOST_OPEN or any("⊢ False" in text for text in reply.goals):
        return None
    branch = _Branch(opener)
    for number in range(len(reply.goals)):
        branch.rests.append(await _statements(context, reply, number, definitions))
    return branch if all(branch.rests) else None


async def _statements(
    context: OpenGoal, reply: TacticReply, number: int, definitions: Collection[str]
) -> tuple[str, ...]:
    """Statements that what an opener left open follows from, the most general first."""
    text = reply.goals[number]
    plain = accessible(text)
    turn = f"rotate_left {number}\n" if number else ""
    hidden = [one.name for one, old in zip(hypotheses(plain), hypotheses(text), strict=False) if not old.is_accessible]
    rename = f"{turn}rename_i {' '.join(hidden)}\n" if hidden else turn

    async def after(lines: str) -> str:
        """The goal after these lines; "" when they fail."""
        replies = await context.tactics([f"{rename}{lines}"], proof_state=reply.proof_state, limits=_REST)
        done = replies and not replies[0].failed and replies[0].goals
        return accessible(replies[0].goals[0]) if done else ""

    async def without_fields(lines: str) -> str:
        """The same, printed without field notation."""
        script = f"{rename}{lines}\n{PRINT_PLAINLY}"
        replies = await context.tactics([script], proof_state=reply.proof_state, limits=_REST)
        return accessible(printed_plainly(replies[0])) if replies else ""

    found: list[str] = []
    for use in fertilisations(plain):
        shown = await without_fields(use)
        terms = common_terms(shown, definitions)
        general = await after("\n".join([use, *abstraction(terms, shown)])) if terms else ""
        if general:
            found.append(closed(general))
    names = itertools.chain(("acc", "tail", "k", "m"), (f"z{number}" for number in itertools.count()))
    variable = next(name for name in names if name not in plain)
    for term in generalizable(plain)[:8]:
        general = await after(f"generalize {term} = {variable}")
        if general and occurrences(general, variable) >= 2:
            found.append(closed(general))
    found.append(closed(plain))
    kept = closed(plain, all_facts=True)
    if not any(one.name.rstrip("✝").endswith("ih") for one in hypotheses(text)):
        found.append(kept)
    return tuple(dict.fromkeys(found))[:_MOST_CANDIDATES]


async def _needs(
    goal: Goal,
    namespace: str,
    context: OpenGoal,
    branches: Sequence[_Branch],
    deadline: float,
    clock: Callable[[], float],
) -> tuple[Need, ...]:
    counts = Counter(s for branch in branches for s in {s for rest in branch.rests for s in rest})
    found: dict[tuple[str, ...], Need] = {}
    checks = 0
    for branch in branches:
        for signatures in itertools.product(*branch.rests):
            if clock() > deadline or checks >= _MOST_CHECKS or len(found) >= _MOST_NEEDS:
                break
            if signatures in found:
                continue
            checks += 1
            need = await _need(goal, namespace, context, branch.opener, signatures)
            if need is not None:
                seen = max(counts[signature] for signature in signatures)
                found[signatures] = Need(need.script, need.lemmas, seen)
    return tuple(found.values())


async def _need(goal: Goal, namespace: str, context: OpenGoal, opener: str, signatures: Sequence[str]) -> Need | None:
    """The need in which these statements close the goal; None when they do not, or are the goal itself."""
    distinct = list(dict.fromkeys(signatures))
    base = f"{goal.declaration}_helper"
    names = {signature: f"{base}{index + 1 if index else ''}" for index, signature in enumerate(distinct)}
    short = {signature: short_name(name, namespace) for signature, name in names.items()}
    prelude = "".join(f"{_STRICT}{stub_text(short[signature], signature)}\n\n" for signature in distinct)
    uses = [short[signature].removeprefix("_root_.") for signature in signatures]
    ways = [[f"exact {use} .." for use in uses], [f"simp_all [{use}]" for use in uses]]
    ways.append([f"apply {use} <;> assumption" for use in uses])
    for lines in ways:
        bullets = lines if len(lines) == 1 else [f"· {line}" for line in lines]
        script = "\n".join([opener, *bullets])
        if (await context.check(script, seconds=_CHECK_SECONDS, prelude=prelude)).accepted:
            return Need(script, tuple(Missing(names[signature], signature) for signature in distinct))
    return None
