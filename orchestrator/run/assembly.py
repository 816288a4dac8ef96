"""What a run needs to work with, put together from settings, and what it comes to at its end."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from time import monotonic

from orchestrator.config import Profile, Settings
from orchestrator.git.checkout import Checkout
from orchestrator.goals.events import Notice, notify, observed_by
from orchestrator.goals.result import StrategyType
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.lake import PackageModules
from orchestrator.lean.pool import Pool
from orchestrator.ledger.records import RunStatus
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.workers import worker_name
from orchestrator.machine import LocalMachine
from orchestrator.premises.library import Library
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.store import chooser, retrievers
from orchestrator.run.given_up import KnownGivenUp
from orchestrator.run.ledger import RunLedger
from orchestrator.run.progress import RunProgress
from orchestrator.run.report.files import check_folder
from orchestrator.run.request import RunRequest
from orchestrator.run.run import Repository, Run
from orchestrator.run.stop import Stop
from orchestrator.scheduler.claims import claims
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.memory import AttemptLedger
from orchestrator.scheduler.middleware import Middleware, owner_rules, shortening, time_limit
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Slots
from orchestrator.scheduler.subgoals import Scripts
from orchestrator.scheduler.throttle import Throttle
from orchestrator.scheduler.time_limits import ASKED_PATIENCE, USUAL_PATIENCE, TimeLimits, growth_from
from orchestrator.source.project import Project, excerpt
from orchestrator.strategies.agent.desk import Desk
from orchestrator.strategies.base import GoalOpener, Strategy
from orchestrator.strategies.dojo_prover import dojo_prover
from orchestrator.strategies.local_context import declarations_seen, definitions_seen
from orchestrator.strategies.registry import make_policy, make_strategies, specs
from orchestrator.strategies.spec import StrategyTools

# Opening a goal may mean starting a server and replaying files, which no strategy's time is charged for.
OPENING_SECONDS = 600.0
# What has to be left when an attempt begins. The servers are fitted to the memory at the start; this is for what others
# take in the meantime, and for a server's growth until it is replaced.
_HEADROOM_BYTES = 500_000_000


def preflight(request: RunRequest, settings: Settings) -> None:
    """See at once what a run would stumble over only after a while.

    Raises:
        RepositoryError: it cannot be had, or holds no file that could be worked on.
        LeanNotFound: no Lean can be used for it.
        LedgerError: the ledger cannot be opened.
        OrchestratorError: the results could not be written.
    """
    Repository.at(request, settings)
    with Ledger.open(settings.ledger):
        check_folder(request.out)


def run_ledger(store: Ledger, settings: Settings, repository: Repository, *, lean: str, stop: Stop) -> RunLedger:
    """A run's view of the ledger, under a name of its own; nothing is written yet."""
    checkout, project = repository.checkout, repository.project

    @cache
    def environment(module: str) -> str:
        digest = project.environment_digest(module) if module in project.by_name else ""
        return hashlib.sha256(f"{lean}\x00{digest}".encode()).hexdigest()

    return RunLedger(
        store,
        uuid.uuid4().hex[:12],
        checkout.source,
        checkout.commit,
        settings,
        lambda goal: environment(goal.module),
        stop,
        partial(excerpt, project),
    )


@contextmanager
def recorded(ledger: RunLedger, checkout: Checkout, link: str = "") -> Iterator[None]:
    """Inside the block the run is in the ledger, from its start to its end, whatever happens in between.

    `link` is where Prefect shows it ("" when it is kept nowhere else).

    Raises LedgerError: it cannot be kept.
    """
    ledger.store.start_run(
        run_id=ledger.run_id,
        repo=checkout.source,
        ref=checkout.ref,
        commit=checkout.commit,
        profile=int(ledger.settings.profile),
        configuration=run_config(ledger.settings) | ({"prefect_url": link} if link else {}),
    )
    status = RunStatus.FAILED
    try:
        with observed_by(RunProgress(ledger.store, ledger.run_id)):
            yield
        status = RunStatus.FINISHED
    finally:
        status = RunStatus.STOPPED if ledger.stop.requests else status
        ledger.store.finish_run(ledger.run_id, status=status, totals=ledger.totals)


