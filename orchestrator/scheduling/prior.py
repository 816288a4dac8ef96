"""What is known of tactics before the first trial: counted on goals of the bank that nothing is reported on.

`python -m bench.policies --write-prior` makes the file, and measures what it is worth on other goals.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from importlib.resources import files
from pathlib import Path

from orchestrator.bandit import ArmStatistics, CostAware, Statistics

TACTIC_POLICY = CostAware(
    strength=8.0, prior_strength=0.2, prior_success=0.05, default_seconds=0.3, exploration=0.0, damping=0.15
)
"""The policy for tactics, tuned by cross-validation on the tuning half.

No draws: on a goal that resists, all of them are tried anyway. A small `prior_strength`, for a tactic that has failed a
hundred times should wait behind the searches, cheap as it is.
"""

_FILE = "tactic_prior.json.gz"


@cache
def load_prior() -> Statistics[str]:
    """The statistics that `micro` starts with, by kind of tactic."""
    rows = json.loads(gzip.decompress(files(__package__).joinpath(_FILE).read_bytes()))
    return Statistics(
        table={
            (scope, arm): ArmStatistics(trials, successes, successes / trials, seconds, success_seconds)
            for scope, arm, trials, successes, seconds, success_seconds in rows
        }
    )


def save_prior(statistics: Statistics[str]) -> None:
    """Write the file that `load_prior` reads."""
    rows = [
        [scope, arm, one.trials, one.successes, round(one.seconds, 3), round(one.success_seconds, 3)]
        for (scope, arm), one in sorted(statistics.table.items())
    ]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    Path(str(files(__package__).joinpath(_FILE))).write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    load_prior.cache_clear()
