"""What each page shows, read from the ledger. A view turns its parameters into values for its template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, TypeVar

from orchestrator.dashboard.graph_layout import HEIGHT, WIDTH, Layout, layered
from orchestrator.dashboard.highlight import goal_layout, lean_lines
from orchestrator.dashboard.site import Site
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import AttemptRecord, NodeState, RunRecord, RunStatus
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import GoalFilter, GoalSort, StrategyMoment
from orchestrator.ledger.ticket_records import TicketStatus
from orchestrator.strategies.policy.bandit import ucb_score

PAGE = 50
TICKETS = 200
Parameters = Mapping[str, str]
Values = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A page: its address, what it takes in the query, and how its values come about (None: there is no such thing).

    Attributes:
        name: what it is called in addresses of live parts; its template has this name, too.
        live: its main part is pushed when the ledger changes.
    """

    name: str
    path: str
    title: str
    build: Callable[[Site, Parameters], Values | None]
    parameters: tuple[str, ...]
    live: bool

    @property
    def template(self) -> str:
        """The template of its main part."""
        return f"{self.name}.html"


VIEWS: dict[str, View] = {}
MENU = ("overview", "goals", "strategies", "runs", "blueprint", "marketplace", "premises")
Build = TypeVar("Build", bound=Callable[[Site, Parameters], Values | None])


def page(path: str, title: str, *parameters: str, live: bool = True) -> Callable[[Build], Build]:
    """Make a page of the function that builds its values."""

    def add(build: Build) -> Build:
        VIEWS[build.__name__] = View(build.__name__, path, title, build, parameters, live)
        return build

    return add


@page("/", "Overview")
def overview(site: Site, _: Parameters) -> Values:
    """The front page."""
    ledger = site.ledger
    statistics = ledger.statistics()
    counts = {status.value: statistics.goals.get(status.value, 0) for status in GoalStatus}
    solved = ledger.solved_over_time()
    totals = list(accumulate(step.count for step in solved))
    run = statistics.last_run
    running = run is not None and run.status is RunStatus.RUNNING
    found, tried = ledger.attempts(proved=True, newest_first=True, limit=8), ledger.attempts(newest_first=True, limit=8)
    return {
        "names": names_of(ledger, (*found, *tried)),
        "counts": counts,
        "all_goals": sum(counts.values()),
        "statistics": statistics,
        "run": run,
        "running": running,
        "progress": ledger.progress(run.id) if run is not None else None,
        "found": found,
        "tried": tried,
        "solved_chart": {
            "kind": "steps",
            # From nothing on, so that what came all at once is a line, too.
            "x": [solved[0].start.timestamp() - 60, *(step.start.timestamp() for step in solved)] if solved else [],
            "series": [{"label": "total solved", "y": [0, *totals]}],
        },
        "solved": list(zip(solved, totals, strict=True)),
        "prefect": prefect_link(run),
    }


