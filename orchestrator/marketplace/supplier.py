"""The marketplace's own supplier: induction over each variable, the others generalised, then Lean's automation."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result
from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.lean.protocol import Limits
from orchestrator.marketplace.statements import hypotheses
from orchestrator.strategies.base import GoalOpener
from orchestrator.strategies.micro.portfolio import occurring

SUPPLIER = "induction"
# Heartbeats bound the work; the clock is for what escapes them, also on a machine that is busy.
_LIMITS = Limits(milliseconds=15_000)
_BATCH = 6
_NUMBERS = ("Nat", "Int")
_BINDERS = re.compile(rf"∀ ((?:{IDENTIFIER}\s*)+)(?::[^,]*)?,|∀ \(((?:{IDENTIFIER}\s*)+):")
_ASSOCIATIVE = "Nat.add_assoc, Nat.add_comm, Nat.add_left_comm, Nat.mul_assoc, Nat.mul_comm, Nat.mul_left_comm"


def induction_portfolio(goal: Goal, definitions: Iterable[str] = ()) -> tuple[str, ...]:
    """Scripts for a lemma, cheapest first."""
    named = hypotheses(goal.text)
    # Lists and trees before numbers: recursions run over the former, and carry the latter along.
    ordered = sorted(named, key=lambda h: h.type in _NUMBERS)
    data = [h.name for h in ordered if h.is_data and h.is_accessible]
    bound = [name for match in _BINDERS.finditer(goal.target) for name in (match[1] or match[2]).split()]
    lead = f"intro {' '.join(bound)}\n" if bound and goal.target.startswith("∀") else ""
    if lead:
        data += [name for name in bound if name not in data]
    listed = occurring(goal, definitions)
    unfolded = f" [{', '.join(listed)}]" if listed else ""
    more = f" [{', '.join((*listed, _ASSOCIATIVE))}]"
    endings = [
        "simp_all",
        "grind",
        "(simp; assumption)",
        "simp [*]",
        "simp_all <;> omega",
        "(simp_all; done) <;> grind",
    ]
    if listed:
        endings += [f"simp_all{unfolded}", f"grind{unfolded}", f"simp_all{unfolded} <;> omega"]
    endings += [f"simp_all{more}"]
    heads = []
    for name in data[:4]:
        others = " ".join(other for other in data if other != name)
        heads += [f"induction {name} generalizing {others}"] if others else []
        heads += [f"induction {name}"]
    scripts = [f"{lead}{head} <;> {ending}" for ending in endings for head in heads]
    return tuple(dict.fromkeys([f"{lead}{e}" for e in ("simp_all", "grind", "omega")] + scripts))


async def run_induction(
    goal: Goal,
    timeout: float,
    *,
    prover: GoalOpener,
    definitions: Iterable[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """A script that Lean accepts for `goal`, or why there is none."""
    deadline = clock() + timeout
    scripts = induction_portfolio(goal, definitions)
    async with prover.open(goal) as context:
        while scripts:
            left = deadline - clock()
            if left < 0.2:
                return Result(success=False, outcome=Outcome.TIMEOUT)
            batch = scripts[:_BATCH]
            replies = await context.tactics(batch, limits=_LIMITS, budget_seconds=left)
            for reply in replies:
                if reply.completed and (await context.check(reply.tactic)).accepted:
                    return Result(success=True, tactics=(reply.tactic,))
            scripts = scripts[len(replies) or len(batch) :]
    return Result(success=False, outcome=Outcome.NOT_PROVED)
