"""Whether a run's time goes where proofs are: `python -m bench.night [--budgets MINUTES …] [--against COMMIT]`.

A project is made of 60 goals of the bank, held out from every choice that was made here: 45 that some strategy proved
when the attempt matrix was recorded, and 15 that none did. They stand in 12 files, with two false statements among
them and one broken file beside them. The command works on it with each budget: as it is, without the market, with the
UCB index of the project description, and as the program was at another commit. Each time: goals proved per minute that
the command had the machine, the area under the curve of goals proved (1: all 45 at once), and the share of the time
that went to goals which were then proved. Programs are compared by how long a goal within reach waits for its proof on
average, one that is not proved for the whole budget (PAR-1, as solver competitions have it). That is what is missing of
the area: goals a minute and the area itself say more of an ample budget than of the program.

The best fixed plan, found with full knowledge of the goals, can only be known for recorded attempts: it and the
scheduler are set side by side on those of the matrix, in virtual time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from bench.bank import BankGoal, Split, load_bank
from bench.command import run_command, write_figures
from bench.matrix import ArmKind, Row, Trial, read_matrix, shuffled
from bench.overhead import ROOT, commit, prove
from bench.virtual_time import run as in_virtual_time
from orchestrator.config import PolicyChoice, SchedulerSettings, Settings
from orchestrator.errors import OrchestratorError
from orchestrator.goals.events import Event, GoalDone
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Slots
from orchestrator.scheduler.time_limits import TimeLimits
from orchestrator.strategies.registry import make_policy

WITHIN, OUT_OF_REACH, FILES = 45, 15, 12
MINUTES = (2.0, 5.0, 15.0)
LANES = 2
ORDERS = 10
OF_HINDSIGHT = 0.95
OVER_BEFORE = 1.2
_FALSE = ("theorem wrong_{0} (n : Nat) : n * n ≤ 9 * n", "theorem wrong_{0} (l : List Nat) : l.reverse = l")
_BROKEN = "theorem fine : 1 = 1 := by\n  sorry\n\nend Nowhere\n\ntheorem behind : 2 = 2 := by\n  sorry\n"
_LIMITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


@dataclass(frozen=True)
class Figure:
    """What one program made of one budget.

    Attributes:
        minutes: the budget.
        times: seconds from the start of the command to each proof, in their order.
        area: under the curve of goals proved, as a share of all goals within reach proved at once.
        share: of the attempts' time, what was spent on goals that were then proved.
        spent: seconds of the whole command, from its start to its patch.
        ended: why, where the program says it.
    """

    program: str
    minutes: float
    solved: int
    times: tuple[float, ...]
    area: float
    share: float
    spent: float
    ended: str = ""

    @property
    def per_minute(self) -> float:
        """Goals proved in a minute of the command."""
        return 60 * self.solved / self.spent

    @property
    def wait(self) -> float:
        """Seconds from the first attempt until a goal within reach is proved, on average; the budget where none is."""
        return 60 * self.minutes * (1 - self.area)


def chosen() -> tuple[tuple[BankGoal, ...], dict[str, Row]]:
    """The goals in an order that is nobody's choice, and what was recorded of them."""
    rows = {row.goal: row for row in read_matrix()}
    free = [goal for goal in shuffled(load_bank()) if goal.split is Split.HELD_OUT and not goal.imports]
    within = [goal for goal in free if any(trial.success for trial in strategies_on(rows[goal.id]))]
    out = [goal for goal in free if goal not in within]
    goals = shuffled((*within[:WITHIN], *out[:OUT_OF_REACH]))
    return goals, {goal.id: rows[goal.id] for goal in goals}


def strategies_on(row: Row) -> list[Trial]:
    """What the strategies that need no model did on a goal."""
    free = (StrategyType.MICRO, StrategyType.HAMMER)
    return [trial for trial in row.trials if trial.kind is ArmKind.STRATEGY and trial.arm in free]


