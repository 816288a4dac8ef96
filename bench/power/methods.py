"""What the power benchmark measures: single tactics, and our strategies together and with one left out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import orchestrator
from bench.power.rows import Row
from bench.server_clock import TimedProver
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result, StrategyType
from orchestrator.lean.protocol import Limits
from orchestrator.strategies.base import GoalOpener, Strategy

TRY = "try?"
SINGLE = (
    "rfl",
    "trivial",
    "assumption",
    "contradiction",
    "decide",
    "omega",
    "simp",
    "simp_all",
    "simp +arith",
    "norm_cast",
    "ac_rfl",
    "solve_by_elim",
    "nofun",
    "grind",
    "exact?",
    TRY,
)
"""The single tactics of Lean without Mathlib that end a goal, `exact?` and `try?` among them."""

OURS = "ours"
WITHOUT = "ours without "
CLOSED = "closed_seconds"
"""Detail of our rows: seconds until the goal was closed, without what is done to the proof afterwards."""

MakeStrategies = Callable[[GoalOpener], Sequence[tuple[Strategy, float]]]
"""Our strategies in the order of their turns, each with its share of the time."""


@dataclass(frozen=True)
class Attempt:
    """One goal as it is measured: its id in the bank, and the goal that Lean gave."""

    id: str
    goal: Goal


async def measure_tactic(prover: TimedProver, attempt: Attempt, tactic: str, seconds: float, key: str) -> Row:
    """Try one tactic on the goal's state, then in its declaration unless it failed for good."""
    async with prover.open(attempt.goal) as context:
        start = prover.clock()
        replies = await context.tactics([tactic], limits=Limits(milliseconds=int(seconds * 1000)))
        solved = any(reply.completed for reply in replies)
        note = "" if solved else next((reply.error for reply in replies), "")
        left = seconds - (prover.clock() - start)
        if not solved and left > 0 and tactic not in _DEAR:
            # What fails on the state alone (another default of the elaborator) counts when the declaration takes it.
            solved = (await context.check(tactic, seconds=left)).accepted
        spent = prover.clock() - start
        late = spent > seconds * _TOLERANCE
        return Row(
            attempt.id,
            tactic,
            key,
            solved and not late,
            round(spent, 3),
            script=tactic if solved else "",
            note="out of time" if late else note[:200],
        )


async def measure_ours(
    prover: TimedProver,
    attempt: Attempt,
    make: MakeStrategies,
    seconds: float,
    key: str,
    *,
    without: StrategyType | None = None,
) -> Row:
    """Our strategies one after another: each gets its share, and what those before it have left over."""
    team = [(strategy, share) for strategy, share in make(prover) if strategy.type is not without]
    method = OURS if without is None else f"{WITHOUT}{without.value}"
    spent, results = 0.0, list[Result]()
    for place, (strategy, share) in enumerate(team):
        shares = sum(share for _, share in team[place:])
        turn = (seconds - spent) * share / shares
        if turn < _LEAST_SECONDS or strategy.available(attempt.goal):
            continue
        start = prover.clock()
        result = await strategy.run(attempt.goal, turn)
        spent += result.time_seconds or prover.clock() - start
        results.append(replace(result, strategy=strategy.type))
        if result.success:
            break
    found = results[-1] if results and results[-1].success else None
    late = spent > seconds * _TOLERANCE
    return Row(
        attempt.id,
        method,
        key,
        found is not None and not late,
        round(spent, 3),
        script="\n".join(found.tactics) if found else "",
        note="out of time" if late else "; ".join(f"{r.strategy}: {r.error}" for r in results if r.error)[:200],
        details={"by": str(found.strategy), **dict(found.metadata), CLOSED: round(_closed(spent, found), 3)}
        if found
        else {},
    )


def _closed(spent: float, found: Result) -> float:
    """Seconds until the goal was closed, as for a single tactic.

    Making the proof shorter and putting it into the declaration comes afterwards; a strategy that does not tell when
    that began is taken by its whole time.
    """
    after = found.metadata.get("closed_after")
    return spent - found.time_seconds + after if isinstance(after, float | int) else spent


@cache
def code_key(seconds: float) -> str:
    """Changes with everything in this program that a strategy's outcome may depend on."""
    root = Path(orchestrator.__file__).parent
    files = [root / "lean/Declarations.lean", root / "lean/embedded/Server.lean", root / "lean/open_goal.py"]
    files += [path for part in ("strategies", "premises") for path in root.glob(f"{part}/**/*.py")]
    digest = hashlib.sha256(str(seconds).encode())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def row_key(method: str, seconds: float, lean: str, *, timed: bool = True) -> str:
    """The key of a row: what its outcome depends on.

    `try?` does not depend on our code, but where times are compared it is measured again beside ours: a machine is not
    as fast today as it was yesterday, and the ratio of the two is what is asked.
    """
    if method in SINGLE and not (timed and method == TRY):
        return f"{seconds:g} {lean}"
    return f"{code_key(seconds)} {lean}"


_DEAR = frozenset({"exact?", TRY})
_LEAST_SECONDS = 0.2
_TOLERANCE = 1.02
