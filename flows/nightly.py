"""The whole job: from a repository to a verified patch, a report, and a blueprint that tells the truth."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime

from prefect import flow

from orchestrator.composition import make_scheduler, make_strategies, open_ledger, recorded_run, run_config, summarise
from orchestrator.config import Profile, load_settings
from orchestrator.content_cache import ContentCache
from orchestrator.observer import RunFinished, StageStarted, notify
from orchestrator.outputs import check_folder
from orchestrator.paths import find_paths
from orchestrator.stages import counted, definitions_seen, goal_reports, left_alone, proofs_of
from orchestrator.stopping import stoppable
from orchestrator.summary import to_dict
from tasks.attempt import attempts_as_tasks
from tasks.checkout import check_out
from tasks.extract import extract_goals
from tasks.progress import progress_artifact
from tasks.publish import make_patch
from tasks.record import record
from tasks.report import report
from tasks.set_up_lean import set_up_lean
from tasks.sync_blueprint import sync_blueprint
from tasks.verify import verify_proofs


@flow(name="nightly", flow_run_name="nightly {repo} {ref}", persist_result=False, validate_parameters=False)
async def nightly(
    repo: str, ref: str = "HEAD", profile: int = 1, budget_seconds: float | None = None, out: str = ""
) -> dict[str, object]:
    """Prove what can be proved in a repository.

    SIGINT and SIGTERM stop it in order: nothing new is tried, and what was found is verified, written and recorded.

    Args:
        repo: local path or URL.
        ref: branch, tag or commit.
        profile: 0 stub workers, 1 normal, 2 thorough.
        budget_seconds: how long strategies may work; None for no limit.
        out: folder for summary.json, proofs.patch, blueprint.patch, report.md and attempts.jsonl; "" for none.

    Returns:
        The content of summary.json.

    Raises:
        OrchestratorError: nothing could be done; the message says what to do next.
        StoppedError: asked to stop before there was anything to verify, or asked twice.
    """
    started = datetime.now(UTC)
    settings = load_settings(profile=Profile(profile), timeout=budget_seconds)
    paths = find_paths(settings.paths)
    check_folder(out)
    answers = ContentCache(paths.answers)
    async with stoppable() as stop, AsyncExitStack() as held:
        store = held.enter_context(open_ledger(settings, paths))
        checkout, project = await check_out(repo, ref, paths.checkouts)
        servers = await set_up_lean(settings, paths, project)
        ledger = held.enter_context(recorded_run(store, settings, checkout, project, lean=servers.identity, stop=stop))
        pool = await held.enter_async_context(servers.pool(project))
        extraction = await extract_goals(project, pool, servers.identity, answers)
        goals = [goal for goal in extraction.goals if not left_alone(goal)]
        ledger.add_goals(extraction.goals)
        strategies = make_strategies(settings, pool, definitions_seen(project, extraction))
        scheduler = make_scheduler(
            settings,
            strategies,
            ledger,
            prover=pool,
            servers=servers.count,
            run_attempt=attempts_as_tasks(strategies, lambda goal: scheduler.weight(goal)),
        )
        notify(StageStarted("prove", counted(len(goals), "goal"), len(goals)))
        stop.ends_with(scheduler.shutdown)
        async with progress_artifact(len(goals)):
            results = await scheduler.process_queue(goals)
        gate = await verify_proofs(project, extraction, proofs_of(goals, results), servers, answers)
        update = await sync_blueprint(project, extraction, gate, pool, servers.identity, answers)
        reports = goal_reports(extraction.goals, results, gate)
        record(ledger, reports, update)
        patch = make_patch(project, gate.texts)
        summary = summarise(
            checkout, project, extraction, reports, update, ledger, started, run_config(settings), servers
        )
        await report(summary, patch, update.patch, out)
    finished = to_dict(summary)
    notify(RunFinished(finished))
    return finished
