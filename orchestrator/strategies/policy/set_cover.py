"""An order of arms from whole cases: goals on which every arm was tried once, whatever the others did. Pure.

Counted statistics know how often an arm succeeds, and little of which arms succeed on the same goals. Cases know it: an
order's worth on them is the mean of the seconds that are left of a limit at its first success, which is the area under
its curve of goals solved against seconds. Maximising it is min-sum set cover with costs: the greedy rule (most new
successes per second; Feige, Lovász and Tetali 2004, Streeter and Golovin 2008) is within a constant factor, and single
arms are then moved for as long as that helps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from orchestrator.goals.features import GoalFeatures
from orchestrator.strategies.policy.bandit import Arm, CostAware, Statistics, Trial

Matrix = NDArray[np.float64]
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Case:
    """A goal, and what each arm that applies to it did on it.

    Attributes:
        trials: whether it succeeded, and the seconds it took, by arm.
    """

    trials: Mapping[str, tuple[bool, float]]


@dataclass(frozen=True, kw_only=True)
class Covering:
    """A `Policy` that orders arms by what they add on cases, and `base` says what the cases do not know.

    An arm that does not apply to a case costs nothing there. Where an arm has turned out to succeed more rarely than on
    the cases, its successes there count for less. An arm that no case has gets its chance and cost from `base`.

    Attributes:
        cases: what was recorded; without any `base` decides alone.
        base: says the chance and the cost of an arm on a goal from the statistics.
        limit_seconds: what a goal is given.
        trust: for how many trials the rate on the cases counts against what was seen.
        caution: a success on the cases counts n / (n + caution) where the arm has n of them; one that has proved a
            single goal may never prove another.
        passes: how often every arm is looked at for a better place.
        leads: arms that go in front of everything else. An order has many places and few cases to choose them by, so
            what it gains over one strong arm has to be more than chance (see `bench.policies`).
    """

    cases: tuple[Case, ...]
    base: CostAware
    limit_seconds: float
    trust: float = 10.0
    caution: float = 2.0
    passes: int = 3
    leads: tuple[str, ...] = ()

    def order(
        self,
        features: GoalFeatures,
        available: Sequence[Arm],
        statistics: Statistics[Arm],
        *,
        failed: Collection[Arm] = (),
    ) -> tuple[Arm, ...]:
        """See `Policy.order`."""
        if not self.cases or not available:
            return self.base.order(features, available, statistics, failed=failed)
        columns = [self._chances_and_costs(features, arm, statistics) for arm in available]
        chances, costs = (np.stack(one, axis=1) for one in zip(*columns, strict=True))
        alive = np.ones(len(self.cases))
        for arm in failed:
            alive *= 1.0 - self._chances_and_costs(features, arm, statistics)[0]
        first = [index for index, arm in enumerate(available) if str(arm) in self.leads]
        for index in first:
            alive = alive * (1.0 - chances[:, index])
        rest = [index for index in range(len(available)) if index not in first]
        chances, costs = chances[:, rest], costs[:, rest]
        ranked = _improved(_greedy(chances, costs, alive), chances, costs, alive, self.limit_seconds, self.passes)
        return tuple(available[index] for index in (*first, *(rest[place] for place in ranked)))

    def update(self, statistics: Statistics[Arm], trial: Trial[Arm]) -> Statistics[Arm]:
        """See `Policy.update`."""
        return self.base.update(statistics, trial)

    def _chances_and_costs(
        self, features: GoalFeatures, arm: Arm, statistics: Statistics[Arm]
    ) -> tuple[Matrix, Matrix]:
        """Chance of success and seconds of an arm on each case, as they count on a goal of these features."""
        known = self._columns.get(str(arm))
        if known is None:
            chance = self.base.success_probability(features, arm, statistics)
            cost = self.base.expected_cost(features.levels, arm, statistics)
            return np.full(len(self.cases), chance), np.full(len(self.cases), cost)
        tried, success, seconds = known
        successes = float(success.sum())
        rate = successes / float(tried.sum())
        seen = statistics.of(arm)
        learned = (seen.successes + self.trust * rate) / (seen.trials + self.trust)
        believed = successes / max(successes + self.caution, _NOTHING)
        return success * believed * min(1.0, learned / max(rate, _NOTHING)), seconds

    @cached_property
    def _columns(self) -> Mapping[str, tuple[Matrix, Matrix, Matrix]]:
        """By arm: whether it was tried, whether it succeeded, and its seconds, by case."""
        arms = dict.fromkeys(arm for case in self.cases for arm in case.trials)
        columns = {}
        for arm in arms:
            found = [case.trials.get(arm) for case in self.cases]
            columns[arm] = (
                np.array([one is not None for one in found], float),
                np.array([one is not None and one[0] for one in found], float),
                np.array([0.0 if one is None else one[1] for one in found]),
            )
        return MappingProxyType(columns)


def _greedy(chances: Matrix, costs: Matrix, alive: Matrix) -> list[int]:
    """Arms by new successes per second among the cases that are left."""
    left, order = list(range(chances.shape[1])), list[int]()
    while left:
        rates = (alive @ chances[:, left]) / (alive @ costs[:, left] + _NOTHING)
        order.append(left.pop(int(np.argmax(rates))))
        alive = alive * (1.0 - chances[:, order[-1]])
    return order


def _improved(order: list[int], chances: Matrix, costs: Matrix, alive: Matrix, limit: float, passes: int) -> list[int]:
    """Move single arms to where the worth is the largest, for as long as that helps."""
    for _ in range(passes):
        moved = False
        for arm in tuple(order):
            place = order.index(arm)
            rest = order[:place] + order[place + 1 :]
            values = _worth_by_place(arm, rest, chances, costs, alive, limit)
            best = int(np.argmax(values))
            if values[best] > values[place] + _NOTHING:
                order, moved = [*rest[:best], arm, *rest[best:]], True
        if not moved:
            break
    return order


def _worth_by_place(
    arm: int, rest: Sequence[int], chances: Matrix, costs: Matrix, alive: Matrix, limit: float
) -> Matrix:
    """The worth of `rest` with `arm` put in at each of its places, from the first to behind the last."""
    chance, cost = chances[:, [arm]], costs[:, [arm]]
    others = chances[:, rest]
    nobody = np.cumprod(np.hstack([np.ones_like(chance), 1.0 - others]), axis=1) * alive[:, None]
    ends = np.cumsum(np.hstack([np.zeros_like(cost), costs[:, rest]]), axis=1)
    first = nobody[:, :-1] * others
    on_time = (first * np.maximum(0.0, limit - ends[:, 1:])).sum(axis=0)
    delayed = (first * (1.0 - chance) * np.maximum(0.0, limit - ends[:, 1:] - cost)).sum(axis=0)
    own = (nobody * chance * np.maximum(0.0, limit - ends - cost)).sum(axis=0)
    before = np.concatenate([[0.0], np.cumsum(on_time)])
    behind = np.concatenate([np.cumsum(delayed[::-1])[::-1], [0.0]])
    result: Matrix = before + own + behind
    return result
