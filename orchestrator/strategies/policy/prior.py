"""What is known of tactics before the first trial: counted on goals of the bank that nothing is reported on.

`python -m bench.policies --write-prior` makes the file, and measures what it is worth on other goals.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from orchestrator.goals.features import GoalFeatures
from orchestrator.strategies.policy.bandit import Arm, ArmStatistics, CostAware, Statistics

TACTIC_BASE = CostAware(
    strength=8.0, prior_strength=0.2, prior_success=0.05, default_seconds=0.3, exploration=0.0, damping=0.15
)
"""What is thought of tactics that were not recorded, tuned by cross-validation on the tuning half.

No draws: on a goal that resists, all of them are tried anyway. A small `prior_strength`, for a tactic that has failed a
hundred times should wait behind the searches, cheap as it is.
"""

PRIOR = files(__package__).joinpath("tactic_prior.json.gz")
_NOTHING = 1e-6


class RecordedArm(NamedTuple):
    """What an arm did on recorded goals: how often it succeeded, and how many goals a second it added in its turn."""

    rate: float
    added: float


@dataclass(frozen=True, kw_only=True)
class RecordedOrder:
    """A `Policy` that ranks arms by what each added on recorded goals that those before it had left.

    Where an arm has turned out to succeed more rarely than on the recorded goals, it counts for less.

    Attributes:
        base: says what an arm that was not recorded would add, from the statistics.
        trust: for how many trials the recorded rate counts against what was seen.
    """

    arms: Mapping[str, RecordedArm]
    base: CostAware = TACTIC_BASE
    trust: float = 10.0

    def order(
        self,
        features: GoalFeatures,
        available: Sequence[Arm],
        statistics: Statistics[Arm],
        *,
        failed: Collection[Arm] = (),
    ) -> tuple[Arm, ...]:
        """`available`, best first; arms that add as much keep their order."""

        def added(arm: Arm) -> float:
            recorded, seen = self.arms.get(str(arm)), statistics.of(arm)
            if recorded is None:
                chance = self.base.success_probability(features, arm, statistics, failed)
                return chance / self.base.expected_cost(features.levels, arm, statistics)
            learned = (seen.successes + self.trust * recorded.rate) / (seen.trials + self.trust)
            return recorded.added * min(1.0, learned / max(recorded.rate, _NOTHING))

        return tuple(sorted(available, key=added, reverse=True))


@cache
def tactic_policy() -> RecordedOrder:
    """The policy for tactics, with what was recorded on the tuning half."""
    return RecordedOrder(arms={arm: RecordedArm(rate, added) for arm, rate, added in read_prior()["order"]})


@cache
def load_prior() -> Statistics[str]:
    """The statistics that `micro` starts with, by kind of tactic."""
    return Statistics(
        table={
            (scope, arm): ArmStatistics(trials, successes, successes / trials, seconds, success_seconds)
            for scope, arm, trials, successes, seconds, success_seconds in read_prior()["statistics"]
        }
    )


@cache
def read_prior() -> Any:
    """What the file says."""
    return json.loads(gzip.decompress(PRIOR.read_bytes()))