def made(folder: Path, goals: Sequence[BankGoal]) -> Path:
    """The project as a git repository, each time with other content, so that nothing of it is known already."""
    (folder / "Night").mkdir(parents=True)
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-pre\n")
    (folder / "lakefile.toml").write_text('name = "Night"\n\n[[lean_lib]]\nname = "Night"\nglobs = ["Night.+"]\n')
    mark = f"-- {time.time_ns()}\n"
    for number in range(FILES):
        parts = [
            "\n\n".join(
                filter(None, (f"namespace N_{g.name}", g.context, f"{g.statement} := by\n  sorry", f"end N_{g.name}"))
            )
            for g in goals[number::FILES]
        ]
        parts += [text.format(number) + " := by\n  sorry" for text in _FALSE[number : number + 1]]
        (folder / f"Night/F{number:02}.lean").write_text(mark + "\n\n".join(parts) + "\n", encoding="utf-8")
    (folder / "Night/Broken.lean").write_text(mark + _BROKEN, encoding="utf-8")
    commit(folder)
    return folder


def measured(name: str, minutes: float, repo: Path, home: Path, settings: Mapping[str, str]) -> Figure:
    """The real command on the project."""
    home.mkdir(parents=True)
    start = time.time()
    timed = prove(repo, home, {"ORCH_TIMEOUT": str(60 * minutes), **settings})
    summary = timed.summary
    broken = [problem["file"] for problem in summary["problems"]]
    if broken != ["Night/Broken.lean"]:
        sys.exit(f"These files do not elaborate, and should: {summary['problems']}")
    lines = (home / "out/attempts.jsonl").read_text(encoding="utf-8").splitlines()
    attempts = [json.loads(line) for line in lines]
    ends = [datetime.fromisoformat(one["timestamp"]).timestamp() for one in attempts]
    began = min(end - one["time_seconds"] for end, one in zip(ends, attempts, strict=True))
    solved = {goal["id"] for goal in summary["goals"] if goal["status"] == "solved"}
    at: dict[str, float] = {}
    for end, one in zip(ends, attempts, strict=True):
        if one["success"] and one["goal"] in solved:
            at[one["goal"]] = min(end, at.get(one["goal"], end))
    seconds = sum(one["time_seconds"] for one in attempts)
    useful = sum(one["time_seconds"] for one in attempts if one["goal"] in solved)
    return Figure(
        program=name,
        minutes=minutes,
        solved=len(solved),
        times=tuple(sorted(end - start for end in at.values())),
        area=area((end - began for end in at.values()), 60 * minutes),
        share=useful / seconds,
        spent=timed.seconds,
        ended=summary.get("ended", ""),
    )


def area(times: Iterable[float], seconds: float) -> float:
    """Under the curve of goals proved at these times, as a share of all of them at once."""
    return sum(max(0.0, seconds - at) for at in times) / (WITHIN * seconds)


@dataclass
class Recorded:
    """A strategy that does what was recorded of it."""

    type: StrategyType
    trials: Mapping[str, Trial]

    def available(self, goal: Goal) -> str:
        """Whether it was recorded on the goal."""
        return "" if goal.id in self.trials else "not recorded"

    async def run(self, goal: Goal, timeout: float) -> Result:
        """The recorded end, or as much of the attempt as there is time for."""
        trial = self.trials[goal.id]
        await asyncio.sleep(min(timeout, trial.seconds))
        if trial.seconds > timeout:
            return Result(success=False, outcome=Outcome.TIMEOUT, time_seconds=timeout)
        tactics = ("recorded",) if trial.success else ()
        return Result(trial.success, self.type, tactics, trial.seconds, outcome=Outcome.NOT_PROVED)


