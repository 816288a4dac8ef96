"""The marketplace alone: open tickets of a repository are supplied, and the goals that wait for them are closed."""

from __future__ import annotations

from prefect import flow

from orchestrator.config import Profile, load_settings
from orchestrator.goals.events import RunFinished, notify
from orchestrator.premises.store import corpus_imports
from orchestrator.run.outcomes import goal_reports
from orchestrator.run.report.files import check_folder
from orchestrator.run.request import RunRequest
from orchestrator.run.run import Beginning
from orchestrator.run.stop import stoppable
from tasks.begin import beginning
from tasks.judge import judged, make_patch, record, sync_blueprint
from tasks.premises import open_premises
from tasks.report import report
from tasks.supply import supply_lemmas


@flow(name="supply", flow_run_name="supply {repo} {ref}", persist_result=False, validate_parameters=False)
async def supply(
    repo: str, ref: str = "HEAD", profile: int = 1, budget_seconds: float | None = None, out: str = ""
) -> dict[str, object]:
    """Work off the open tickets of a repository, the most urgent first, with every strategy as supplier.

    Goals are not tried by themselves; those that wait for a lemma which is there now are closed with it, verified and
    written, as in the nightly run.

    Args:
        repo: local path or URL.
        ref: branch, tag or commit.
        profile: 1 normal, 2 thorough.
        budget_seconds: how long suppliers may work; None for no limit.
        out: folder for the results; "" for none.

    Returns:
        The content of summary.json.

    Raises:
        OrchestratorError: nothing could be done; the message says what to do next.
        StoppedError: asked to stop before there was anything to verify, or asked twice.
    """
    started, settings = Beginning(), load_settings(profile=Profile(profile), timeout=budget_seconds)
    check_folder(out)
    request = RunRequest(repo=repo, ref=ref, out=out)
    async with stoppable() as stop, beginning(request, settings, stop) as run:
        goals = run.extraction.goals
        library = await open_premises(
            run.settings, run.servers, goals, imports=corpus_imports(run.servers, run.project)
        )
        stop.ends_with(lambda: None)  # the stage looks at the request between two steps
        outcome = await supply_lemmas(run, {}, run.budget, library, ask=False)
        gate = await judged(run, goals, outcome.results)
        update = await sync_blueprint(run, gate)
        reports = goal_reports(goals, outcome.results, gate)
        record(run.ledger, [entry for entry in reports if entry.result is not None], update)
        end = make_patch(run, started, reports, gate, update, outcome.trades)
        end = await report(end, out)
    finished = end.summary.to_dict()
    notify(RunFinished(finished))
    return finished
