"""Recall of the retriever: how many premises of the bank's known proofs are among the first 16 it answers.

`python -m bench.retrieval` asks it what real Lean says of each goal (`bench/queries.jsonl.gz`) over the corpus that
`orchestrator premises build` has collected, and needs no Lean itself. Premises of the library and of the goal's own
file both count. On the tuning split, a goal's own proof is taken out of the counts of uses before it is asked for.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.bank import BankGoal, Split
from bench.command import run_command, write_figures
from bench.queries import Asked, read_queries
from orchestrator.config import load_settings
from orchestrator.errors import ConfigError
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.premises.index import Index
from orchestrator.premises.library import Library
from orchestrator.premises.relevance import RelevanceModel, learned_model
from orchestrator.premises.store import DEFAULT_IMPORTS, known_index
from orchestrator.source.project import Project

FIRST = 16
ASKED_RECALL = 0.6
ASKED_MILLISECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Recall:
    """Over the goals whose known proof uses a premise.

    Attributes:
        goals: how many there are.
        premises: how many premises they use together.
        by_goal: mean over the goals of the share of its premises that was found.
        by_premise: share of all the premises that was found.
    """

    goals: int
    premises: int
    by_goal: float
    by_premise: float


def recall(used: Mapping[str, Collection[str]], answered: Mapping[str, Sequence[str]]) -> Recall:
    """Recall at `FIRST`.

    Args:
        used: premises of the known proof, by goal; goals without any do not count.
        answered: names in the retriever's order, by goal.
    """
    counted = {goal: set(names) for goal, names in used.items() if names}
    found = {goal: len(names & set(answered.get(goal, ())[:FIRST])) for goal, names in counted.items()}
    everything = sum(len(names) for names in counted.values())
    return Recall(
        goals=len(counted),
        premises=everything,
        by_goal=sum(found[goal] / len(names) for goal, names in counted.items()) / len(counted) if counted else 0.0,
        by_premise=sum(found.values()) / everything if everything else 0.0,
    )


@dataclass(frozen=True)
class Measured:
    """What the retriever answers for each goal, and how long it takes, in milliseconds of the processor."""

    answered: Mapping[str, Sequence[str]]
    milliseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the times."""
        return statistics.median(self.milliseconds) if self.milliseconds else 0.0


def measure(asked: Sequence[Asked], index: Index, model: RelevanceModel | None = None) -> Measured:
    """Ask for every goal; the times are those of the model as it is used, the index of the goal's file included."""
    model = learned_model() if model is None else model
    whole = Library(index, model=model)
    answered, times = {}, []
    for one in asked:
        begun = time.thread_time()
        found = whole.find(one.query, FIRST, own=one.own, libraries=one.libraries)
        times.append((time.thread_time() - begun) * 1000)
        if one.goal.split is Split.TUNE and not model.used.keys().isdisjoint(one.goal.premises):
            fair = Library(index, model=without_uses(model, one.goal.premises))
            found = fair.find(one.query, FIRST, own=one.own, libraries=one.libraries)
        answered[one.goal.id] = [ranked.premise.name for ranked in found]
    return Measured(answered, tuple(times))


def without_uses(model: RelevanceModel, premises: Collection[str]) -> RelevanceModel:
    """The model as if one proof that uses these premises had not been counted."""
    return replace(model, used={name: times - (name in premises) for name, times in model.used.items()})


def is_own(goal: BankGoal, name: str) -> bool:
    """Whether a premise is the goal's file's own: what its name begins with is declared there."""
    root = re.escape(name.partition(".")[0])
    return re.search(rf"\b(def|inductive|structure|class|theorem|abbrev)\s+{root}\b", goal.context) is not None


def recalls(asked: Sequence[Asked], measured: Measured) -> dict[str, dict[str, Recall]]:
    """By split, then by part: all the premises, those of the library, and those of the goal's own file."""
    chosen = {"all": asked, **{str(split): [one for one in asked if one.goal.split is split] for split in Split}}
    keeps: dict[str, Callable[[BankGoal, str], bool]] = {
        "all": lambda _goal, _name: True,
        "library": lambda goal, name: not is_own(goal, name),
        "project": is_own,
    }

    def part(some: Sequence[Asked], keep: Callable[[BankGoal, str], bool]) -> Recall:
        used = {one.goal.id: [name for name in one.goal.premises if keep(one.goal, name)] for one in some}
        return recall(used, measured.answered)

    return {label: {name: part(some, keep) for name, keep in keeps.items()} for label, some in chosen.items()}


def shortfalls(found: Mapping[str, Mapping[str, Recall]], median: float) -> list[str]:
    """Which figures fall short of what was asked."""
    short = [
        f"recall@{FIRST} of {label} is {parts['all'].by_goal:.3f}, asked is ≥ {ASKED_RECALL}"
        for label, parts in found.items()
        if parts["all"].by_goal < ASKED_RECALL
    ]
    if median > ASKED_MILLISECONDS:
        short.append(f"a query takes {median:.1f} ms, asked is ≤ {ASKED_MILLISECONDS:g} ms")
    return short


def library_index() -> Index:
    """The index of the embedded Lean's library.

    Raises:
        ConfigError: nothing was collected yet.
    """
    settings = load_settings()
    paths = settings.paths
    servers = provision(settings, paths, choose_lean(settings, paths, Project("none", "/nowhere")))
    index = known_index(paths, servers, DEFAULT_IMPORTS)
    if index is None:
        raise ConfigError("no corpus to measure recall with", hint="Run `orchestrator premises build`")
    return index


def show(label: str, found: Recall) -> None:
    """One line."""
    words = f"{label}: {found.by_goal:.3f} by goal ({found.goals}), {found.by_premise:.3f} by premise"
    print(f"{words} ({found.premises})")


def table(found: Mapping[str, Mapping[str, Recall]]) -> Table:
    """Recall by split and part."""
    shown = Table(title=f"recall@{FIRST} of the premises in the known proofs", title_justify="left")
    for name in ("goals", "premises", "number", "used", "by goal", "by premise"):
        shown.add_column(name, justify="left" if name in ("goals", "premises") else "right")
    for label, parts in found.items():
        for part, one in parts.items():
            shown.add_row(label, part, str(one.goals), str(one.premises), f"{one.by_goal:.3f}", f"{one.by_premise:.3f}")
    return shown


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    console = Console(file=sys.stdout)
    begun = time.perf_counter()
    index = library_index()
    library = Library(index)
    opened = (time.perf_counter() - begun) * 1000
    asked = read_queries()
    measured = measure(asked, index)
    found = recalls(asked, measured)
    console.print(table(found))
    words = f"a query, in processor time: median {measured.median:.1f} ms, slowest {max(measured.milliseconds):.1f} ms"
    console.print(f"{words}; opening {len(library)} theorems: {opened:.0f} ms", highlight=False)
    short = shortfalls(found, measured.median)
    figures = {label: {part: asdict(one) for part, one in parts.items()} for label, parts in found.items()}
    content = {"recall": figures, "milliseconds": measured.median, "opening_milliseconds": opened, "short": short}
    write_figures(options.json, content)
    for line in short:
        console.print(f"short: {line}", highlight=False, soft_wrap=True)
    return 1 if short else 0


if __name__ == "__main__":
    run_command(main)