def in_orders(rows: Mapping[str, Row], measure: Callable[[Mapping[str, Row]], float]) -> float:
    """The mean over several orders of the goals."""
    orders = [random.Random(seed).sample(list(rows), len(rows)) for seed in range(ORDERS)]
    return fmean(measure({key: rows[key] for key in order}) for order in orders)


def replayed(rows: Mapping[str, Row], minutes: float, policy: PolicyChoice) -> float:
    """The area that the scheduler reaches on recorded attempts."""
    settings = Settings(timeout=60 * minutes, policy=policy)
    strategies = {
        kind: Recorded(kind, {key: t for key, row in rows.items() for t in strategies_on(row) if t.arm == kind})
        for kind in (StrategyType.MICRO, StrategyType.HAMMER)
    }
    times: list[float] = []

    async def work() -> None:
        clock = asyncio.get_running_loop().time

        def note(event: Event) -> None:
            if isinstance(event, GoalDone) and event.result.success:
                times.append(clock())

        context = replace(
            SchedulerContext.of(SchedulerSettings()),
            strategies=strategies,
            policy=make_policy(settings),
            slots=Slots(settings.max_light, settings.max_heavy, LANES),
            limits=TimeLimits(settings, quick=strategies),
            clock=clock,
            emit=note,
        )
        await Scheduler(context, settings=settings, middleware=()).process_queue([row.as_goal for row in rows.values()])

    in_virtual_time(work())
    return area(times, 60 * minutes)


def fixed_plan(rows: Mapping[str, Row], minutes: float) -> float:
    """The area of the best order of (strategy, seconds), each tried on all goals before the next.

    Greedy with full knowledge: the step that proves most per second comes next.
    """
    trials = {key: {trial.arm: trial for trial in strategies_on(row)} for key, row in rows.items()}
    steps = [(arm, limit) for arm in (StrategyType.MICRO, StrategyType.HAMMER) for limit in _LIMITS]
    plan: list[tuple[str, float]] = []
    left = dict(trials)
    while True:
        rates = {step: _solved(step, left) / max(1e-9, _cost(step, left, plan)) for step in steps if step not in plan}
        best = max(rates, key=rates.__getitem__, default=None)
        if best is None or not rates[best]:
            break
        plan.append(best)
        left = {key: arms for key, arms in left.items() if not _proves(best, arms)}
    return _area_of(plan, trials, 60 * minutes)


def _proves(step: tuple[str, float], arms: Mapping[str, Trial]) -> bool:
    arm, limit = step
    return arm in arms and arms[arm].success and arms[arm].seconds <= limit


def _solved(step: tuple[str, float], left: Mapping[str, Mapping[str, Trial]]) -> int:
    return sum(_proves(step, arms) for arms in left.values())


def _takes(step: tuple[str, float], arms: Mapping[str, Trial], plan: Sequence[tuple[str, float]]) -> float:
    """Seconds of a step on a goal; what ended by itself in an earlier one is not made again."""
    arm, limit = step
    if arm not in arms or any(arms[arm].seconds <= before for other, before in plan if other == arm):
        return 0.0
    return min(limit, arms[arm].seconds)


def _cost(step: tuple[str, float], left: Mapping[str, Mapping[str, Trial]], plan: Sequence[tuple[str, float]]) -> float:
    return sum(_takes(step, arms, plan) for arms in left.values())


def _area_of(plan: Sequence[tuple[str, float]], trials: Mapping[str, Mapping[str, Trial]], seconds: float) -> float:
    lanes, times, left = [0.0] * LANES, list[float](), dict(trials)
    for number, step in enumerate(plan):
        for key, arms in list(left.items()):
            lanes.sort()
            lanes[0] += _takes(step, arms, plan[:number])
            if _proves(step, arms):
                times.append(lanes[0])
                del left[key]
    return area(times, seconds)


