"""Compares two results of the benchmark runner goal by goal: is the difference more than noise?

Solved or not is tested with McNemar's exact test (the two-sided binomial test on the goals that only one run solved).
The times of goals that both solved are tested with a paired permutation test on the mean of the log ratio: the sign of
every pair is flipped at random, which is what no difference would look like (Fisher 1935; two-sided, with the one of
the observed order counted in).

`python -m bench.compare A B` prints a table and exits 1 when B is significantly worse than A.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.command import run_command, write_figures
from orchestrator.errors import ConfigError, OrchestratorError

LEVEL = 0.05
PERMUTATIONS = 10_000
_LEAST_SECONDS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two runs have in common and what not.

    Attributes:
        goals: goals that both runs were given.
        both, only_a, only_b, neither: how many of them were solved by whom.
        p_solved: McNemar's exact two-sided p-value.
        speedup: geometric mean of A's seconds over B's, on goals that both solved (above 1: B is faster).
        p_time: p-value of the paired permutation test on it.
    """

    goals: int
    both: int
    only_a: int
    only_b: int
    neither: int
    p_solved: float
    speedup: float
    p_time: float

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.p_solved < LEVEL:
            return f"{'B' if self.only_b > self.only_a else 'A'} solves more (p = {self.p_solved:.2g})"
        if self.p_time < LEVEL:
            faster, factor = ("B", self.speedup) if self.speedup > 1 else ("A", 1 / self.speedup)
            return (
                f"{faster} is {factor:.2f} times as fast on what both solve (p = {self.p_time:.2g}), and solves as much"
            )
        return "no difference beyond noise"

    @property
    def b_is_worse(self) -> bool:
        """B solves significantly fewer, or no more and significantly slower."""
        if self.p_solved < LEVEL:
            return self.only_a > self.only_b
        return self.p_time < LEVEL and self.speedup < 1


def compare(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]], *, seed: int = 0) -> Comparison:
    """Compare the `goals` rows of two results, paired by id.

    Raises:
        ConfigError: they have no goal in common.
    """
    rows_b = {row["id"]: row for row in b}
    pairs = [(row, rows_b[row["id"]]) for row in a if row["id"] in rows_b]
    if not pairs:
        raise ConfigError("the two results have no goal in common", hint="Compare runs over the same bank.")
    counts = dict.fromkeys(((True, True), (True, False), (False, True), (False, False)), 0)
    ratios = []
    for one, other in pairs:
        counts[(bool(one["solved"]), bool(other["solved"]))] += 1
        if one["solved"] and other["solved"]:
            ratios.append(math.log(max(one["seconds"], _LEAST_SECONDS) / max(other["seconds"], _LEAST_SECONDS)))
    return Comparison(
        goals=len(pairs),
        both=counts[(True, True)],
        only_a=counts[(True, False)],
        only_b=counts[(False, True)],
        neither=counts[(False, False)],
        p_solved=mcnemar(counts[(True, False)], counts[(False, True)]),
        speedup=math.exp(sum(ratios) / len(ratios)) if ratios else 1.0,
        p_time=permutation(ratios, seed=seed),
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value: how likely is a split at least this uneven when each side is equally likely?"""
    total, fewer = only_a + only_b, min(only_a, only_b)
    tail: float = sum(math.comb(total, k) for k in range(fewer + 1)) / 2**total
    return min(1.0, 2 * tail)


def permutation(differences: Sequence[float], *, seed: int = 0, rounds: int = PERMUTATIONS) -> float:
    """Two-sided p-value of a paired permutation test on the sum of `differences`."""
    observed = abs(sum(differences))
    if not observed:
        return 1.0
    random_signs = random.Random(seed)
    as_far = sum(
        abs(sum(d if random_signs.random() < 0.5 else -d for d in differences)) >= observed - 1e-12
        for _ in range(rounds)
    )
    return (as_far + 1) / (rounds + 1)


def read_results(path: Path) -> dict[str, Any]:
    """A results file.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the results cannot be read: {error}", where=str(path)) from error
    if not isinstance(value, dict) or not isinstance(value.get("goals"), list):
        raise ConfigError("this is no results file of `bank`: it has no rows for goals", where=str(path))
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("a", type=Path, help="results of the run to compare with")
    parser.add_argument("b", type=Path, help="results of the run in question")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args(arguments)
    try:
        found = compare(read_results(given.a)["goals"], read_results(given.b)["goals"])
    except OrchestratorError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(
        f"goals in both runs   {found.goals:6}\n"
        f"solved by both       {found.both:6}\n"
        f"by A alone           {found.only_a:6}\n"
        f"by B alone           {found.only_b:6}\n"
        f"by neither           {found.neither:6}\n"
        f"p (solved)           {found.p_solved:6.3f}   McNemar, exact\n"
        f"speed of B over A    {found.speedup:6.2f}   on what both solve\n"
        f"p (time)             {found.p_time:6.3f}   paired permutations\n"
        f"{found.verdict}\n"
    )
    write_figures(given.json, {**asdict(found), "verdict": found.verdict, "b_is_worse": found.b_is_worse})
    return 1 if found.b_is_worse else 0


if __name__ == "__main__":
    run_command(main)
