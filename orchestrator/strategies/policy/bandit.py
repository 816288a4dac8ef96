"""Which arm to try next on a goal: counted statistics, the UCB index, and a cost-aware contextual index. Pure.

An arm is any hashable value that `str` names: a strategy, or a tactic inside one strategy.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from orchestrator.goals.features import GoalFeatures

Arm = TypeVar("Arm", bound=Hashable)
OVERALL = ""
_NEVER = 1e-6
LARGEST_SET = 3
"""Larger sets of failed arms are no scope of their own: there are too many of them to see one twice."""


def within(level: str) -> str:
    """The scope of goals in a context."""
    return f"in {level}"


def after(*failed: Hashable) -> str:
    """The scope of goals on which these arms have failed: one arm whatever else failed, several are the exact set."""
    return f"after {', '.join(sorted(str(arm) for arm in failed))}"


def ucb_score(mean: float, trials: int, total_trials: int, *, exploration: float = 1.5) -> float:
    """The upper confidence index of one arm; log₂ is taken as a bit length, so the bonus moves in steps.

    Args:
        mean: estimate of the success rate, 0 to 1.
        trials: how often this arm was tried.
        total_trials: how often any arm was tried.
        exploration: weight of the bonus; 0 means none.
    """
    n = max(1, trials)
    N = total_trials + 1  # noqa: N806 - the usual letter in the formula
    bonus: float = exploration * ((2 * N.bit_length()) / n) ** 0.5
    return mean + bonus


@dataclass(frozen=True, slots=True)
class ArmStatistics:
    """What is known of one arm.

    Attributes:
        success_rate: exponential moving average of success, 0 to 1, starting at 0.
        seconds: wall time of all trials together.
        success_seconds: wall time of the successes together.
    """

    trials: int = 0
    successes: int = 0
    success_rate: float = 0.0
    seconds: float = 0.0
    success_seconds: float = 0.0

    def updated(self, success: bool, seconds: float, *, alpha: float = 0.1) -> ArmStatistics:
        """The statistics after one more trial of `seconds` wall time."""
        return ArmStatistics(
            trials=self.trials + 1,
            successes=self.successes + success,
            success_rate=(1 - alpha) * self.success_rate + alpha * success,
            seconds=self.seconds + seconds,
            success_seconds=self.success_seconds + (seconds if success else 0.0),
        )

    def __add__(self, other: ArmStatistics) -> ArmStatistics:
        """Both together. The moving average is that of whichever has trials, of both by their number."""
        trials = self.trials + other.trials
        rates = self.trials * self.success_rate + other.trials * other.success_rate
        return ArmStatistics(
            trials=trials,
            successes=self.successes + other.successes,
            success_rate=rates / trials if trials else 0.0,
            seconds=self.seconds + other.seconds,
            success_seconds=self.success_seconds + other.success_seconds,
        )

    @property
    def mean_seconds(self) -> float | None:
        """Wall time of a trial, in the mean; None before the first."""
        return self.seconds / self.trials if self.trials else None

    @property
    def expected_seconds(self) -> float | None:
        """After how many seconds a success has come as a rule; None when nothing is known."""
        return self.success_seconds / self.successes if self.successes else self.mean_seconds


@dataclass(frozen=True, slots=True)
class RecordedChances:
    """What an arm did on recorded goals, as a first guess.

    Attributes:
        chance: of a success, 0 to 1.
        seconds: of an attempt, in the mean.
        after: the chance on goals where another arm has failed, by its name; by its own where it got an eighth of its
            time first.
    """

    chance: float
    seconds: float
    after: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Trial(Generic[Arm]):
    """One finished attempt: `failed_before` are the arms known to have failed on this goal when it started."""

    arm: Arm
    success: bool
    seconds: float
    levels: tuple[str, ...] = ()
    failed_before: frozenset[Arm] = frozenset()
    marks: tuple[str, ...] = ()

    @property
    def scopes(self) -> Iterator[str]:
        """Every scope this trial counts in."""
        yield OVERALL
        yield from map(within, dict.fromkeys((*self.levels, *self.marks)))
        yield from map(after, self.failed_before)
        if 1 < len(self.failed_before) <= LARGEST_SET:
            yield after(*self.failed_before)


@dataclass(frozen=True)
class Statistics(Generic[Arm]):
    """Arm statistics by scope: overall, per context level, and given that other arms have failed.

    `ema_alpha`: weight of the newest trial in a success rate.
    """

    ema_alpha: float = 0.1
    table: Mapping[tuple[str, Arm], ArmStatistics] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, arm: Arm, scope: str = OVERALL) -> ArmStatistics:
        """What is known of `arm` in `scope`."""
        return self.table.get((scope, arm), ArmStatistics())

    @property
    def total_trials(self) -> int:
        """Trials of all arms together."""
        return sum(entry.trials for (scope, _), entry in self.table.items() if scope == OVERALL)

    def __add__(self, other: Statistics[Arm]) -> Statistics[Arm]:
        """The trials of both."""
        table = dict(self.table)
        for key, entry in other.table.items():
            table[key] = table[key] + entry if key in table else entry
        return Statistics(self.ema_alpha, MappingProxyType(table))

    def updated(self, trials: Iterable[Trial[Arm]]) -> Statistics[Arm]:
        """The statistics after these trials, taken in order."""
        table = dict(self.table)
        for trial in trials:
            for scope in trial.scopes:
                before = table.get((scope, trial.arm), ArmStatistics())
                table[scope, trial.arm] = before.updated(trial.success, trial.seconds, alpha=self.ema_alpha)
        return Statistics(self.ema_alpha, MappingProxyType(table))


class Policy(Protocol):
    """Ranks the arms that are available for a goal."""

    def order(
        self,
        features: GoalFeatures,
        available: Sequence[Arm],
        statistics: Statistics[Arm],
        *,
        failed: Collection[Arm] = (),
    ) -> tuple[Arm, ...]:
        """`available`, best first: a permutation of it and nothing else.

        `failed`: arms that have failed on this goal already.
        """


class GainPolicy(Policy, Protocol):
    """A policy that also says what an attempt is worth."""

    def gain(
        self,
        features: GoalFeatures,
        arm: Arm,
        statistics: Statistics[Arm],
        *,
        failed: Collection[Arm] = (),
        between: tuple[float, float] = (0.0, math.inf),
    ) -> float:
        """Proofs per second to be expected of an attempt with `arm` that takes seconds `between` these.

        An arm that is among the `failed` itself is tried again with more time.
        """


@dataclass(frozen=True, slots=True)
class SeedUcb:
    """Rank by `ucb_score` over the moving average; blind to cost and context. Ties keep the given order."""

    exploration: float = 1.5

    def score(self, arm: Arm, statistics: Statistics[Arm]) -> float:
        """The index of one arm."""
        return self._score(statistics.of(arm), statistics.total_trials)

    def order(
        self,
        features: GoalFeatures,
        available: Sequence[Arm],
        statistics: Statistics[Arm],
        *,
        failed: Collection[Arm] = (),
    ) -> tuple[Arm, ...]:
        total = statistics.total_trials  # a sum over all arms, so once and not for each of them
        return tuple(sorted(available, key=lambda arm: -self._score(statistics.of(arm), total)))

    def gain(
        self,
        features: GoalFeatures,
        arm: Arm,
        statistics: Statistics[Arm],
        *,
        failed: Collection[Arm] = (),
        between: tuple[float, float] = (0.0, math.inf),
    ) -> float:
        """Infinite: an index that knows no cost gives no reason to end, or to take one goal before another."""
        return math.inf

    def _score(self, entry: ArmStatistics, total: int) -> float:
        return ucb_score(entry.success_rate, entry.trials, total, exploration=self.exploration)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAware:
    """Rank by the chance of success per second, given the context and the arms that have failed on this goal.

    When any one success will do, trying independent arms by falling p/c has the least expected cost (Simon and
    Kadane, Optimal problem-solving search, 1975; Weitzman, Optimal search for the best alternative, 1979). Arms that
    fail together are not independent, so the next arm is chosen for what it adds once the ones before it have failed:
    the greedy rule for min-sum set cover, within 4 times the best order (Feige, Lovász, Tetali 2004; Streeter and
    Golovin 2008). The chance p is a Beta mean, each level of context shrunk towards the one above it. Marks tilt its
    odds as in naive Bayes, damped because they overlap (Hand and Yu, Idiot's Bayes, 2001). With `exploration` the
    chance is drawn from that Beta instead (Thompson sampling), always the same for the same seed, goal and number of
    trials.

    Attributes:
        seed: of the draws.
        strength: how many trials the level above counts for.
        prior_strength: how many trials `prior_success` counts for; None for as many.
        default_seconds: the same for arms not in `prior_seconds`.
        exploration: width of the draws; 0 means none, 1 is the posterior's own.
        again: chance of an arm that has run out of time on a goal, when it gets more, as a share of its usual one;
            until it is known how often that helps.
        recorded: first guesses for arms, in place of those.
        damping: weight of the marks, 0 to 1; 0 means that they are not looked at.
    """

    seed: int = 0
    strength: float = 10.0
    prior_strength: float | None = None
    prior_success: float = 0.2
    prior_seconds: Mapping[Any, float] = field(default_factory=lambda: MappingProxyType({}))
    default_seconds: float = 10.0
    exploration: float = 0.5
    damping: float = 0.5
    again: float = 0.25
    recorded: Mapping[Any, RecordedChances] = field(default_factory=lambda: MappingProxyType({}))

    def order(
        self,
        features: GoalFeatures,
        available: Sequence[Arm],
        statistics: Statistics[Arm],
        *,
        failed: Collection[Arm] = (),
    ) -> tuple[Arm, ...]:
        total = statistics.total_trials if self.exploration > 0 else 0  # feeds the draws alone
        given = list(dict.fromkeys(failed))
        left = {arm: self._view(features, arm, statistics, given) for arm in available}
        ranked: list[Arm] = []
        while left:
            exact = 1 < len(given) <= LARGEST_SET
            if exact or self.exploration > 0:
                indices = {arm: self._index(features, arm, v, statistics, given, total) for arm, v in left.items()}
                best = max(left, key=indices.__getitem__)
            else:
                best = max(left, key=lambda arm: left[arm].index)
            del left[best]
            ranked.append(best)
            given.append(best)
            scope = after(best)
            for arm, view in left.items():
                entry, recorded = statistics.table.get((scope, arm)), self.recorded.get(arm)
                if recorded is not None and str(best) in recorded.after:
                    expected = view.overall * recorded.after[str(best)] / recorded.chance
                    view.hear(self._shrunk(expected, entry or ArmStatistics()))
                elif entry is not None:
                    view.hear(self._shrunk(view.overall, entry))
        return tuple(ranked)

    def success_probability(
        self, features: GoalFeatures, arm: Arm, statistics: Statistics[Arm], failed: Collection[Arm] = ()
    ) -> float:
        """Chance that `arm` proves a goal of these features on which the arms in `failed` have failed."""
        given = list(dict.fromkeys(failed))
        return self._chance(arm, self._view(features, arm, statistics, given), statistics, given)

    def gain(
        self,
        features: GoalFeatures,
        arm: Arm,
        statistics: Statistics[Arm],
        *,
        failed: Collection[Arm] = (),
        between: tuple[float, float] = (0.0, math.inf),
    ) -> float:
        """Its chance by its cost."""
        least, most = between
        cost = max(least, min(most, self.expected_cost(features.levels, arm, statistics)))
        return self.success_probability(features, arm, statistics, failed) / cost

    def expected_cost(self, levels: Sequence[str], arm: Arm, statistics: Statistics[Arm]) -> float:
        """Seconds that one trial of `arm` takes on a goal of these context levels."""
        recorded = self.recorded.get(arm)
        cost = self.prior_seconds.get(arm, self.default_seconds) if recorded is None else recorded.seconds
        for scope in (OVERALL, *map(within, levels)):
            entry = statistics.of(arm, scope)
            cost = (entry.seconds + self.strength * cost) / (entry.trials + self.strength)
        return max(cost, _NEVER)

    def _shrunk(self, towards: float, entry: ArmStatistics) -> float:
        return (entry.successes + self.strength * towards) / (entry.trials + self.strength)

    def _view(self, features: GoalFeatures, arm: Arm, statistics: Statistics[Arm], failed: Collection[Arm]) -> _View:
        weight = self.strength if self.prior_strength is None else self.prior_strength
        all_trials = statistics.of(arm)
        recorded = self.recorded.get(arm) or RecordedChances(self.prior_success, 0.0)
        overall = (all_trials.successes + weight * recorded.chance) / (all_trials.trials + weight)
        here = overall
        for level in features.levels:
            here = self._shrunk(here, statistics.of(arm, within(level)))
        odds = _logit(here)
        if self.damping:
            marked = (self._shrunk(overall, statistics.of(arm, within(mark))) for mark in features.marks)
            odds += self.damping * sum(_logit(chance) - _logit(overall) for chance in marked)
        view = _View(overall, odds, self.expected_cost(features.levels, arm, statistics))
        for other in failed:
            usual = self.again * recorded.chance if other == arm else recorded.chance
            expected = overall * recorded.after.get(str(other), usual) / recorded.chance
            view.hear(self._shrunk(expected, statistics.of(arm, after(other))))
        return view

    def _chance(self, arm: Arm, view: _View, statistics: Statistics[Arm], failed: Collection[Arm]) -> float:
        if not failed:
            return _expit(view.odds)
        given = view.given
        if 1 < len(failed) <= LARGEST_SET:
            given = self._shrunk(given, statistics.of(arm, after(*failed)))
        return _expit(view.odds + _logit(given) - _logit(view.overall))

    def _index(
        self,
        features: GoalFeatures,
        arm: Arm,
        view: _View,
        statistics: Statistics[Arm],
        failed: Collection[Arm],
        total: int,
    ) -> float:
        chance = self._chance(arm, view, statistics, failed)
        if self.exploration > 0:
            last = within(features.levels[-1]) if features.levels else OVERALL
            weight = (statistics.of(arm, last).trials + self.strength) / self.exploration
            # A text seeds the same draws in every process, which the hash of a text would not.
            draws = random.Random(f"{self.seed}|{features.key}|{total}|{arm}")
            chance = draws.betavariate(max(chance * weight, _NEVER), max((1 - chance) * weight, _NEVER))
        return chance / view.cost


class _View:
    """What one arm looks like on one goal while its order is made.

    Failures say much the same about a goal, so only the most telling one counts: `given` is the chance after that.
    `index` is the chance per second then.
    """

    __slots__ = ("_base", "_telling", "cost", "given", "index", "odds", "overall")

    def __init__(self, overall: float, odds: float, cost: float) -> None:
        self.overall = overall
        self.odds = odds
        self.cost = cost
        self.given = overall
        self.index = _expit(odds) / cost
        self._base = _logit(overall)
        self._telling = 0.0

    def hear(self, chance: float) -> None:
        """Take in the chance after one more failure of another arm."""
        shift = _logit(chance) - self._base
        if (abs(shift), chance) > (self._telling, self.given):
            self._telling, self.given = abs(shift), chance
            self.index = _expit(self.odds + shift) / self.cost


def _logit(chance: float) -> float:
    inside = min(max(chance, _NEVER), 1 - _NEVER)
    return math.log(inside / (1 - inside))


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value))
