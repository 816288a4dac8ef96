"""The whole job: from a repository to a verified patch, a report, and a blueprint that tells the truth."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from prefect import flow

from orchestrator.composition import make_scheduler, make_strategies, open_ledger, recorded_run, run_config
from orchestrator.config import Profile, load_settings
from orchestrator.content_cache import ContentCache
from orchestrator.goal import Goal
from orchestrator.observer import StageProgress, StageStarted, notify
from orchestrator.paths import find_paths
from orchestrator.provision import choose_lean, provision
from orchestrator.result import Result, StrategyType
from orchestrator.scheduling.signals import stop_on_signals
from orchestrator.stages import definitions_seen, goal_reports, left_alone, proofs_of, summarise
from orchestrator.summary import to_dict
from tasks.attempt import attempt
from tasks.checkout import check_out
from tasks.extract import extract_goals
from tasks.publish import make_patch
from tasks.record import record_goals, record_proofs
from tasks.report import report
from tasks.sync_blueprint import sync_blueprint
from tasks.verify import verify_proofs


@flow(name="nightly", flow_run_name="nightly {repo} {ref}", persist_result=False, validate_parameters=False)
async def nightly(
    repo: str, ref: str = "HEAD", profile: int = 1, budget_seconds: float | None = None, out: str = ""
) -> dict[str, object]:
    """Prove what can be proved in a repository.

    Args:
        repo: local path or URL.
        ref: branch, tag or commit.
        profile: 0 stub workers, 1 normal, 2 thorough.
        budget_seconds: how long strategies may work; None for no limit.
        out: folder for summary.json, proofs.patch, blueprint.patch, report.md and attempts.jsonl; "" for none.

    Returns:
        The content of summary.json.

    Raises:
        RepositoryError, LeanError, LedgerError: nothing could be done; the message says what to do next.
    """
    started = datetime.now(UTC)
    settings = load_settings(profile=Profile(profile), timeout=budget_seconds)
    paths = find_paths(settings.paths)
    checkout, project = check_out(repo, ref, paths.checkouts)
    found = choose_lean(settings, paths, project)
    notify(StageStarted("lean", found.why))
    servers = provision(settings, paths, found, progress=lambda stage, done: notify(StageProgress(stage, done)))
    answers = ContentCache(paths.answers)
    with open_ledger(settings, paths) as store, recorded_run(store, settings, checkout, project) as ledger:
        async with servers.pool(project) as pool:
            extraction = await extract_goals(project, pool, servers.identity, answers)
            goals = [goal for goal in extraction.goals if not left_alone(goal)]
            strategies = make_strategies(settings, pool, definitions_seen(project, extraction))

            async def run_attempt(goal: Goal, strategy: StrategyType, timeout: float) -> Result:
                tagged = attempt.with_options(tags=[scheduler.weight(goal).value])
                return await tagged(goal, strategy, timeout, strategies)

            scheduler = make_scheduler(settings, strategies, ledger, servers=servers.count, run_attempt=run_attempt)
            notify(StageStarted("prove", f"{len(goals)} goals on {servers.count} servers"))
            with stop_on_signals(partial(ledger.stop, scheduler.shutdown)):
                results = await scheduler.process_queue(goals)
            gate = await verify_proofs(project, extraction, proofs_of(goals, results), servers, answers)
            update = await sync_blueprint(project, extraction, gate, pool, servers.identity, answers)
        reports = goal_reports(extraction.goals, results, gate)
        record_goals(ledger, reports)
        record_proofs(ledger, gate, results)
        patch = make_patch(project, gate.texts)
        summary = summarise(
            checkout, project, extraction, reports, update, ledger, started, run_config(settings), servers.description
        )
        await report(summary, patch, update.patch, out)
    return to_dict(summary)