def before(commit_name: str, folder: Path) -> Path:
    """The program as it was at a commit."""
    folder.mkdir()
    packed = subprocess.run(["git", "archive", commit_name], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return folder


def show(figures: Sequence[Figure], replays: Mapping[float, Mapping[str, float]], console: Console) -> None:
    """Both tables."""
    grid = Table(title="the command", title_justify="left")
    headings = ("budget", "program", "proved", "a minute", "area", "mean wait", "time on proved", "spent", "ended")
    for heading in headings:
        grid.add_column(heading, justify="left" if heading in ("program", "ended") else "right")
    for f in figures:
        values = (str(f.solved), f"{f.per_minute:.1f}", f"{f.area:.3f}", f"{f.wait:.0f} s")
        grid.add_row(f"{f.minutes:g} min", f.program, *values, f"{f.share:.0%}", f"{f.spent:.0f} s", f.ended)
    console.print(grid)
    grid = Table(title="area on recorded attempts, in virtual time", title_justify="left")
    names = list(next(iter(replays.values()), {}))
    for heading in ("budget", *names):
        grid.add_column(heading, justify="right")
    for minutes, areas in replays.items():
        grid.add_row(f"{minutes:g} min", *(f"{areas[name]:.3f}" for name in names))
    console.print(grid)


def shortfalls(figures: Sequence[Figure], replays: Mapping[float, Mapping[str, float]]) -> list[str]:
    """What is less than asked, in words."""
    short = [
        f"{minutes:g} min: {areas['ours'] / areas['best fixed plan']:.3f} × the best fixed plan, not {OF_HINDSIGHT} ×"
        for minutes, areas in replays.items()
        if areas["ours"] < OF_HINDSIGHT * areas["best fixed plan"]
    ]
    pairs = [(f, g) for f in figures for g in figures if f.program == "ours" and g.program.startswith("at ")]
    return short + [
        f"{ours.minutes:g} min: {other.wait / ours.wait:.2f} times as fast as {other.program}, not {OVER_BEFORE} times"
        for ours, other in pairs
        if ours.minutes == other.minutes and other.wait < OVER_BEFORE * ours.wait
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when ours falls short."""
    parser = argparse.ArgumentParser(prog="python -m bench.night", description=__doc__)
    parser.add_argument("--budgets", type=float, nargs="*", default=MINUTES, help="minutes; none for the replay alone")
    parser.add_argument("--against", default="", help="a commit: the program as it was there")
    parser.add_argument("--json", type=Path, default=None, help="write the figures to this file, too")
    arguments = parser.parse_args(words)
    try:
        goals, rows = chosen()
    except OrchestratorError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="night-") as scratch:
        programs: dict[str, Mapping[str, str]] = {
            "ours": {},
            "without the market": {"ORCH_MARKET": "no"},
            "UCB": {"ORCH_POLICY": PolicyChoice.UCB},
        }
        if arguments.against:
            old = before(arguments.against, Path(scratch, "before"))
            programs[f"at {arguments.against}"] = {"PYTHONPATH": str(old)}
        for minutes in arguments.budgets:
            for number, (name, settings) in enumerate(programs.items()):
                place = Path(scratch, f"{minutes:g}-{number}")
                figures.append(measured(name, minutes, made(place / "repo", goals), place / "home", settings))
    replays = {
        minutes: {
            "ours": in_orders(rows, partial(replayed, minutes=minutes, policy=PolicyChoice.COST_AWARE)),
            "UCB": in_orders(rows, partial(replayed, minutes=minutes, policy=PolicyChoice.UCB)),
            "best fixed plan": in_orders(rows, partial(fixed_plan, minutes=minutes)),
        }
        for minutes in sorted({*MINUTES, *arguments.budgets})
    }
    console = Console(width=160)
    show(figures, replays, console)
    short = shortfalls(figures, replays)
    for line in short:
        console.print(f"short: {line}")
    write_figures(arguments.json, {"figures": [asdict(f) for f in figures], "replays": replays, "short": short})
    return 1 if short else 0


if __name__ == "__main__":
    run_command(main)
