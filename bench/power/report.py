"""The figures of the power benchmark, from its rows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from bench.power.methods import CLOSED, OURS, SINGLE, TRY, WITHOUT
from bench.power.rows import Row


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """One method over the goals it was measured on; `seconds` are of the solved ones."""

    method: str
    measured: int
    solved: int
    seconds: float
    median_seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What is asked of our strategies, over one set of goals. A share of nothing is None.

    Attributes:
        goals: how many goals were measured with every method.
        single: how many some single tactic closes.
        of_open: share of the goals that no single tactic closes which ours closes.
        of_open_to_try: share of those that `try?` leaves open which ours closes.
        lost: share of those that some single tactic closes which ours does not.
        time_ratio: our seconds over those of `try?`, each until the goal is closed, summed over the goals that both
            close.
        whole_time_ratio: the same with what we do to a proof afterwards: it is made shorter, and put into its
            declaration.
    """

    goals: int
    single: int
    ours: int
    tried: int
    of_open: float | None
    of_open_to_try: float | None
    lost: float | None
    time_ratio: float | None
    median_time_ratio: float | None
    whole_time_ratio: float | None


ASKED = {"of_open": 0.35, "of_open_to_try": 0.45, "lost": 0.02, "time_ratio": 0.5}
"""At least the first two, at most the last two."""


def table(rows: Iterable[Row], goals: Collection[str]) -> tuple[MethodFigures, ...]:
    """Every method over `goals`, ours last."""
    by_method: dict[str, list[Row]] = {}
    for row in rows:
        if row.goal in goals:
            by_method.setdefault(row.method, []).append(row)
    order = [*SINGLE, *sorted(m for m in by_method if m.startswith(WITHOUT)), OURS]
    return tuple(_figures(method, by_method[method]) for method in order if method in by_method)


def figures(rows: Iterable[Row], goals: Collection[str]) -> Figures:
    """What is asked, over those of `goals` that were measured with every single tactic and with ours."""
    by_goal: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row.goal in goals:
            by_goal.setdefault(row.goal, {})[row.method] = row
    complete = {goal: found for goal, found in by_goal.items() if {*SINGLE, OURS} <= set(found)}
    ours = {goal for goal, found in complete.items() if found[OURS].solved}
    tried = {goal for goal, found in complete.items() if found[TRY].solved}
    single = {goal for goal, found in complete.items() if any(found[tactic].solved for tactic in SINGLE)}
    both = ours & tried
    theirs = sum(complete[goal][TRY].seconds for goal in both)
    closed = {goal: _closed(complete[goal][OURS]) for goal in both}
    ratios = [closed[goal] / max(0.001, complete[goal][TRY].seconds) for goal in both]
    return Figures(
        goals=len(complete),
        single=len(single),
        ours=len(ours),
        tried=len(tried),
        of_open=_share(ours - single, set(complete) - single),
        of_open_to_try=_share(ours - tried, set(complete) - tried),
        lost=_share(single - ours, single),
        time_ratio=sum(closed.values()) / theirs if theirs else None,
        median_time_ratio=median(ratios) if ratios else None,
        whole_time_ratio=sum(complete[goal][OURS].seconds for goal in both) / theirs if theirs else None,
    )


@dataclass(frozen=True, slots=True)
class Count:
    """How many of some goals were solved."""

    solved: int
    of: int

    @property
    def share(self) -> float:
        """0 to 1; 0 of no goals."""
        return self.solved / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval of the share, at 95 %."""
        if not self.of:
            return 0.0, 1.0
        spread = _DEVIATIONS**2 / self.of
        centre = self.share + spread / 2
        half = _DEVIATIONS * sqrt(self.share * (1 - self.share) / self.of + spread / self.of / 4)
        return max(0.0, (centre - half) / (1 + spread)), min(1.0, (centre + half) / (1 + spread))


_DEVIATIONS = 1.96
UNION = "any single tactic"
OF_OPEN = "ours, of what the single tactics leave open"
OF_CLOSED = "ours, of what a single tactic closes"


def counts(rows: Iterable[Row]) -> Mapping[str, Count]:
    """What each method solves, then the single tactics together, and ours beside them.

    What compares methods is counted over the goals that were measured with all of them.
    """
    by_goal: dict[str, dict[str, bool]] = {}
    for row in rows:
        by_goal.setdefault(row.goal, {})[row.method] = row.solved
    found: dict[str, Count] = {}
    for method in (*SINGLE, OURS):
        tried = [solved[method] for solved in by_goal.values() if method in solved]
        if tried:
            found[method] = Count(sum(tried), len(tried))
    measured = [solved for solved in by_goal.values() if set(SINGLE) <= set(solved)]
    if measured:
        found[UNION] = Count(sum(any(solved[tactic] for tactic in SINGLE) for solved in measured), len(measured))
    both = [solved for solved in measured if OURS in solved]
    for name, closed in ((OF_OPEN, False), (OF_CLOSED, True)):
        theirs = [solved for solved in both if any(solved[tactic] for tactic in SINGLE) is closed]
        if both:
            found[name] = Count(sum(solved[OURS] for solved in theirs), len(theirs))
    return found


def shortfalls(found: Figures, label: str) -> tuple[str, ...]:
    """What falls short of what is asked, in words."""
    short = []
    for name, asked in ASKED.items():
        value = getattr(found, name)
        enough = value is not None and (value >= asked if name.startswith("of_") else value <= asked)
        if not enough:
            shown = "nothing measured" if value is None else f"{value:.3f}"
            short.append(f"{label}: {name} is {shown}, asked is {'≥' if name.startswith('of_') else '≤'} {asked}")
    return tuple(short)


@dataclass(frozen=True, slots=True)
class Contribution:
    """A strategy left out: how many of its proofs were measured without it, and how many of those goals are lost."""

    measured: int
    lost: int


def contributions(rows: Sequence[Row], goals: Collection[str]) -> Mapping[str, Contribution]:
    """What each of our strategies adds to the others."""
    ours = {row.goal: row for row in rows if row.method == OURS and row.goal in goals and row.solved}
    left: dict[str, Contribution] = {}
    for row in rows:
        if row.method.startswith(WITHOUT) and row.goal in ours and row.key == ours[row.goal].key:
            name = row.method.removeprefix(WITHOUT)
            before = left.get(name, Contribution(0, 0))
            left[name] = Contribution(before.measured + 1, before.lost + (not row.solved))
    return left


def _figures(method: str, rows: Sequence[Row]) -> MethodFigures:
    times = [row.seconds for row in rows if row.solved]
    return MethodFigures(method, len(rows), len(times), sum(times), median(times) if times else 0.0)


def _closed(row: Row) -> float:
    seconds = row.details.get(CLOSED)
    return seconds if isinstance(seconds, float | int) else row.seconds


def _share(part: Collection[str], whole: Collection[str]) -> float | None:
    return len(part) / len(whole) if whole else None
