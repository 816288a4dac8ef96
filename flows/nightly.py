"""The whole job: from a repository to a verified patch, a report, and a blueprint that tells the truth."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from time import monotonic
from typing import Any

from prefect import flow

from orchestrator.config import Profile, load_settings
from orchestrator.errors import PublishError
from orchestrator.gate.selection import GateReport
from orchestrator.goals.events import Notice, RunFinished, StageStarted, notify, unseen
from orchestrator.goals.result import Result
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.ledger.workers import worker_name
from orchestrator.marketplace.trade import MarketOutcome
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.store import chooser, retrievers
from orchestrator.run.assembly import (
    Beginning,
    make_scheduler,
    make_throttle,
    night_order,
    open_ledger,
    recorded_run,
    run_config,
    summarise,
    with_budget,
)
from orchestrator.run.outcomes import goal_reports, proofs_of
from orchestrator.run.publish.commits import plan_commits
from orchestrator.run.report.files import check_folder
from orchestrator.run.request import Publish, RunRequest
from orchestrator.run.stop import WorkToDo, stoppable
from orchestrator.run.triage.changes import goals_at, touched_goals
from orchestrator.scheduler.claims import claims, release_left_over
from orchestrator.scheduler.middleware import owner_rules
from orchestrator.scheduler.time_limits import NO_MORE, TimeLimits, growth_from
from orchestrator.source.owner_rules import load_rules
from orchestrator.strategies.dojo_prover import dojo_prover
from orchestrator.strategies.local_context import declarations_seen, definitions_seen
from orchestrator.strategies.registry import make_strategies, neglected_models
from orchestrator.text import counted
from tasks.alone import alone, stop_at_attempts, watched
from tasks.artifacts import progress_artifact, run_link
from tasks.attempt import prefect_task
from tasks.checkout import check_out
from tasks.extract import extract_goals
from tasks.limits import ensure_limits
from tasks.premises import open_premises
from tasks.publish import make_patch, publish_run
from tasks.record import record
from tasks.report import report
from tasks.request import read_order
from tasks.retry_refused import ask_once_more
from tasks.set_up_lean import set_up_lean
from tasks.supply import supply_lemmas
from tasks.sync_blueprint import sync_blueprint
from tasks.triage import modules_changed, other_branches, triage
from tasks.verify import verify_proofs


@flow(name="nightly", flow_run_name="nightly {repo}{project} {ref}", persist_result=False, validate_parameters=False)
async def nightly(
    repo: str = "",
    ref: str = "",
    profile: int | None = None,
    budget_seconds: float | None = None,
    out: str = "",
    project: str = "",
    publish: str = "",
    background: bool = False,
    more_time: bool = False,
    only: str = "",
) -> dict[str, object]:
    """Prove what can be proved in a repository.

    SIGINT and SIGTERM stop it in order: nothing new is tried, and what was found is verified, written and recorded.

    Args:
        repo: local path or URL; "" for that of `project`.
        ref: branch, tag or commit; "" for that of `project`, else HEAD.
        profile: 0 stub workers, 1 normal, 2 thorough.
        budget_seconds: how long strategies may work; None for no limit.
        out: folder for summary.json, proofs.patch, blueprint.patch, report.md and attempts.jsonl; "" for none.
        project: name of a LeanProject block, which says what is not said here.
        publish: patch, branch or pr.
        background: hold back while the machine is busy, and try one strategy on a goal at a time.
        more_time: give what ran out of time before twice as much; else nothing is tried again that has not changed.
        only: the goal at `FILE:LINE` alone; "" for every goal.

    Returns:
        The content of summary.json.

    Raises:
        OrchestratorError: nothing could be done; the message says what to do next.
        StoppedError: asked to stop before there was anything to verify, or asked twice.
    """
    order = await read_order(
        project=project,
        repo=repo,
        ref=ref,
        profile=profile,
        budget_seconds=budget_seconds,
        out=out,
        publish=publish,
        background=background,
        more_time=more_time,
        only=only,
    )
    return await run_order(order)


async def without_work(**asked: Any) -> dict[str, object] | None:
    """The run without Prefect, as far as nothing is to be done: the content of summary.json, or None when there is.

    `asked` is what `nightly` takes, without a block. For when Prefect's server is yet to start: of a repository that
    has not changed everything is known.

    Raises:
        OrchestratorError: as `run_order` does.
    """
    try:
        with alone(), unseen() as events:
            summary = await run_order(await read_order(**asked))
    except WorkToDo:
        return None
    for event in events:
        notify(event)
    return summary


async def run_order(order: RunRequest) -> dict[str, object]:
    """The order of stages, for whatever a run is asked to do; the content of summary.json.

    Raises:
        OrchestratorError: nothing could be done. What could not be published is written all the same.
    """
    started = Beginning()
    settings = load_settings(**order.settings)
    paths = settings.paths
    check_folder(order.out)
    answers = ContentCache(paths.answers)
    async with stoppable() as stop, AsyncExitStack() as held:
        store = held.enter_context(open_ledger(settings, paths))
        checkout, project = await check_out(order.repo, order.ref, settings, paths)
        rules = load_rules(checkout.path)
        settings = with_budget(settings, rules)
        axioms = rules.allowed_axioms | settings.allowed_axioms
        servers = watched(await set_up_lean(settings, paths, project, order.repo))
        ledger = held.enter_context(
            recorded_run(store, settings, checkout, project, lean=servers.identity, stop=stop, link=run_link())
        )
        pool = await held.enter_async_context(servers.pool(project))
        extraction = await extract_goals(project, pool, servers.identity, answers)
        considered = goals_at(extraction.goals, order.only) if order.only else extraction.goals
        if order.since:
            changed = await modules_changed(checkout, project, order.since, paths.checkouts)
            considered = touched_goals(considered, extraction.declarations, changed)
        # A branch of ours is written anew from what this run proves: then nothing that is on it may be left out.
        ours = rules.publish_branch if order.publish is Publish.PATCH else ""
        branches = await other_branches(checkout, rules.branches, paths.checkouts, ours=ours)
        looking = pool if settings.counterexamples and settings.profile is not Profile.STUB else None
        found = await triage(considered, project, rules, branches, looking, ledger, servers.identity, answers)
        goals = night_order(
            [goal for goal in considered if goal.id not in found.left and goal.id not in found.false],
            project,
            extraction,
            store,
            ledger,
        )
        library = await open_premises(settings, paths, servers, goals, background=order.background)
        premises = premises_seen(project, extraction)
        choose = chooser(library, premises)
        usual = settings.timeouts
        limits = (
            TimeLimits(settings, growth_from(store, ledger.environment, usual))
            if order.more_time
            else TimeLimits(settings)
        )
        for words in neglected_models(settings):
            notify(Notice(words))
        strategies = make_strategies(
            settings,
            pool,
            definitions_seen(project, extraction),
            declarations_seen(project, extraction),
            choose=choose,
            ledger=ledger,
            project=project,
            retriever=retrievers(library, premises),
            whole_states=dojo_prover(checkout, project, pool, lambda words: notify(Notice(words)))
            if settings.dojo
            else None,
        )
        stop_at_attempts(goals, strategies, ledger, lambda goal, kind: NO_MORE * limits.enough(goal, kind))
        ledger.add_goals(considered)  # after the order, which asks what is new
        release_left_over(store, repo=ledger.repo)
        await ensure_limits(settings, flow=nightly.name)
        scheduler = make_scheduler(
            settings,
            strategies,
            ledger,
            (
                owner_rules(rules),
                claims(store, repo=ledger.repo, worker=worker_name(ledger.run_id), made=ledger.check_duplicate),
                prefect_task(settings),
            ),
            prover=pool,
            servers=servers.count,
            limits=limits,
            throttle=make_throttle(settings, background=order.background),
        )
        notify(StageStarted("prove", counted(len(goals), "goal"), len(goals)))
        began = monotonic()
        stop.ends_with(scheduler.shutdown)
        async with progress_artifact(len(goals)):
            results = await scheduler.process_queue(goals)
        trading = MarketOutcome()
        if settings.market and settings.profile is not Profile.STUB:
            limit = settings.timeout
            trading = await supply_lemmas(
                project,
                extraction,
                results,
                settings,
                servers,
                pool,
                ledger,
                answers,
                None if limit is None else limit - (monotonic() - began),
                choose=choose,
                among=frozenset(goal.id for goal in goals),
            )
        results = {**results, **trading.results}

        async def judge(proved: Mapping[str, Result]) -> GateReport:
            return await verify_proofs(project, extraction, proofs_of(goals, proved), servers, answers, axioms)

        gate = await judge(results)
        if not stop.requests and settings.timeout is None:
            results, gate = await ask_once_more(
                goals, results, gate, prove=scheduler.process_queue, judge=judge, ledger=ledger
            )
        update = await sync_blueprint(project, extraction, gate, pool, servers.identity, answers, axioms)
        reports = goal_reports(considered, results, gate, left=found.left, false=found.false)
        record(ledger, reports, update)
        patch = make_patch(project, gate)
        summary = summarise(
            checkout,
            project,
            extraction,
            reports,
            update,
            ledger,
            started,
            run_config(settings),
            servers,
            trading.trades,
        )
        commits = plan_commits(reports, {m.path: m.text for m in project.modules}, blueprint=update.texts)
        refused: PublishError | None = None
        try:
            done = await publish_run(order, checkout, commits, summary.to_dict(), rules.publish_branch)
        except PublishError as error:
            refused, done = error, (f"not published: {error}",)
        summary = replace(summary, notes=(*summary.notes, *done))
        await report(summary, patch, update.patch, order.out)
    finished = summary.to_dict()
    notify(RunFinished(finished))
    if refused is not None:
        raise refused
    return finished