def make_throttle(settings: Settings, *, background: bool) -> Throttle:
    """Holds work back while memory is short, and in the background also while this machine is busy."""
    return Throttle(
        LocalMachine(),
        cpu_target=settings.cpu_target if background else math.inf,
        cpu_alpha=settings.cpu_alpha,
        server_bytes=_HEADROOM_BYTES,
    )


def night_strategies(run: Run, library: Library | None, desk: Desk | None = None) -> Mapping[StrategyType, Strategy]:
    """The strategies of a run, which look premises up in `library` and learn from the ledger; `desk` is for agents."""
    states = None
    if run.settings.dojo:
        states = dojo_prover(run.repository.checkout, run.project, run.pool, lambda words: notify(Notice(words)))
    tools = run_tools(run, library)
    return make_strategies(replace(tools, ledger=run.ledger, project=run.project, whole_states=states, desk=desk))


def run_tools(run: Run, library: Library | None) -> StrategyTools:
    """What strategies work with in a run; of the library they get what the imports of a goal's file bring."""
    native = run.servers.native
    brought = PackageModules(native.folder).brought if native is not None else None
    return strategy_tools(run.settings, run.pool, run.project, run.extraction, library, brought)


def strategy_tools(
    settings: Settings,
    prover: GoalOpener,
    project: Project,
    extraction: Extraction,
    library: Library | None,
    brought: Callable[[tuple[str, ...]], frozenset[str]] | None = None,
) -> StrategyTools:
    """What strategies work with on a project; premises are looked up in `library`, `brought` as of `premises_seen`."""
    premises = premises_seen(project, extraction, brought)
    return StrategyTools(
        settings=settings,
        prover=prover,
        definitions=definitions_seen(project, extraction),
        declarations=declarations_seen(project, extraction),
        choose=chooser(library, premises),
        retriever=retrievers(library, premises),
    )


def night_limits(run: Run) -> TimeLimits:
    """How long strategies may work in a run: longer on what ran out of time before, where that is asked for."""
    # What a model computes, or is paid for, is not begun to be thrown away; nor is anything that has few tries.
    few = run.settings.rounds is not None or run.settings.timeout is None
    quick = frozenset() if few else {kind for kind, spec in specs().items() if spec.model is None}
    usual = run.settings.timeout == run.request.usual_budget
    patience = USUAL_PATIENCE if usual else ASKED_PATIENCE
    if not run.request.more_time:
        return TimeLimits(run.settings, quick=quick, patience=patience)
    growth = growth_from(run.ledger.store, run.ledger.environment, run.settings.timeouts)
    return TimeLimits(run.settings, growth, quick, patience=patience)


def night_scheduler(
    run: Run,
    strategies: Mapping[StrategyType, Strategy],
    limits: TimeLimits,
    *middleware: Middleware,
    at_once: int = 0,
) -> Scheduler:
    """The scheduler of a run on a repository.

    Attempts keep to goals that no other worker is at, and to the owner's rules; `middleware` stands between the two.
    `at_once` are made at a time, as many as there are servers unless given.
    """
    ledger = run.ledger
    if not run.request.more_time:
        ledger.given_up = KnownGivenUp(run)
    worker = worker_name(ledger.run_id)
    claiming = claims(ledger.store, repo=ledger.repo, worker=worker, made=ledger.check_duplicate)
    return make_scheduler(
        run.settings,
        strategies,
        ledger,
        (claiming, *middleware, *kept_proofs(run)),
        prover=run.pool,
        servers=at_once or run.servers.count,
        limits=limits,
        throttle=make_throttle(run.settings, background=run.request.background),
    )


def kept_proofs(run: Run) -> tuple[Middleware, ...]:
    """What a proof goes through where it is found: the owner's rules, and made shorter."""
    shorter = () if run.settings.profile is Profile.STUB else (shortening(run.pool),)
    return (owner_rules(run.repository.rules), *shorter)


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
        slots=Slots(
            settings.max_light,
            settings.max_heavy,
            servers,
            prover.distance if isinstance(prover, Pool) and prover.imports_by_header else None,
        ),
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
