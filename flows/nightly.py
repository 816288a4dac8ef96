"""The whole job: from a repository to a verified patch, a report, and a blueprint that tells the truth."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Literal, cast

from prefect import flow
from prefect.states import Completed

from orchestrator.config import Profile, load_settings
from orchestrator.goals.events import Notice, RunFinished, notify
from orchestrator.marketplace.trade import MarketOutcome
from orchestrator.premises.store import corpus_imports
from orchestrator.run.assembly import night_limits, night_scheduler, night_strategies
from orchestrator.run.conclude import Conclusion, end_message
from orchestrator.run.outcomes import goal_reports
from orchestrator.run.report.files import check_folder, new_folder, prune_folders, runs_folder
from orchestrator.run.request import Asked, RunRequest
from orchestrator.run.run import Beginning
from orchestrator.run.service.desk import AgentDesk
from orchestrator.run.stop import stoppable
from orchestrator.scheduler.claims import release_left_over
from orchestrator.scheduler.plan import USUAL_SECONDS
from orchestrator.strategies.registry import neglected_models
from tasks.artifacts import run_name
from tasks.attempt import attempt_makers, prove_goals
from tasks.begin import beginning
from tasks.judge import (
    judged,
    judged_as_found,
    make_patch,
    publish_proofs,
    record,
    retry_refused,
    sort_goals,
    sync_blueprint,
)
from tasks.limits import ensure_limits
from tasks.premises import add_compiled_theorems, open_premises
from tasks.report import report
from tasks.request import Seconds, read_request
from tasks.supply import supply_lemmas


@flow(name="nightly", flow_run_name=run_name, persist_result=False, validate_parameters=False)
async def nightly(
    repo: str = "",
    ref: str = "",
    profile: Literal[0, 1, 2] | None = None,
    budget_seconds: Seconds | None = None,
    out: str = "",
    project: str = "",
    publish: Literal["", "patch", "branch", "pr"] = "",
    background: bool = False,
    more_time: bool = False,
    only: str = "",
    usual_budget: float = USUAL_SECONDS,
    runner: Literal["", "local", "dask"] = "",
) -> dict[str, object]:
    """Prove what can be proved in a repository.

    SIGINT and SIGTERM stop it in order: nothing new is tried, and what was found is verified, written and recorded.

    Args:
        repo: local path or URL; empty for that of the project.
        ref: branch, tag or commit; empty for that of the project, else HEAD.
        profile: 0 stub workers, 1 normal, 2 thorough.
        budget_seconds: how long strategies may work; None for what the blocks, a setting or the owner say.
        out: folder for summary.json, proofs.patch, blueprint.patch, report.md and attempts.jsonl; empty for that of the
            project, else a new one in the data folder, where those of the last 30 runs of the repository are kept.
        project: name of a Lean project block, which says what is not said here.
        publish: patch: files only; branch: a branch is pushed, too; pr: and a pull request opened; empty for what the
            project says.
        background: hold back while the machine is busy, and try one strategy on a goal at a time.
        more_time: give what ran out of time before twice as much; else nothing is tried again that has not changed.
        only: the goal at `FILE:LINE` alone; empty for every goal.
        usual_budget: how long strategies may work where nobody says it.
        runner: where attempts are made: local, or dask for the workers of a cluster; empty for what a setting says.

    Returns:
        The content of summary.json.

    Raises:
        OrchestratorError: nothing could be done; the message says what to do next.
        StoppedError: asked to stop before there was anything to verify, or asked twice.
    """
    asked = Asked(
        repo=repo,
        ref=ref,
        profile=profile,
        budget_seconds=budget_seconds,
        out=out,
        publish=publish,
        background=background,
        more_time=more_time,
        only=only,
        usual_budget=usual_budget,
        runner=runner,
    )
    request, runs = await read_request(asked, project), None
    if not request.out:
        runs = runs_folder(load_settings(**request.settings).paths.data, request.repo)
        request = replace(request, out=str(new_folder(runs)))
    end = await work(request)
    if runs is not None:
        prune_folders(runs)
    # Prefect answers whoever awaits the flow with the data, and shows the message.
    return cast(dict[str, object], Completed(message=end_message(end), data=end.summary.to_dict()))


async def work(request: RunRequest) -> Conclusion:
    """The stages of a run, in their order.
    Raises OrchestratorError: nothing could be done. What could not be published is written all the same.
    """
    started, settings = Beginning(), load_settings(**request.settings)
    check_folder(request.out)
    async with (
        stoppable() as stop,
        beginning(request, settings, stop) as run,
        AgentDesk(run) as desk,
        AsyncExitStack() as until_judged,
    ):
        found = await sort_goals(run)
        library = await open_premises(
            run.settings,
            run.servers,
            found.goals,
            imports=corpus_imports(run.servers, run.project),
            background=request.background,
        )
        run = await add_compiled_theorems(run, library)
        for words in neglected_models(run.settings):
            notify(Notice(words))
        run.ledger.add_goals(found.considered)  # after the order, which asks what is new
        release_left_over(run.ledger.store, repo=run.ledger.repo)
        await ensure_limits(run.settings, flow=nightly.name)
        strategies = night_strategies(run, library, desk)
        makers = await until_judged.enter_async_context(attempt_makers(run, found.goals))
        scheduler = night_scheduler(run, strategies, night_limits(run), makers.middleware, at_once=makers.at_once)
        stop.ends_with(scheduler.shutdown)
        results = await prove_goals(scheduler, found.goals)
        plan = scheduler.plan
        run.ledger.ended = scheduler.why_it_ended(results)
        results = run.ledger.with_former_proofs(found.goals, results)
        outcome = MarketOutcome()
        if run.settings.market and run.settings.profile is not Profile.STUB:
            share = (plan.seconds_for_lemmas(), plan.seconds - plan.spent)
            outcome = await supply_lemmas(run, results, share, library, among=found.goals)
        results = {**results, **outcome.results}
        judge = partial(judged, run, found.goals)
        gate = await judge(results)
        results, gate = await judged_as_found(found.goals, results, gate, judge=judge, ledger=run.ledger)
        if not stop.requests and plan.spent < plan.seconds:
            prove = partial(scheduler.process_queue, seconds=plan.seconds - plan.spent)
            results, gate = await retry_refused(found.goals, results, gate, prove=prove, judge=judge, ledger=run.ledger)
        update = await sync_blueprint(run, gate)
        reports = goal_reports(found.considered, results, gate, left=found.left, false=found.false)
        record(run.ledger, reports, update)
        end = await publish_proofs(run, make_patch(run, started, reports, gate, update, outcome.trades))
        end = await report(end, request.out)
    notify(RunFinished(end.summary.to_dict()))
    if end.refused is not None:
        raise end.refused
    return end
