"""Whether many workers do many times as much: `python -m bench.scale [--workers N …] [--json FILE]`.

A night of one scheduler with 1, 4, 16 and 64 workers, on goals whose attempts were recorded on real Lean. The attempts
take virtual time. The scheduler, the claims and the ledger are real, on a PostgreSQL server that is started for this:
the processor time of both is added to the clock, so that the machine's load changes little; the network is not. The
efficiency is how much of N workers' time does what one worker alone would do: the seconds of one, by N and those of N.

A night of 100,000 goals whose time is over at once shows what planning takes, in seconds of this process's processor.

Then the command itself, `--runner dask`, with one worker process and with two, for two minutes each on the project of
`bench.night`: two have to prove no fewer goals, and sooner, which the area under the curve of goals proved says. That
means something only where two cores are free.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench.command import run_command, write_figures
from bench.matrix import Row, read_matrix
from bench.night import Figure, Recorded, chosen, made, measured, strategies_on
from bench.postgres import new_database, temporary_server
from bench.virtual_time import VirtualTimeLoop
from orchestrator.config import SchedulerSettings, Settings
from orchestrator.errors import OrchestratorError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.ledger.store import Ledger
from orchestrator.run.ledger import RunLedger
from orchestrator.run.stop import Stop
from orchestrator.run.triage.changes import in_order
from orchestrator.scheduler.claims import claims
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.memory import MemoryLedger
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Slots
from orchestrator.scheduler.time_limits import TimeLimits
from orchestrator.strategies.registry import make_policy

WORKERS = (1, 4, 16, 64)
GOALS_A_WORKER = 8
PLANNED = 100_000
AT_LEAST = 0.8
PLAN_SECONDS = 10.0
REAL_MINUTES = 2.0
_KINDS = (StrategyType.MICRO, StrategyType.HAMMER)
_REPO = "scale"
_NIGHT_SECONDS = 0.1


@dataclass(frozen=True)
class Night:
    """A simulated night.

    Attributes:
        seconds: until all goals were done.
        claimed: claims made in the ledger.
        efficiency: beside one worker; 1 is as much from each.
    """

    workers: int
    goals: int
    proved: int
    claimed: int
    seconds: float
    efficiency: float = 1.0


def copies(rows: Sequence[Row], most: int) -> Iterator[tuple[Goal, Row]]:
    """Goals with what was recorded of them, each copy with a hypothesis of its own: none is known from another."""
    for number, row in enumerate(islice(cycle(rows), most)):
        known = f"copy : {number} = {number}\n"
        yield replace(row.as_goal, id=f"{row.goal}/{number}", text=known + row.text), row


def scheduler_of(
    goals: Sequence[tuple[Goal, Row]], workers: int, memory: RunLedger | MemoryLedger, store: Ledger | None
) -> tuple[Scheduler, list[str]]:
    """A scheduler over recorded attempts, which claims goals in `store`; and the goals it has claimed."""
    settings = Settings(market=False)
    trials = {kind: {g.id: t for g, row in goals for t in strategies_on(row) if t.arm == kind} for kind in _KINDS}
    strategies = {kind: Recorded(kind, trials[kind]) for kind in _KINDS}
    context = replace(
        SchedulerContext.of(SchedulerSettings()),
        strategies=strategies,
        memory=memory,
        policy=make_policy(settings),
        slots=Slots(workers, workers, workers),
        limits=TimeLimits(settings, quick=strategies),
        clock=asyncio.get_running_loop().time,
    )
    claimed: list[str] = []

    def made(goal: Goal, _strategy: StrategyType, _seconds: float) -> bool:
        claimed.append(goal.id)
        return False

    middleware = () if store is None else (claims(store, repo=_REPO, worker=f"night-{workers}", made=made),)
    return Scheduler(context, settings=settings, middleware=middleware), claimed


def night(goals: Sequence[tuple[Goal, Row]], workers: int, url: str) -> Night:
    """A night with so many workers, on a ledger of its own."""

    async def work(store: Ledger) -> Night:
        settings = Settings(market=False)
        store.start_run(run_id=_REPO, repo=_REPO, ref="HEAD", commit="c", profile=1, configuration={})
        ledger = RunLedger(store, _REPO, _REPO, "c", settings, lambda _goal: "e", Stop(lambda: None))
        scheduler, claimed = scheduler_of(goals, workers, ledger, store)
        clock = asyncio.get_running_loop().time
        began = clock()
        results = await scheduler.process_queue([goal for goal, _ in goals])
        proved = sum(result.success for result in results.values())
        return Night(workers, len(goals), proved, len(claimed), clock() - began)

    with Ledger.open(url) as store:
        database = url.rpartition("/")[2]
        backends = [one for one in psutil.Process().children(recursive=True) if database in " ".join(one.cmdline())]
        if not backends:
            raise OrchestratorError("The database's process is not found, so that its time cannot be counted")

        def worked() -> float:
            return time.process_time() + sum(sum(one.cpu_times()[:2]) for one in backends)

        with asyncio.Runner(loop_factory=partial(VirtualTimeLoop, worked)) as runner:
            return runner.run(work(store))


def planned(rows: Sequence[Row]) -> float:
    """Seconds of this process's processor for `PLANNED` goals: each gets its place in line, its turn and its answer."""
    goals = list(copies(rows, PLANNED))

    async def work() -> float:
        scheduler, _ = scheduler_of(goals, WORKERS[-1], MemoryLedger(), None)
        begun = time.process_time()
        ordered = in_order([goal for goal, _ in goals], old=frozenset(), worth={})
        results = await scheduler.process_queue(ordered, seconds=_NIGHT_SECONDS)
        seconds = time.process_time() - begun
        if len(results) != PLANNED:
            raise OrchestratorError("The night of many goals has not answered for each of them")
        return seconds

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work())


