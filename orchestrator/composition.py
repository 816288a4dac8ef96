"""What a run needs to work with, put together from settings: ledger, servers, strategies, scheduler."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from orchestrator.config import Profile, Settings
from orchestrator.goal import Goal
from orchestrator.ledger.records import RunStatus
from orchestrator.ledger.store import Ledger
from orchestrator.observer import notify
from orchestrator.paths import Paths
from orchestrator.repo.checkout import Checkout
from orchestrator.result import StrategyType
from orchestrator.run_ledger import RunLedger
from orchestrator.scheduler import Scheduler
from orchestrator.scheduling.ports import RunAttempt, Weight
from orchestrator.scheduling.server_slots import ServerSlots
from orchestrator.source import Project
from orchestrator.strategies.base import Prover, Strategy
from orchestrator.strategies.micro import Definitions, Micro
from orchestrator.strategies.stub import stub_strategies

# Opening a goal may mean starting a server and replaying files, which no strategy's time is charged for.
OPENING_SECONDS = 600.0


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
def recorded_run(ledger: Ledger, settings: Settings, checkout: Checkout, project: Project) -> Iterator[RunLedger]:
    """A run in the ledger, from its start to its end, whatever happens in between.

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
        configuration=run_config(settings),
    )
    digests: dict[str, str] = {}

    def environment(goal: Goal) -> str:
        if goal.module not in digests:
            digests[goal.module] = project.environment_digest(goal.module)
        return digests[goal.module]

    view = RunLedger(ledger, run_id, checkout.source, checkout.commit, settings, environment)
    status = RunStatus.FAILED
    try:
        yield view
        status = RunStatus.STOPPED if view.stopped else RunStatus.FINISHED
    finally:
        ledger.finish_run(run_id, status=status, totals=view.totals)


def make_strategies(settings: Settings, prover: Prover, definitions: Definitions) -> Mapping[StrategyType, Strategy]:
    """The strategies of the profile: stubs that prove nothing, or the real ones."""
    if settings.profile is Profile.STUB:
        return stub_strategies()
    return {StrategyType.MICRO: Micro(prover, definitions=definitions)}


def make_scheduler(
    settings: Settings,
    strategies: Mapping[StrategyType, Strategy],
    ledger: RunLedger,
    *,
    servers: int,
    run_attempt: RunAttempt,
) -> Scheduler:
    """The scheduler of a run: one attempt a server at most, and the light and heavy limits on top."""
    limits = {Weight.LIGHT: settings.scheduler.max_light, Weight.HEAVY: settings.scheduler.max_heavy}
    return Scheduler(
        settings=settings.scheduler,
        strategies=strategies,
        ledger=ledger,
        slots=ServerSlots(limits, servers),
        run_attempt=run_attempt,
        session_retries=0,
        grace_seconds=OPENING_SECONDS,
        on_event=notify,
    )


def run_config(settings: Settings) -> dict[str, object]:
    """The settings that matter, in the results format of the benchmark runner."""
    scheduler = settings.scheduler
    timeout = scheduler.run_timeout_seconds
    return {
        "timeout": None if timeout is None or math.isinf(timeout) else timeout,
        "max_heavy": scheduler.max_heavy,
        "max_light": scheduler.max_light,
        "cpu_target": scheduler.cpu_target,
        "profile": int(settings.profile),
    }
