"""Which policy proves most in the same time: `python -m bench.policies` replays the recorded attempt matrix.

A goal gets the seconds that `micro` gets. A policy says which arm comes next (an arm is a tactic of `micro`, or another
strategy), until one proves the goal or its time is over; a trial takes the seconds that were recorded. Goals come one
after the other, and a policy is fed what its own trials showed, and nothing else.

The figure is the area under the curve of goals solved against seconds spent on each, as a share of the whole; in the
mean over many orders of the goals. The night is the same against the seconds of one server that works the goals off
one after the other, up to when the slowest policy is through: there the goals that nobody proves weigh on all alike.

Everything that could be tuned (the parameters of `CostAware`, the statistics and the order it starts with, and whether
a strong arm goes in front of all others) comes from one half of the goals; the figures are of the other half.
`--write-prior` tunes again, after the matrix was recorded, and then measures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import fmean, stdev
from types import MappingProxyType

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.command import run_command, write_figures
from bench.matrix import MATRIX_PATH, ArmKind, Row, Trial, halves, read_matrix
from orchestrator.config import STRATEGY_SECONDS
from orchestrator.errors import OrchestratorError
from orchestrator.goals.features import GoalFeatures, features_of
from orchestrator.goals.result import StrategyType
from orchestrator.strategies.policy.bandit import Policy, SeedUcb, Statistics
from orchestrator.strategies.policy.bandit import Trial as Learned
from orchestrator.strategies.policy.prior import (
    PRIOR,
    TACTIC_BASE,
    RecordedArm,
    RecordedOrder,
    load_prior,
    read_prior,
    tactic_policy,
)

OVER_UCB = 1.25
OF_BEST_ORDER = 0.95
LEAST_GOALS = 150
ORDERS = 10
FOLDS = 10
Known = Statistics[str]
NOTHING = Statistics[str]()


@dataclass(frozen=True)
class Task:
    """A goal as the replay sees it.

    Attributes:
        features: what a policy may look at.
        trials: what each arm would do, by arm, in the portfolio's order.
    """

    features: GoalFeatures
    trials: Mapping[str, Trial]

    @property
    def cheapest(self) -> float | None:
        """Seconds of the cheapest arm that proves it, None when none does."""
        return min((trial.seconds for trial in self.trials.values() if trial.success), default=None)


@dataclass(frozen=True)
class Spent:
    """What became of one goal: the seconds spent on it, and whether it was solved."""

    seconds: float
    solved: bool


def work(task: Task, order: Iterable[str], limit: float) -> tuple[list[Trial], Spent]:
    """Try arms in an order for `limit` seconds: the trials that came to their end, and what became of the goal."""
    made, seconds = list[Trial](), 0.0
    for arm in order:
        trial = task.trials.get(arm)
        if trial is None:
            continue
        if seconds + trial.seconds > limit:
            return made, Spent(limit, False)
        seconds += trial.seconds
        made.append(trial)
        if trial.success:
            return made, Spent(seconds, True)
    return made, Spent(seconds, False)


def task_of(row: Row) -> Task:
    """A row of the matrix; `micro` is left out, since its tactics are arms themselves."""
    trials = {t.arm: t for t in row.trials if t.kind is ArmKind.TACTIC or t.arm != StrategyType.MICRO}
    return Task(features_of(row.as_goal), MappingProxyType(trials))


def recorded(
    tasks: Sequence[Task], *, leads: Sequence[str] = (), caution: float = 2.0, kinds: Sequence[ArmKind] = tuple(ArmKind)
) -> dict[str, RecordedArm]:
    """The order in which arms add the most new goals a second, and how many: the greedy rule for min-sum set cover.

    That rule is within a constant factor of the best order (Feige, Lovász and Tetali 2004; Streeter and Golovin 2008).
    A success counts n / (n + caution) where the arm has n of them: one that has proved a single goal may never prove
    another. The arms in `leads` go first.
    """
    left = list(dict.fromkeys(t.arm for task in tasks for t in task.trials.values() if t.kind in kinds))
    trials = [[task.trials.get(arm) for arm in left] for task in tasks]
    success = np.array([[trial is not None and trial.success for trial in row] for row in trials], float)
    seconds = np.array([[trial.seconds if trial else 0.0 for trial in row] for row in trials])
    tried = np.array([[trial is not None for trial in row] for row in trials], float).sum(axis=0)
    wins = success.sum(axis=0)
    chances = success * (wins / np.maximum(wins + caution, 1e-6))
    alive, columns, made = np.ones(len(tasks)), list(range(len(left))), list[tuple[int, float]]()
    while columns:
        rates = (alive @ chances[:, columns]) / (alive @ seconds[:, columns] + 1e-6)
        first = [place for place, column in enumerate(columns) if left[column] in leads]
        place = first[0] if first else int(np.argmax(rates))
        column = columns.pop(place)
        made.append((column, float(rates[place])))
        alive = alive * (1.0 - chances[:, column])
    # What comes later adds less, so that the figures alone say the order.
    most = list(accumulate((rate for _, rate in reversed(made)), lambda after, rate: max(rate, 1.001 * after + 1e-5)))
    return {
        left[column]: RecordedArm(float(wins[column] / tried[column]), added)
        for (column, _), added in zip(made, reversed(most), strict=True)
    }


def learned(task: Task, tried: Sequence[Trial]) -> list[Learned[str]]:
    """What a policy is told of trials made one after the other on a goal."""
    before = accumulate(([trial.arm] for trial in tried[:-1]), initial=list[str]())
    return [
        Learned(t.arm, t.success, t.seconds, task.features.levels, frozenset(failed), task.features.marks)
        for t, failed in zip(tried, before, strict=False)
    ]


def everything(tasks: Iterable[Task]) -> Known:
    """Statistics of every arm on every goal, whatever the others did; each failure conditions all other arms."""
    told: list[Learned[str]] = []
    for task in tasks:
        failed = frozenset(trial.arm for trial in task.trials.values() if not trial.success)
        told += [
            Learned(t.arm, t.success, t.seconds, task.features.levels, failed - {t.arm}, task.features.marks)
            for t in task.trials.values()
        ]
    return Statistics[str]().updated(told)


def replay(tasks: Iterable[Task], policy: Policy, start: Known, limit: float) -> list[Spent]:
    """A policy over a queue, learning as it goes."""
    known, spent = start, []
    for task in tasks:
        made, one = work(task, policy.order(task.features, list(task.trials), known), limit)
        known = known.updated(learned(task, made))
        spent.append(one)
    return spent


def oracle(tasks: Iterable[Task], limit: float) -> list[Spent]:
    """Who knows the outcome: the cheapest arm that proves a goal, and no second for a goal that none proves."""
    times = (task.cheapest for task in tasks)
    return [Spent(0.0, False) if time is None or time > limit else Spent(time, True) for time in times]


def curve_area(spent: Sequence[Spent], limit: float) -> float:
    """The area under the share of goals solved within so many seconds, up to `limit`, as a share of the whole."""
    return sum(limit - one.seconds for one in spent if one.solved) / (limit * len(spent)) if spent else 0.0


def night_area(spent: Sequence[Spent], horizon: float) -> float:
    """The area under goals solved against seconds up to `horizon`, as a share of all goals for all of that time."""
    ends = accumulate(one.seconds for one in spent)
    won = sum(max(0.0, horizon - end) for one, end in zip(spent, ends, strict=True) if one.solved)
    return won / (horizon * len(spent)) if spent and horizon else 0.0


def best_order(tasks: Sequence[Task], limit: float) -> tuple[str, ...]:
    """The fixed order of the largest area over these goals, found with full knowledge of them.

    Greedy (solved per second among the goals left, the rule for min-sum set cover), then single arms are moved for as
    long as that helps. Arms that prove none of them are left out.
    """
    provable = [task for task in tasks if task.cheapest is not None]
    arms = list(dict.fromkeys(t.arm for task in provable for t in task.trials.values() if t.success))
    left, order = list(tasks), list[str]()
    while arms:
        best = max(arms, key=lambda arm: _per_second(arm, left))
        arms.remove(best)
        order.append(best)
        left = [task for task in left if best not in task.trials or not task.trials[best].success]
    known = [{t.arm: (t.seconds, t.success) for t in task.trials.values()} for task in provable]
    most, improved = _worth(known, order, limit), True
    while improved:
        improved = False
        for arm in list(order):
            rest = [other for other in order if other != arm]
            places = [(*rest[:i], arm, *rest[i:]) for i in range(len(order))]
            value, place = max((_worth(known, place, limit), place) for place in places)
            if value > most + 1e-9:
                order, most, improved = list(place), value, True
    return tuple(order)


def _per_second(arm: str, tasks: Iterable[Task]) -> float:
    trials = [task.trials[arm] for task in tasks if arm in task.trials]
    return sum(t.success for t in trials) / max(1e-9, sum(t.seconds for t in trials))


def _worth(known: Sequence[Mapping[str, tuple[float, bool]]], order: Sequence[str], limit: float) -> float:
    total = 0.0
    for trials in known:
        spent = 0.0
        for arm in order:
            if arm in trials:
                seconds, success = trials[arm]
                spent += seconds
                if spent > limit:
                    break
                if success:
                    total += limit - spent
                    break
    return total


def leads_of(tune: Sequence[Task], limit: float, *, folds: int = FOLDS) -> tuple[str, ...]:
    """The arm that goes in front of all others, unless an order without it is better by more than chance.

    The strongest arm by itself is set against the order of all arms, on goals that neither was chosen by
    (cross-validation). The simpler of the two is taken where the other's gain is within one standard error (Breiman,
    Friedman, Olshen and Stone, Classification and Regression Trees, 1984; Hastie, Tibshirani and Friedman, The Elements
    of Statistical Learning, 7.10).
    """
    gains: list[float] = []
    for fold in range(folds):
        kept = [task for number, task in enumerate(tune) if number % folds != fold]
        arm, known = _strongest(kept, limit), everything(kept)
        plain, led = RecordedOrder(arms=recorded(kept)), RecordedOrder(arms=recorded(kept, leads=(arm,)))
        for task in tune[fold::folds]:
            worths = []
            for policy in (plain, led):
                _, spent = work(task, policy.order(task.features, list(task.trials), known), limit)
                worths.append(limit - spent.seconds if spent.solved else 0.0)
            gains.append(worths[0] - worths[1])
    error = stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    return (_strongest(tune, limit),) if fmean(gains) <= error else ()


def _strongest(tasks: Sequence[Task], limit: float) -> str:
    worth: dict[str, float] = {}
    for task in tasks:
        for trial in task.trials.values():
            worth[trial.arm] = worth.get(trial.arm, 0.0) + trial.success * max(0.0, limit - trial.seconds)
    return max(worth, key=worth.__getitem__)


@dataclass(frozen=True)
class Figure:
    """A line of the table: means over the orders of the queue.

    Attributes:
        area: under goals solved against seconds spent on each.
        night: under goals solved against seconds of one server.
        solved: goals.
        seconds: of one server, for all goals.
    """

    name: str
    area: float
    night: float
    solved: float
    seconds: float


Run = Callable[[Sequence[Task]], list[Spent]]


def measure(tasks: Sequence[Task], runs: Mapping[str, Run], *, limit: float, orders: int = ORDERS) -> list[Figure]:
    """Every run over the same orders of the queue."""
    gathered: dict[str, list[tuple[float, ...]]] = {name: [] for name in runs}
    for seed in range(orders):
        queue = random.Random(seed).sample(list(tasks), len(tasks))
        spent = {name: run(queue) for name, run in runs.items()}
        horizon = max(sum(one.seconds for one in line) for line in spent.values())
        for name, line in spent.items():
            totals = sum(one.solved for one in line), sum(one.seconds for one in line)
            gathered[name].append((curve_area(line, limit), night_area(line, horizon), *totals))
    return [Figure(name, *map(fmean, zip(*lines, strict=True))) for name, lines in gathered.items()]


UCB, OURS, COLD, WARM_UCB, PORTFOLIO, TUNED, BEST, ORACLE = (
    "UCB of the project description",
    "ours",
    "ours, knowing nothing at first",
    "UCB, knowing what ours knows",
    "the portfolio's order",
    "best fixed order of the tuning half",
    "best fixed order in hindsight",
    "oracle",
)


def save_prior(statistics: Statistics[str], order: Mapping[str, RecordedArm]) -> None:
    """Write the file that `load_prior` and `tactic_policy` read."""
    value = {
        "statistics": [
            [scope, arm, one.trials, one.successes, round(one.seconds, 3), round(one.success_seconds, 3)]
            for (scope, arm), one in sorted(statistics.table.items())
        ],
        "order": [[arm, round(one.rate, 6), round(one.added, 6)] for arm, one in order.items()],
    }
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    Path(str(PRIOR)).write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    for remembered in (read_prior, load_prior, tactic_policy):
        remembered.cache_clear()


def table(report: Sequence[Task], tune: Sequence[Task], prior: Known, *, limit: float, orders: int) -> list[Figure]:
    """Every policy on the half that nothing was tuned on."""
    ours = RecordedOrder(arms=recorded(tune, leads=leads_of(tune, limit)))
    portfolio = list(dict.fromkeys(arm for task in report for arm in task.trials))

    def fixed(order: Sequence[str]) -> Run:
        return lambda queue: [work(task, order, limit)[1] for task in queue]

    runs: dict[str, Run] = {
        UCB: lambda queue: replay(queue, SeedUcb(), NOTHING, limit),
        WARM_UCB: lambda queue: replay(queue, SeedUcb(), prior, limit),
        PORTFOLIO: fixed(portfolio),
        COLD: lambda queue: replay(queue, TACTIC_BASE, NOTHING, limit),
        OURS: lambda queue: replay(queue, ours, prior, limit),
        TUNED: fixed(best_order(tune, limit)),
        BEST: fixed(best_order(report, limit)),
        ORACLE: lambda queue: oracle(queue, limit),
    }
    return measure(report, runs, limit=limit, orders=orders)


def shortfalls(figures: Sequence[Figure]) -> list[str]:
    """What is less than asked, in words."""
    by_name = {figure.name: figure.area for figure in figures}
    asked = (
        (by_name[UCB], OVER_UCB, "the UCB of the project description"),
        (by_name[BEST], OF_BEST_ORDER, "the best fixed order in hindsight"),
    )
    return [
        f"ours is {by_name[OURS] / base:.3f} × {words}, not {least} ×"
        for base, least, words in asked
        if by_name[OURS] < least * base
    ]


def _show(figures: Sequence[Figure], title: str, console: Console) -> None:
    grid = Table(title=title, title_justify="left")
    grid.add_column("policy")
    for heading in ("area", "of UCB", "of best order", "night", "solved", "total s"):
        grid.add_column(heading, justify="right")
    by_name = {figure.name: figure.area for figure in figures}
    for f in figures:
        grid.add_row(
            f.name,
            f"{f.area:.3f}",
            f"{f.area / by_name[UCB]:.2f}",
            f"{f.area / by_name[BEST]:.2f}",
            f"{f.night:.3f}",
            f"{f.solved:.1f}",
            f"{f.seconds:.0f}",
        )
    console.print(grid)


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; 1 when ours falls short."""
    parser = argparse.ArgumentParser(prog="python -m bench.policies", description=__doc__)
    parser.add_argument("--matrix", type=Path, default=MATRIX_PATH, help="what to replay")
    parser.add_argument("--json", type=Path, default=None, help="write the figures to this file, too")
    parser.add_argument("--seconds", type=float, default=STRATEGY_SECONDS[StrategyType.MICRO], help="for each goal")
    parser.add_argument("--orders", type=int, default=ORDERS, help="orders of the queue")
    parser.add_argument("--write-prior", action="store_true", help="write what `micro` starts with")
    arguments = parser.parse_args(words)
    try:
        tune, report = ([task_of(row) for row in half] for half in halves(read_matrix(arguments.matrix)))
        if arguments.write_prior:
            save_prior(everything(tune), recorded(tune, kinds=(ArmKind.TACTIC,)))
        prior = load_prior()
    except OrchestratorError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    limit = arguments.seconds
    figures = table(report, tune, prior, limit=limit, orders=arguments.orders)
    console = Console(width=110)
    title = f"{len(report)} goals that nothing was tuned on (but on {len(tune)} others), {limit:g} s each"
    _show(figures, title, console)
    short = shortfalls(figures)
    if len(tune) + len(report) < LEAST_GOALS:
        short.append(f"{len(tune) + len(report)} goals are recorded, not {LEAST_GOALS}")
    for line in short:
        console.print(f"short: {line}")
    write_figures(arguments.json, {"policies": {figure.name: vars(figure) for figure in figures}, "short": short})
    return 1 if short else 0


if __name__ == "__main__":
    run_command(main)
