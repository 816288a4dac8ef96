"""What the pages on runs and strategies show: overview, runs, one run, two runs side by side, strategies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from statistics import median

from orchestrator.dashboard.site import Site
from orchestrator.dashboard.views import Parameters, Values, names_of, page, prefect_link
from orchestrator.goals.features import GoalFeatures
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import ProofRecord, ProofVerdict, RunStatus
from orchestrator.ledger.summaries import StrategyMoment, StrategyTotals
from orchestrator.strategies.policy.bandit import OVERALL, ArmStatistics, CostAware, SeedUcb, Statistics, within

CLASSES = 20


@page("/", "Overview")
def overview(site: Site, given: Parameters) -> Values:
    """The front page."""
    ledger, repo = site.ledger, given.get("repo") or None
    statistics = ledger.statistics(repo)
    counts = {status.value: statistics.goals.get(status.value, 0) for status in GoalStatus}
    solved = ledger.solved_over_time(repo)
    totals = list(accumulate(step.count for step in solved))
    run = statistics.last_run
    found = ledger.attempts(repo=repo, proved=True, newest_first=True, limit=8)
    tried = ledger.attempts(repo=repo, newest_first=True, limit=8)
    return {
        "names": names_of(ledger, (*found, *tried)),
        "counts": counts,
        "all_goals": sum(counts.values()),
        "statistics": statistics,
        "run": run,
        "running": run is not None and run.status is RunStatus.RUNNING,
        "progress": ledger.progress(run.id) if run is not None else None,
        "found": found,
        "tried": tried,
        "solved_chart": {
            "kind": "steps",
            # From nothing on, so that what came all at once is a line, too.
            "x": [solved[0].start.timestamp() - 60, *(step.start.timestamp() for step in solved)] if solved else [],
            "series": [{"label": "solved in total", "y": [0, *totals]}],
        },
        "solved": list(zip(solved, totals, strict=True)),
        "prefect": prefect_link(run),
        "tables": {"solved": [asdict(one) | {"total": total} for one, total in zip(solved, totals, strict=True)]},
    }


@page("/runs", "Runs")
def runs(site: Site, given: Parameters) -> Values:
    """The history of runs."""
    found = site.ledger.runs(repo=given.get("repo") or None, limit=200)
    return {"runs": [(run, prefect_link(run)) for run in found], "tables": {"runs": found}}


@page("/run", "Run", "id")
def run(site: Site, given: Parameters) -> Values | None:
    """One run."""
    ledger = site.ledger
    record = ledger.run(given.get("id", ""))
    if record is None:
        return None
    attempts = ledger.attempts(record.id, newest_first=True, limit=100)
    proofs = ledger.proofs(record.id, limit=200)
    totals = ledger.run_totals(record.id)
    return {
        "title": f"Run {record.id}",
        "names": names_of(ledger, attempts),
        "run": record,
        "running": record.status is RunStatus.RUNNING,
        "progress": ledger.progress(record.id),
        "totals": totals,
        "proofs": proofs,
        "attempts": attempts,
        "prefect": prefect_link(record),
        "tables": {
            "strategies": [{"strategy": name, **dict(total)} for name, total in totals.items()],
            "proofs": later(ledger.proofs, record.id),
            "attempts": later(ledger.attempts, record.id),
        },
    }


def later(read: Callable[[str], Iterable[object]], run_id: str) -> Iterator[object]:
    """All that there is of a run, read when it is asked for."""
    yield from read(run_id)


@dataclass(frozen=True, slots=True)
class ProofChange:
    """A goal on which two runs differ: what each says of it in words, "" where it has no proof, and its proof."""

    goal_id: str
    declaration: str
    before: str
    after: str
    proofs: tuple[str, str]


@page("/compare", "Compare runs", "a", "b", live=False)
def compare(site: Site, given: Parameters) -> Values | None:
    """Two runs side by side, and what changed from the one to the other."""
    ledger = site.ledger
    one, other = (ledger.run(given.get(name, "")) for name in ("a", "b"))
    if one is None or other is None:
        return None
    judged = [{proof.goal_id: proof for proof in ledger.proofs(record.id)} for record in (one, other)]
    passed = (sum(proof.verdict is ProofVerdict.PASSED for proof in proofs.values()) for proofs in judged)
    sides = [(record, ledger.run_totals(record.id), count) for record, count in zip((one, other), passed, strict=True)]
    names = {key: proof.declaration for proofs in judged for key, proof in proofs.items()}
    pairs = {key: (judged[0].get(key), judged[1].get(key)) for key in names}
    changes = [
        ProofChange(key, names[key], _said(first), _said(second), (_script(first), _script(second)))
        for key, (first, second) in pairs.items()
        if (_said(first), _script(first)) != (_said(second), _script(second))
    ]
    settings = {name for record in (one, other) for name in record.configuration} - {"prefect_url"}
    both = {name: (one.configuration.get(name), other.configuration.get(name)) for name in sorted(settings)}
    return {
        "title": f"Runs {one.id} and {other.id}",
        "sides": sides,
        "changes": sorted(changes, key=lambda change: change.declaration),
        "same": len(names) - len(changes),
        "settings": {name: pair for name, pair in both.items() if pair[0] != pair[1]},
        "strategies": sorted({name for _, totals, _ in sides for name in totals}),
        "tables": {"changes": changes},
    }


def _said(proof: ProofRecord | None) -> str:
    return "" if proof is None else f"{proof.verdict.value}, {proof.strategy or 'marketplace'}"


def _script(proof: ProofRecord | None) -> str:
    return "" if proof is None else proof.script


@dataclass(frozen=True, slots=True)
class StrategyLine:
    """How a strategy does: the median seconds are of its newest proofs, the rate is the moving average."""

    strategy: str
    totals: StrategyTotals | None
    median_seconds: float | None
    proved: int
    alone: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class ClassOrder:
    """The order in which the policy would try strategies on a goal of a class, and why: words for each of them."""

    name: str
    trials: int
    strategies: tuple[tuple[str, str], ...]


@page("/strategies", "Strategies")
def strategies(site: Site, given: Parameters) -> Values:
    """How well each strategy does, and which the policy would try next."""
    ledger, repo = site.ledger, given.get("repo") or None
    table = {
        (entry.context, entry.strategy): ArmStatistics(
            entry.trials, entry.successes, entry.success_rate, entry.seconds, entry.success_seconds
        )
        for entry in ledger.strategy_statistics()
    }
    totals = ledger.statistics(repo).strategies
    contributed = {entry.strategy: entry for entry in ledger.contributions(repo)}
    known = {name: entry for (scope, name), entry in table.items() if scope == OVERALL}
    rows = []
    for name in sorted(known.keys() | totals.keys()):
        seconds, mine = ledger.success_seconds(name), contributed.get(name)
        middle = median(seconds) if seconds else None
        rate = known[name].success_rate if name in known else None
        rows.append(
            StrategyLine(name, totals.get(name), middle, mine.proved if mine else 0, mine.alone if mine else 0, rate)
        )
    orders = class_orders(site.policy, Statistics(table=table))
    return {
        "rows": rows,
        "orders": orders,
        "ucb": isinstance(site.policy, SeedUcb),
        "rate_chart": rate_chart(ledger.strategy_history()),
        "tables": {"strategies": rows, "orders": orders},
    }


def class_orders(policy: CostAware | SeedUcb, statistics: Statistics[str]) -> list[ClassOrder]:
    """What the policy makes of what is known: of any goal, and of the parts of projects with the most trials."""
    if isinstance(policy, CostAware):
        policy = replace(policy, exploration=0.0)  # a run draws around this order, and now and then differs from it
    scopes: dict[str, int] = {}
    for (scope, _), entry in statistics.table.items():
        scopes[scope] = scopes.get(scope, 0) + entry.trials
    start = within("")
    # Of the contexts, a part of a project is the one that is neither a shape in it nor one of the marks.
    parts = [scope.removeprefix(start) for scope in scopes if scope.startswith(start) and "|" not in scope]
    parts = sorted((p for p in parts if " " not in p and p), key=lambda p: (-scopes[within(p)], p))[:CLASSES]
    arms = sorted({arm for scope, arm in statistics.table if scope == OVERALL})
    orders = []
    for name in ("", *parts) if arms else ():
        features = GoalFeatures(key=name, levels=(name,) if name else ())
        reasons = []
        for arm in policy.order(features, arms, statistics):
            if isinstance(policy, SeedUcb):
                reasons.append((arm, f"index {policy.score(arm, statistics):.2f}"))
            else:
                chance = policy.success_probability(features, arm, statistics)
                reasons.append((arm, f"{chance:.0%} in {policy.expected_cost(features.levels, arm, statistics):.1f} s"))
        orders.append(ClassOrder(name, scopes.get(within(name) if name else OVERALL, 0), tuple(reasons)))
    return orders


def rate_chart(history: Iterable[StrategyMoment]) -> Values:
    """The moving average of each strategy's success over time, as it was at each minute."""
    moments: dict[float, dict[str, float]] = {}
    known: Mapping[str, float] = {}
    for moment in history:
        known = {**known, moment.strategy: round(moment.success_rate, 4)}
        moments[moment.minute.timestamp()] = dict(known)
    series = [{"label": name, "y": [rates.get(name) for rates in moments.values()]} for name in sorted(known)]
    return {"kind": "lines", "x": list(moments), "series": series}
