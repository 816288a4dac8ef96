"""What is known of tactics before the first trial: counted on goals of the bank that nothing is reported on.

`python -m bench.policies --write-prior` makes the file, and measures what it is worth on other goals.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestrator.config import STRATEGY_SECONDS
from orchestrator.goals.result import StrategyType
from orchestrator.strategies.policy.bandit import ArmStatistics, CostAware, Statistics
from orchestrator.strategies.policy.set_cover import Case, Covering

TACTIC_BASE = CostAware(
    strength=8.0, prior_strength=0.2, prior_success=0.05, default_seconds=0.3, exploration=0.0, damping=0.15
)
"""What is thought of tactics that no case has, tuned by cross-validation on the tuning half.

No draws: on a goal that resists, all of them are tried anyway. A small `prior_strength`, for a tactic that has failed a
hundred times should wait behind the searches, cheap as it is.
"""

_FILE = "tactic_prior.json.gz"


@cache
def tactic_policy() -> Covering:
    """The policy for tactics, with the cases of the tuning half."""
    cases = (Case(MappingProxyType({arm: (bool(ok), s) for arm, ok, s in row})) for row in _read()["cases"])
    return covering(cases, leads=_read().get("leads", ()))


def covering(cases: Iterable[Case], *, leads: Iterable[str] = ()) -> Covering:
    """The policy for tactics, with these cases, and these arms in front of all others."""
    limit = STRATEGY_SECONDS[StrategyType.MICRO]
    return Covering(cases=tuple(cases), base=TACTIC_BASE, limit_seconds=limit, leads=tuple(leads))


@cache
def load_prior() -> Statistics[str]:
    """The statistics that `micro` starts with, by kind of tactic."""
    return Statistics(
        table={
            (scope, arm): ArmStatistics(trials, successes, successes / trials, seconds, success_seconds)
            for scope, arm, trials, successes, seconds, success_seconds in _read()["statistics"]
        }
    )


def save_prior(statistics: Statistics[str], cases: Iterable[Case], *, leads: Iterable[str] = ()) -> None:
    """Write the file that `load_prior` and `tactic_policy` read."""
    value = {
        "statistics": [
            [scope, arm, one.trials, one.successes, round(one.seconds, 3), round(one.success_seconds, 3)]
            for (scope, arm), one in sorted(statistics.table.items())
        ],
        "leads": list(leads),
        "cases": [[[arm, int(ok), round(s, 3)] for arm, (ok, s) in case.trials.items()] for case in cases],
    }
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    Path(str(files(__package__).joinpath(_FILE))).write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    for remembered in (_read, load_prior, tactic_policy):
        remembered.cache_clear()


@cache
def _read() -> Any:
    return json.loads(gzip.decompress(files(__package__).joinpath(_FILE).read_bytes()))
