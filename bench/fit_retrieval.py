"""Learns how features of premises count.

`python -m bench.fit_retrieval --write` makes `orchestrator/premises/learned.json`.

A multinomial logistic regression with a Gaussian prior: for each goal of the tuning split, the premises of its known
proof against all the others that it sees. Without `--write` it only prints what five-fold cross-validation says; then
neither the weights nor the counts of uses know the goals they are measured on.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import orchestrator.premises
from bench.bank import Split
from bench.command import run_command, write_figures
from bench.queries import Asked, of_split, read_queries
from bench.retrieval import FIRST, library_index, recall, show
from orchestrator.premises.index import Index, build_index
from orchestrator.premises.library import Library
from orchestrator.premises.relevance import FEATURES, USED, Relevance, RelevanceModel
from orchestrator.premises.relevance import uses as count_uses

FOLDS = 5
PENALTY = 10.0
_HARD, _EVERY = 500, 40
_STEPS = 30
_SMALLEST = 1e-5
_UNIFORM = RelevanceModel({"shared": 2.0, "missing": -1.0, "length": -0.2})
"""Picks the hard negatives; the others are thinned out, and counted as many times."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A goal with its candidates.

    Attributes:
        names: of the candidates.
        features: a row each, in the order of `FEATURES`; `USED` is left at 0.
        right: rows of the known proof's premises.
        offset: log of how many premises a row stands for.
    """

    goal: str
    names: tuple[str, ...]
    features: Doubles
    right: tuple[int, ...]
    offset: Doubles


def case_of(asked: Asked, index: Index, library: Relevance) -> Case:
    """The candidates of a goal: all of its own project, and of the library the nearest and a sample of the rest."""
    modules = np.array([name.partition(".")[0] in asked.libraries for name in index.modules])
    seen = np.flatnonzero(modules[index.columns.modules])
    order = seen[np.argsort(-library.scores(asked.query)[seen], kind="stable")]
    names = index.names()
    wanted = set(asked.goal.premises)
    hard = order[:_HARD].tolist()
    hard += [row for row in order[_HARD:].tolist() if names[row] in wanted]
    rest = [row for row in order[_HARD::_EVERY].tolist() if names[row] not in wanted]
    rows = [*hard, *rest]
    local = build_index(asked.own, world=index)
    parts = [_features(index, library, asked)[rows]]
    if asked.own:
        parts.append(_features(local, Relevance(local, _UNIFORM), asked))
    everything = (*(names[row] for row in rows), *local.names())
    offset = np.zeros(len(everything))
    offset[len(hard) : len(rows)] = np.log(_EVERY)
    right = tuple(row for row, name in enumerate(everything) if name in wanted)
    return Case(asked.goal.id, everything, np.concatenate(parts).astype(np.float64), right, offset)


def fit(cases: Sequence[Case], uses: Counter[str]) -> RelevanceModel:
    """The weights under which the known proofs' premises are likeliest; a case's own uses are not counted in it."""
    used = [FEATURES.index(name) for name in USED]
    tables = []
    for case in cases:
        features = case.features.copy()
        own = {case.names[row] for row in case.right}
        features[:, used] = count_uses(case.names, {name: times - (name in own) for name, times in uses.items()})
        tables.append(features)
    middle = np.mean([table.mean(0) for table in tables], 0)
    width = np.mean([table.std(0) for table in tables], 0) + 1e-6
    scaled = [(table - middle) / width for table in tables]
    weights = np.zeros(len(FEATURES))
    loss, slope, curve = _loss(weights, cases, scaled)
    for _ in range(_STEPS):
        step = np.linalg.solve(curve, slope)
        while (tried := _loss(weights - step, cases, scaled))[0] > loss and np.abs(step).max() > _SMALLEST:
            step /= 2
        if np.abs(step).max() <= _SMALLEST:
            break
        weights, (loss, slope, curve) = weights - step, tried
    plain = {name: round(float(w), 4) for name, w in zip(FEATURES, weights / width, strict=True)}
    return RelevanceModel(plain, dict(sorted(uses.items())))


def _loss(weights: Doubles, cases: Sequence[Case], tables: Sequence[Doubles]) -> tuple[float, Doubles, Doubles]:
    """Minus the logarithm of the posterior, its gradient and its Hessian."""
    loss, slope, curve = PENALTY * float(weights @ weights) / 2, PENALTY * weights, PENALTY * np.eye(len(weights))
    for case, rows in zip(cases, tables, strict=True):
        scores = rows @ weights + case.offset
        top = float(np.max(scores))
        chances = np.exp(scores - top)
        total = float(chances.sum())
        chances /= total
        right = list(case.right)
        expected = chances @ rows
        loss += top + float(np.log(total)) - float((rows[right] @ weights).mean())
        slope = slope + expected - rows[right].mean(0)
        curve = curve + (rows * chances[:, None]).T @ rows - np.outer(expected, expected)
    return loss, slope, curve


def uses_of(asked: Iterable[Asked], index: Index) -> Counter[str]:
    """How many of the known proofs use each theorem of the library."""
    known = set(index.names())
    return Counter(name for one in asked for name in set(one.goal.premises) if name in known)


def cross_validated(asked: Sequence[Asked], index: Index) -> dict[str, list[str]]:
    """What each goal is answered by a model that was learned on the other folds."""
    library = Relevance(index, _UNIFORM)
    cases = {one.goal.id: case for one in asked if (case := case_of(one, index, library)).right}
    answered: dict[str, list[str]] = {}
    for fold in range(FOLDS):
        train = [one for place, one in enumerate(asked) if place % FOLDS != fold]
        model = fit([cases[one.goal.id] for one in train if one.goal.id in cases], uses_of(train, index))
        fitted = Library(index, model=model)
        for one in asked[fold::FOLDS]:
            found = fitted.find(one.query, FIRST, own=one.own, libraries=one.libraries)
            answered[one.goal.id] = [ranked.premise.name for ranked in found]
    return answered


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.fit_retrieval", description=__doc__)
    parser.add_argument("--write", action="store_true", help="learn from the whole tuning split, and write it")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    index = library_index()
    tuned = of_split(read_queries(), Split.TUNE)
    found = recall({one.goal.id: one.goal.premises for one in tuned}, cross_validated(tuned, index))
    show("tune, cross-validated", found)
    write_figures(options.json, asdict(found))
    if options.write:
        library = Relevance(index, _UNIFORM)
        cases = [case for one in tuned if (case := case_of(one, index, library)).right]
        model = fit(cases, uses_of(tuned, index))
        value = {"made by": "python -m bench.fit_retrieval --write", "weights": model.weights, "used": model.used}
        text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
        Path(orchestrator.premises.__file__).with_name("learned.json").write_text(text, encoding="utf-8")
    return 0


def _features(index: Index, relevance: Relevance, asked: Asked) -> Doubles:
    nothing_used = np.zeros((len(index), len(USED)))
    return np.hstack([index.columns.traits, nothing_used, relevance.shared(asked.query)])


if __name__ == "__main__":
    run_command(main)