@page("/goals", "Goals", "q", "status", "repo", "sort", "order", "page")
def goals(site: Site, given: Parameters) -> Values:
    """The list of goals."""
    wanted = GoalFilter(
        repo=given.get("repo") or None,
        status=_of(GoalStatus, given.get("status")),
        text=given.get("q", "").strip()[:200],
        sort=_of(GoalSort, given.get("sort")) or GoalSort.WHERE,
        descending=given.get("order") == "down",
    )
    number = min(max(1, _number(given.get("page"), 1)), 10_000_000)
    page = site.ledger.goal_page(wanted, offset=(number - 1) * PAGE, limit=PAGE)
    pages = max(1, -(-page.total // PAGE))
    repositories = site.ledger.repositories()
    return {
        "wanted": wanted,
        "page": page,
        "number": number,
        "pages": pages,
        "first": (number - 1) * PAGE + 1,
        "repositories": repositories,
        "several": len(repositories) > 1,
        "statuses": list(GoalStatus),
        "sorts": list(GoalSort),
        "given": {key: value for key, value in given.items() if value and key != "page"},
    }


@page("/goal", "Goal", "id", "repo")
def goal(site: Site, given: Parameters) -> Values | None:
    """One goal."""
    ledger = site.ledger
    record = ledger.goal(given.get("id", ""), repo=given.get("repo", ""))
    if record is None:
        return None
    item = record.goal
    nodes = [
        node
        for blueprint in ledger.blueprints()
        if blueprint.repo == record.repo
        for node in blueprint.nodes
        if item.declaration in node.declarations
    ]
    span = item.span
    return {
        "record": record,
        "goal": item,
        "layout": goal_layout(item.text),
        "source": list(enumerate(lean_lines(record.source), record.source_line)) if record.source else [],
        "marked": range(span.start.line, span.end.line + 1) if span else range(0),
        "attempts": ledger.attempts(goal_hash=record.goal_hash, newest_first=True, limit=100),
        "proofs": ledger.proofs(goal_hash=record.goal_hash, newest_first=True, limit=20),
        "nodes": nodes,
        "tickets": ledger.tickets(repo=record.repo, goal_id=item.id, limit=50),
    }


@page("/strategies", "Strategies")
def strategies(site: Site, _: Parameters) -> Values:
    """How well each strategy does."""
    ledger = site.ledger
    statistics = {entry.strategy: entry for entry in ledger.strategy_statistics(context="")}
    totals = ledger.statistics().strategies
    contributions = {entry.strategy: entry for entry in ledger.contributions()}
    tried = sum(entry.trials for entry in statistics.values())
    names = sorted(set(statistics) | set(totals))
    scores = {
        name: ucb_score(entry.success_rate, entry.trials, tried, exploration=site.exploration)
        for name, entry in statistics.items()
    }
    return {
        "rows": [
            (name, totals.get(name), statistics.get(name), contributions.get(name), scores.get(name)) for name in names
        ],
        "score_chart": score_chart(ledger.strategy_history(), site.exploration),
    }


@page("/marketplace", "Marketplace", "status")
def marketplace(site: Site, given: Parameters) -> Values:
    """The tickets."""
    status = _of(TicketStatus, given.get("status"))
    counts = site.ledger.ticket_counts()
    return {
        "counts": counts,
        "status_shown": status,
        "tickets": site.ledger.tickets(status=status, limit=TICKETS),
        "most": TICKETS,
    }


@page("/ticket", "Ticket", "id")
def ticket(site: Site, given: Parameters) -> Values | None:
    """One ticket."""
    ledger = site.ledger
    found = ledger.ticket(given.get("id", ""))
    if found is None:
        return None
    return {
        "ticket": found,
        "layout": goal_layout(found.goal_text) if found.goal_text else None,
        "requesters": ledger.ticket_requesters(found.ticket_id),
        "history": ledger.ticket_history(found.ticket_id, limit=500),
        "premises": [lemma for lemma in map(ledger.ticket, found.premises) if lemma is not None],
    }


@page("/runs", "Runs")
def runs(site: Site, _: Parameters) -> Values:
    """The history of runs."""
    found = site.ledger.runs(limit=200)
    return {"runs": [(run, prefect_link(run)) for run in found]}


@page("/run", "Run", "id")
def run(site: Site, given: Parameters) -> Values | None:
    """One run."""
    ledger = site.ledger
    record = ledger.run(given.get("id", ""))
    if record is None:
        return None
    attempts = ledger.attempts(record.id, newest_first=True, limit=100)
    return {
        "names": names_of(ledger, attempts),
        "run": record,
        "running": record.status is RunStatus.RUNNING,
        "progress": ledger.progress(record.id),
        "totals": ledger.run_totals(record.id),
        "proofs": ledger.proofs(record.id, limit=200),
        "attempts": attempts,
        "prefect": prefect_link(record),
    }


@page("/compare", "Compare runs", "a", "b", live=False)
def compare(site: Site, given: Parameters) -> Values | None:
    """Two runs side by side."""
    ledger = site.ledger
    records = [ledger.run(given.get(name, "")) for name in ("a", "b")]
    one, other = records
    if one is None or other is None:
        return None
    first, second = ledger.passed_in(one.id), ledger.passed_in(other.id)
    return {
        "sides": [(record, ledger.run_totals(record.id), passed) for record, passed in ((one, first), (other, second))],
        "only_first": sorted((first[key], key) for key in first.keys() - second.keys())[:200],
        "only_second": sorted((second[key], key) for key in second.keys() - first.keys())[:200],
        "both": len(first.keys() & second.keys()),
    }


@page("/blueprint", "Blueprint", "repo")
def blueprint(site: Site, given: Parameters) -> Values:
    """The dependency graph of a blueprint."""
    found = site.ledger.blueprints()
    chosen = next((one for one in found if one.repo == given.get("repo")), found[0] if found else None)
    if chosen is None:
        return {"blueprints": (), "chosen": None}
    ready = sorted((n for n in chosen.nodes if n.state is NodeState.READY), key=lambda n: (-n.unblocks, n.key))
    declarations = [name for node in chosen.nodes for name in node.declarations]
    return {
        "blueprints": found,
        "chosen": chosen,
        "layout": blueprint_layout(chosen.repo, tuple((n.key, n.uses) for n in chosen.nodes)),
        "nodes": {node.key: node for node in chosen.nodes},
        "counts": {state: sum(node.state is state for node in chosen.nodes) for state in NodeState},
        "ready": ready,
        "goal_ids": site.ledger.goals_of_declarations(chosen.repo, declarations),
        "box": (WIDTH, HEIGHT),
    }


@page("/premises", "Premises", "q", live=False)
def premises(site: Site, given: Parameters) -> Values:
    """Search for premises."""
    query = given.get("q", "").strip()[:2000]
    hits = site.search.find(query, 30) if query else ()
    return {"query": query, "hits": hits, "words": site.search.words}


def score_chart(history: Iterable[StrategyMoment], exploration: float) -> Values:
    """The bandit's index of each strategy over time, from what was known at each minute."""
    known: dict[str, StrategyMoment] = {}
    times: list[float] = []
    moments: list[dict[str, float]] = []
    for moment in history:
        known[moment.strategy] = moment
        at = moment.minute.timestamp()
        tried = sum(entry.trials for entry in known.values())
        scores = {
            name: round(ucb_score(entry.success_rate, entry.trials, tried, exploration=exploration), 4)
            for name, entry in known.items()
        }
        if times and times[-1] == at:
            moments[-1] = scores
        else:
            times.append(at)
            moments.append(scores)
    series = [{"label": name, "y": [scores.get(name) for scores in moments]} for name in sorted(known)]
    return {"kind": "lines", "x": times, "series": series}


@lru_cache(maxsize=16)
def blueprint_layout(_repo: str, shape: tuple[tuple[str, tuple[str, ...]], ...]) -> Layout:
    """The layout of a graph; remembered, since marks change more often than graphs do."""
    return layered(dict(shape))


def names_of(ledger: Ledger, attempts: Iterable[AttemptRecord]) -> Mapping[tuple[str, str], str]:
    """The declarations that these attempts were made on."""
    return ledger.declarations((attempt.repo, attempt.goal_id) for attempt in attempts)


def prefect_link(run: RunRecord | None) -> str:
    """Where Prefect shows a run, "" when nobody keeps it there. Only web addresses count."""
    link = str(run.configuration.get("prefect_url", "")) if run is not None else ""
    return link if link.startswith(("http://", "https://")) else ""


def _of(kind: Any, text: str | None) -> Any:
    return kind(text) if text and text in [member.value for member in kind] else None


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else otherwise