def real(workers: int, folder: Path) -> Figure:
    """The command on a new project, with so many worker processes."""
    goals, _ = chosen()
    settings = {"ORCH_RUNNER": "dask", "ORCH_SERVERS": str(workers), "ORCH_MARKET": "no"}
    name = f"{workers} worker processes" if workers > 1 else "1 worker process"
    return measured(name, REAL_MINUTES, made(folder / f"project{workers}", goals), folder / f"home{workers}", settings)


def shortfalls(nights: Sequence[Night], plan: float, runs: Sequence[Figure]) -> list[str]:
    """What is less than asked, in words."""
    short = [
        f"{one.workers} workers: efficiency {one.efficiency:.2f}, not {AT_LEAST}"
        for one in nights
        if one.efficiency < AT_LEAST
    ]
    if plan > PLAN_SECONDS:
        short.append(f"{PLANNED:,} goals: {plan:.1f} s, not {PLAN_SECONDS:g} s")
    if runs and runs[-1].area <= runs[0].area:
        short.append(f"two real workers: area {runs[-1].area:.3f}, and one's is {runs[0].area:.3f}")
    if runs and runs[-1].solved < runs[0].solved:
        short.append(f"two real workers prove {runs[-1].solved} goals, and one {runs[0].solved}")
    return short


def show(nights: Sequence[Night], plan: float, runs: Sequence[Figure], console: Console) -> None:
    """The tables."""
    grid = Table(title="a night on recorded attempts", title_justify="left")
    for heading in ("workers", "goals", "proved", "claims", "seconds", "efficiency"):
        grid.add_column(heading, justify="right")
    for n in nights:
        numbers = (n.workers, n.goals, n.proved, n.claimed)
        grid.add_row(*map(str, numbers), f"{n.seconds:.0f}", f"{n.efficiency:.2f}")
    console.print(grid)
    console.print(f"{PLANNED:,} goals planned in {plan:.1f} s of processor time")
    if runs:
        grid = Table(title="the command with --runner dask, here", title_justify="left")
        for heading in ("", "proved", "area"):
            grid.add_column(heading, justify="right")
        for run in runs:
            grid.add_row(run.program, str(run.solved), f"{run.area:.3f}")
        console.print(grid)


def main(words: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when a figure falls short, or where there is no PostgreSQL."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS, help="how many, simulated; 1 is added")
    parser.add_argument("--simulated", action="store_true", help="leave the real workers out")
    parser.add_argument("--json", type=Path, default=None, help="write the figures to this file, too")
    arguments = parser.parse_args(words)
    counts = sorted({1, *arguments.workers})
    try:
        rows = [row for row in read_matrix() if strategies_on(row)]
        goals = list(copies(rows, GOALS_A_WORKER * counts[-1]))
        nights: list[Night] = []
        with temporary_server() as server:
            for workers in counts:
                one = night(goals, workers, new_database(server, f"night{workers}"))
                first = nights[0].seconds if nights else one.seconds
                nights.append(replace(one, efficiency=first / (workers * one.seconds)))
        plan = planned(rows)
    except OrchestratorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    runs: list[Figure] = []
    if not arguments.simulated:
        with tempfile.TemporaryDirectory(prefix="scale-") as scratch:
            runs = [real(workers, Path(scratch)) for workers in (1, 2)]
    show(nights, plan, runs, Console())
    short = shortfalls(nights, plan, runs)
    for line in short:
        sys.stderr.write(f"{line}\n")
    figures: Mapping[str, object] = {
        "nights": [asdict(one) for one in nights],
        "plan_seconds": plan,
        "runs": [asdict(one) for one in runs],
        "short": short,
    }
    write_figures(arguments.json, figures)
    return 1 if short else 0


if __name__ == "__main__":
    run_command(main)
