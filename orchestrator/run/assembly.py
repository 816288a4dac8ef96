"""What a run needs to work with, put together from settings, and what it comes to at its end."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from time import monotonic

from orchestrator.blueprint.graph import worth
from orchestrator.blueprint.loading import load
from orchestrator.blueprint.status import evaluate
from orchestrator.blueprint.sync import BlueprintUpdate
from orchestrator.config import Paths, PolicyChoice, Profile, Settings
from orchestrator.git.checkout import Checkout
from orchestrator.git.origin import open_origin
from orchestrator.goals.events import notify, observed_by
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.servers import Servers
from orchestrator.ledger.records import RunStatus
from orchestrator.ledger.store import Ledger
from orchestrator.machine import LocalMachine
from orchestrator.marketplace.trade import Trade
from orchestrator.run.blueprint import blueprint_facts
from orchestrator.run.ledger import RunLedger
from orchestrator.run.progress import RunProgress
from orchestrator.run.report.files import check_folder
from orchestrator.run.report.summary import GoalReport, Summary
from orchestrator.run.stop import Stop, WorkToDo
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.goal_order import in_order
from orchestrator.scheduler.memory import AttemptLedger
from orchestrator.scheduler.middleware import Middleware, time_limit
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Slots
from orchestrator.scheduler.subgoals import Scripts
from orchestrator.scheduler.throttle import Throttle
from orchestrator.scheduler.time_limits import TimeLimits
from orchestrator.source.owner_rules import Rules
from orchestrator.source.project import Project, excerpt
from orchestrator.strategies.base import GoalOpener, Strategy
from orchestrator.strategies.policy.bandit import CostAware, Policy, SeedUcb

# Opening a goal may mean starting a server and replaying files, which no strategy's time is charged for.
OPENING_SECONDS = 600.0
# What has to be left when an attempt begins. The servers are fitted to the memory at the start; this is for what others
# take in the meantime, and for a server's growth until it is replaced.
_HEADROOM_BYTES = 500_000_000


def preflight(repo: str, out: Path, settings: Settings, paths: Paths) -> None:
    """See at once what a run would stumble over only after a while.

    Raises:
        CheckoutError: `repo` names no repository.
        LedgerError: the ledger cannot be opened.
        OrchestratorError: the results could not be written to `out`.
    """
    open_origin(repo, timeout=60.0)
    with open_ledger(settings, paths):
        check_folder(str(out))


@contextmanager
def open_ledger(settings: Settings, paths: Paths) -> Iterator[Ledger]:
    """The ledger of the settings, by default a file in the data folder.

    Raises:
        LedgerError: it cannot be opened.
    """
    ledger = Ledger.open(settings.ledger_url or paths.ledger_file)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def recorded_run(
    ledger: Ledger, settings: Settings, checkout: Checkout, project: Project, *, lean: str, stop: Stop, link: str = ""
) -> Iterator[RunLedger]:
    """A run in the ledger, from its start to its end, whatever happens in between; none if it only looked for work.

    `link` is where Prefect shows it ("" when it is kept nowhere else).

    Raises:
        LedgerError: it cannot be kept.
    """
    run_id = uuid.uuid4().hex[:12]
    ledger.start_run(
        run_id=run_id,
        repo=checkout.source,
        ref=checkout.ref,
        commit=checkout.commit,
        profile=int(settings.profile),
        configuration=run_config(settings) | ({"prefect_url": link} if link else {}),
    )

    @cache
    def environment(module: str) -> str:
        digest = project.environment_digest(module) if module in project.by_name else ""
        return hashlib.sha256(f"{lean}\x00{digest}".encode()).hexdigest()

    view = RunLedger(
        ledger,
        run_id,
        checkout.source,
        checkout.commit,
        settings,
        lambda goal: environment(goal.module),
        stop,
        partial(excerpt, project),
    )
    status = RunStatus.FAILED
    try:
        with observed_by(RunProgress(ledger, run_id)):
            yield view
        status = RunStatus.FINISHED
    except WorkToDo:
        ledger.drop_run(run_id)
        raise
    finally:
        if ledger.run(run_id) is not None:
            ledger.finish_run(run_id, status=RunStatus.STOPPED if stop.requests else status, totals=view.totals)


def make_policy(settings: Settings) -> Policy:
    """How the next strategy is chosen."""
    if settings.policy is PolicyChoice.UCB:
        return SeedUcb(settings.exploration)
    return CostAware(prior_seconds=settings.timeouts)


def make_throttle(settings: Settings, *, background: bool) -> Throttle:
    """Holds work back while memory is short, and in the background also while this machine is busy."""
    return Throttle(
        LocalMachine(),
        cpu_target=settings.cpu_target if background else math.inf,
        cpu_alpha=settings.cpu_alpha,
        server_bytes=_HEADROOM_BYTES,
    )


def with_budget(settings: Settings, rules: Rules) -> Settings:
    """The settings with the time that a repository asks for, where whoever starts the run sets none."""
    if settings.timeout is not None or rules.budget_seconds is None:
        return settings
    return settings.model_copy(update={"timeout": rules.budget_seconds})


def night_order(
    goals: Sequence[Goal], project: Project, extraction: Extraction, store: Ledger, ledger: RunLedger
) -> tuple[Goal, ...]:
    """The goals in the order a night takes them: new and changed ones first, then those that hold up most."""
    blueprint = load(Path(project.root))
    value = worth(blueprint, evaluate(blueprint, blueprint_facts(extraction.declarations)))
    known = store.goal_environments(ledger.repo)
    old = frozenset(goal.id for goal in goals if known.get(goal.id) == ledger.environment(goal))
    return in_order(goals, old=old, worth=value)


def make_scheduler(
    settings: Settings,
    strategies: Mapping[StrategyType, Strategy],
    memory: AttemptLedger,
    middleware: Sequence[Middleware],
    *,
    prover: GoalOpener,
    servers: int,
    throttle: Throttle | None = None,
    limits: TimeLimits | None = None,
) -> Scheduler:
    """The scheduler of a run: one attempt a server at most, and the light and heavy limits on top.

    Every attempt goes through a time limit and the `middleware` given. Without a `throttle` nothing is held back.
    """
    context = SchedulerContext(
        strategies=strategies,
        memory=memory,
        policy=make_policy(settings),
        slots=Slots(settings.max_light, settings.max_heavy, servers),
        throttle=throttle or Throttle(),
        limits=limits or TimeLimits(settings),
        clock=monotonic,
        emit=notify,
    )
    return Scheduler(
        context,
        settings=settings,
        middleware=(time_limit(OPENING_SECONDS, monotonic), *middleware),
        scripts=None if settings.profile is Profile.STUB else Scripts(prover),
    )


def run_config(settings: Settings) -> dict[str, object]:
    """The settings that matter, in the results format of the benchmark runner."""
    timeout = settings.timeout
    return {
        "timeout": None if timeout is None or math.isinf(timeout) else timeout,
        "max_heavy": settings.max_heavy,
        "max_light": settings.max_light,
        "cpu_target": settings.cpu_target,
        "profile": int(settings.profile),
    }


@dataclass(frozen=True, slots=True)
class Beginning:
    """When a run began, on the clock of the wall and on one that nobody sets."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=monotonic)

    @property
    def seconds(self) -> float:
        """How long ago that was."""
        return monotonic() - self.clock


def summarise(
    checkout: Checkout,
    project: Project,
    extraction: Extraction,
    reports: Sequence[GoalReport],
    update: BlueprintUpdate,
    ledger: RunLedger,
    started: Beginning,
    config: Mapping[str, object],
    servers: Servers,
    trades: Sequence[Trade] = (),
) -> Summary:
    """The summary of a run, noted in its ledger, too."""
    notes = [*extraction.notes, *update.problems]
    if checkout.dirty:
        notes.append("the folder has changes that are not committed; they were not looked at")
    summary = Summary(
        run_id=ledger.run_id,
        repo=checkout.source,
        ref=checkout.ref,
        commit=checkout.commit,
        started=started.at,
        wall_seconds=started.seconds,
        goals=reports,
        attempts=tuple(ledger.made),
        config=config,
        problems=(*project.problems, *extraction.problems),
        notes=notes,
        blueprint=update.marks,
        lean=servers.description,
        stopped=ledger.stop.reason,
        trades=trades,
        lean_servers=servers.count,
        lean_seconds=servers.meter.seconds,
        lean_processes=servers.meter.processes,
    )
    counted = summary.to_dict()
    ledger.totals = {key: counted[key] for key in ("goals_total", "goals_processed", "goals_solved")}
    return summary
