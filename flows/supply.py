"""The marketplace alone: open tickets of a repository are supplied, and the goals that wait for them are closed."""

from __future__ import annotations

from typing import Literal, cast

from prefect import flow
from prefect.states import Completed

from orchestrator.config import load_settings
from orchestrator.goals.events import RunFinished, notify
from orchestrator.premises.store import corpus_imports
from orchestrator.run.conclude import end_message
from orchestrator.run.outcomes import goal_reports
from orchestrator.run.report.files import check_folder
from orchestrator.run.request import Asked
from orchestrator.run.run import Beginning
from orchestrator.run.stop import stoppable
from tasks.artifacts import run_name
from tasks.begin import beginning
from tasks.judge import judged, make_patch, record, sync_blueprint
from tasks.premises import open_premises
from tasks.report import report
from tasks.request import Seconds, read_request
from tasks.supply import supply_lemmas


@flow(name="supply", flow_run_name=run_name, persist_result=False, validate_parameters=False)
async def supply(
    repo: str = "",
    ref: str = "",
    profile: Literal[1, 2] | None = None,
    budget_seconds: Seconds | None = None,
    out: str = "",
    project: str = "",
) -> dict[str, object]:
    """Work off the open tickets of a repository, the most urgent first, with every strategy as supplier.

    Goals are not tried by themselves; those that wait for a lemma which is there now are closed with it, verified and
    written, as in the nightly run.

    Args:
        repo: local path or URL; empty for that of the project.
        ref: branch, tag or commit; empty for that of the project, else HEAD.
        profile: 1 normal, 2 thorough.
        budget_seconds: how long suppliers may work; None for what the project says, else half an hour.
        out: folder for the results; empty for that of the project, else none.
        project: name of a Lean project block, which says what is not said here.

    Returns:
        The content of summary.json.

    Raises:
        OrchestratorError: nothing could be done; the message says what to do next.
        StoppedError: asked to stop before there was anything to verify, or asked twice.
    """
    asked = Asked(repo=repo, ref=ref, profile=profile, budget_seconds=budget_seconds, out=out)
    request = await read_request(asked, project)
    started, settings = Beginning(), load_settings(**request.settings)
    check_folder(request.out)
    async with stoppable() as stop, beginning(request, settings, stop) as run:
        goals = run.extraction.goals
        library = await open_premises(
            run.settings, run.servers, goals, imports=corpus_imports(run.servers, run.project)
        )
        stop.ends_with(lambda: None)  # the stage looks at the request between two steps
        outcome = await supply_lemmas(run, {}, (run.budget, run.budget), library, ask=False)
        gate = await judged(run, goals, outcome.results)
        update = await sync_blueprint(run, gate)
        reports = goal_reports(goals, outcome.results, gate)
        record(run.ledger, [entry for entry in reports if entry.result is not None], update)
        end = make_patch(run, started, reports, gate, update, outcome.trades)
        end = await report(end, request.out)
    finished = end.summary.to_dict()
    notify(RunFinished(finished))
    return cast(dict[str, object], Completed(message=end_message(end), data=finished))
