"""The loop of the power benchmark: every goal with every method, on one server, what is known already left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.console import Console

from bench.power.methods import OURS, SINGLE, WITHOUT, Attempt, MakeStrategies, measure_ours, measure_tactic, row_key
from bench.power.rows import Row, Rows
from bench.server_clock import STRETCH, TimedProver
from orchestrator.config import Settings
from orchestrator.errors import RequestRefused, SessionError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.pool import Pool
from orchestrator.lean.servers import Servers
from orchestrator.premises.retrieval import Choose
from orchestrator.source.project import Project
from orchestrator.strategies.base import GoalOpener, Strategy, Timing
from orchestrator.strategies.local_context import declarations_seen, definitions_seen
from orchestrator.strategies.registry import make_strategies
from orchestrator.strategies.spec import StrategyTools

SHARES = {StrategyType.HAMMER: 8.0}
OTHER_SHARE = 1.0
_WARM_UP_SECONDS = 2.0


@dataclass(frozen=True)
class Bench:
    """What is measured with what.

    `methods` holds "single", ours, and what measures ours once more without the strategy that made the proof. `timed`:
    whether ours is compared with `try?` by the time, too.
    """

    servers: Servers
    project: Project
    extraction: Extraction
    goals: dict[str, Goal]
    seconds: float
    settings: Settings
    choose: Choose
    rows: Rows
    methods: frozenset[str]
    timed: bool = True

    def key(self, method: str) -> str:
        """The key of this run's rows of a method."""
        return row_key(method, self.seconds, self.servers.identity.split()[0], timed=self.timed)


def team(bench: Bench, prover: GoalOpener, clock: Callable[[], float]) -> list[tuple[Strategy, float]]:
    """The strategies of profile 1 in the order of their turns, each with its share of the time."""
    strategies = make_strategies(
        StrategyTools(
            settings=bench.settings,
            prover=prover,
            definitions=definitions_seen(bench.project, bench.extraction),
            declarations=declarations_seen(bench.project, bench.extraction),
            choose=bench.choose,
            timing=Timing(clock=clock, grace_seconds=30.0 * STRETCH),
        )
    )
    order = sorted(strategies.values(), key=lambda strategy: -SHARES.get(strategy.type, OTHER_SHARE))
    return [(strategy, SHARES.get(strategy.type, OTHER_SHARE)) for strategy in order]


async def measure_all(bench: Bench, ids: Sequence[str], console: Console) -> None:
    """Measure one goal after another on one server."""
    session = bench.servers.session()
    assert isinstance(session, EmbeddedSession)  # the bench chooses the embedded Lean
    async with Pool([session], bench.project) as pool:
        prover = TimedProver(session, pool)

        def make(timed: GoalOpener) -> list[tuple[Strategy, float]]:
            return team(bench, timed, lambda: prover.clock() + time.process_time())

        if ids and OURS in bench.methods:
            # Models are loaded once, whatever the number of goals.
            for strategy, _ in make(prover):
                if not strategy.available(bench.goals[ids[0]]):
                    await strategy.run(bench.goals[ids[0]], _WARM_UP_SECONDS)
        for goal_id in ids:
            attempt = Attempt(goal_id, bench.goals[goal_id])
            for row_method in methods_of(bench):
                await measure(bench, prover, attempt, row_method, make)
            mine = [row for row in bench.rows if row.goal == goal_id]
            solved = sum(row.solved for row in mine)
            console.print(f"{goal_id}: {solved} of {len(mine)} methods", highlight=False)


def methods_of(bench: Bench) -> tuple[str, ...]:
    """The methods to measure, in order."""
    single = SINGLE if "single" in bench.methods else ()
    return (*single, *((OURS,) if OURS in bench.methods else ()))


async def measure(bench: Bench, prover: TimedProver, attempt: Attempt, method: str, make: MakeStrategies) -> None:
    """One method on one goal, unless it is known; ours once more without the strategy that made the proof, if asked."""
    ours = method == OURS or method.startswith(WITHOUT)
    key = bench.key(method)
    if not bench.rows.has(attempt.id, method, key):
        begun = time.monotonic()
        try:
            if ours:
                name = method.removeprefix(WITHOUT)
                without = None if method == OURS else StrategyType(name)
                row = await measure_ours(prover, attempt, make, bench.seconds, key, without=without)
            else:
                row = await measure_tactic(prover, attempt, method, bench.seconds, key)
        except (SessionError, RequestRefused) as error:
            row = Row(attempt.id, method, key, False, bench.seconds, note=f"Lean gave no answer: {error.what}")
        bench.rows.add(replace(row, wall=round(time.monotonic() - begun, 3)))
    if method == OURS and WITHOUT in bench.methods:
        (row,) = (row for row in bench.rows if row.goal == attempt.id and row.method == OURS)
        by = row.details.get("by")
        if row.solved and isinstance(by, str):
            await measure(bench, prover, attempt, f"{WITHOUT}{by}", make)
