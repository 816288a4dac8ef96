"""What a run needs to work with, put together from settings, and what it comes to at its end."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from orchestrator.blueprint.update import BlueprintUpdate
from orchestrator.config import Profile, Settings
from orchestrator.lean.extraction import Extraction
from orchestrator.ledger.records import RunStatus
from orchestrator.ledger.store import Ledger
from orchestrator.observer import notify, observed_by
from orchestrator.outputs import check_folder
from orchestrator.paths import Paths
from orchestrator.provision import Servers
from orchestrator.repo.checkout import Checkout
from orchestrator.repo.origin import open_origin
from orchestrator.result import StrategyType
from orchestrator.run_ledger import RunLedger
from orchestrator.run_progress import RunProgress
from orchestrator.scheduler import Scheduler
from orchestrator.scheduling.ports import RunAttempt, Weight
from orchestrator.scheduling.server_slots import ServerSlots
from orchestrator.source import Project, excerpt
from orchestrator.stopping import Stop
from orchestrator.strategies.base import Prover, Strategy, replay
from orchestrator.strategies.micro import Definitions, Micro
from orchestrator.strategies.stub import stub_strategies
from orchestrator.summary import GoalReport, Summary, to_dict

# Opening a goal may mean starting a server and replaying files, which no strategy's time is charged for.
OPENING_SECONDS = 600.0


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
    ledger: Ledger, settings: Settings, checkout: Checkout, project: Project, *, lean: str, stop: Stop
) -> Iterator[RunLedger]:
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

    @cache
    def environment(module: str) -> str:
        return hashlib.sha256(f"{lean}\x00{project.environment_digest(module)}".encode()).hexdigest()

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
    finally:
        ledger.finish_run(run_id, status=RunStatus.STOPPED if stop.requests else status, totals=view.totals)


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
    prover: Prover,
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
        replay=None if settings.profile is Profile.STUB else partial(replay, prover),
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


def summarise(
    checkout: Checkout,
    project: Project,
    extraction: Extraction,
    reports: Sequence[GoalReport],
    update: BlueprintUpdate,
    ledger: RunLedger,
    started: datetime,
    config: Mapping[str, object],
    servers: Servers,
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
        started=started,
        wall_seconds=(datetime.now(UTC) - started).total_seconds(),
        goals=reports,
        attempts=tuple(ledger.made),
        config=config,
        problems=(*project.problems, *extraction.problems),
        notes=notes,
        blueprint=update.marks,
        lean=servers.description,
        stopped=ledger.stop.reason,
    )
    counted = to_dict(summary)
    ledger.totals = {key: counted[key] for key in ("goals_total", "goals_processed", "goals_solved")}
    return summary
