"""The marketplace alone: open tickets of a repository are supplied, and the goals that wait for them are closed."""

from __future__ import annotations

from contextlib import AsyncExitStack

from prefect import flow

from orchestrator.config import Profile, load_settings
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.goals.events import RunFinished, notify
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.store import chooser
from orchestrator.run.assembly import Beginning, open_ledger, recorded_run, run_config, summarise
from orchestrator.run.outcomes import goal_reports, proofs_of
from orchestrator.run.report.files import check_folder
from orchestrator.run.stop import stoppable
from tasks.artifacts import run_link
from tasks.checkout import check_out
from tasks.extract import extract_goals
from tasks.premises import open_premises
from tasks.publish import make_patch
from tasks.record import record
from tasks.report import report
from tasks.set_up_lean import set_up_lean
from tasks.supply import supply_lemmas
from tasks.sync_blueprint import sync_blueprint
from tasks.verify import verify_proofs


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
    started = Beginning()
    settings = load_settings(profile=Profile(profile), timeout=budget_seconds)
    paths = settings.paths
    check_folder(out)
    answers = ContentCache(paths.answers)
    axioms = STANDARD_AXIOMS | settings.allowed_axioms
    async with stoppable() as stop, AsyncExitStack() as held:
        store = held.enter_context(open_ledger(settings, paths))
        checkout, project = await check_out(repo, ref, settings, paths)
        servers = await set_up_lean(settings, paths, project, repo)
        ledger = held.enter_context(
            recorded_run(store, settings, checkout, project, lean=servers.identity, stop=stop, link=run_link())
        )
        pool = await held.enter_async_context(servers.pool(project))
        extraction = await extract_goals(project, pool, servers.identity, answers)
        library = await open_premises(settings, paths, servers, extraction.goals)
        stop.ends_with(lambda: None)  # the stage looks at the request between two steps
        traded = await supply_lemmas(
            project,
            extraction,
            {},
            settings,
            servers,
            pool,
            ledger,
            answers,
            budget_seconds,
            choose=chooser(library, premises_seen(project, extraction)),
            ask=False,
        )
        gate = await verify_proofs(
            project, extraction, proofs_of(extraction.goals, traded.results), servers, answers, axioms
        )
        update = await sync_blueprint(project, extraction, gate, pool, servers.identity, answers, axioms)
        reports = goal_reports(extraction.goals, traded.results, gate)
        record(ledger, [entry for entry in reports if entry.result is not None], update)
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
            traded.trades,
        )
        await report(summary, make_patch(project, gate), update.patch, out)
    finished = summary.to_dict()
    notify(RunFinished(finished))
    return finished
