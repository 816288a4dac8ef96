"""Whether there is anything to do: of a repository that has not changed, all is known from earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from orchestrator.config import Profile, load_settings
from orchestrator.goals.events import RunFinished, StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.lean.extraction import Extraction, recalled_extraction
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.ledger.store import Ledger
from orchestrator.marketplace.trade import MarketOutcome
from orchestrator.run.assembly import (
    night_limits,
    night_scheduler,
    night_strategies,
    recorded,
    run_ledger,
)
from orchestrator.run.conclude import Conclusion, conclude, published, write_results
from orchestrator.run.market import known_outcome
from orchestrator.run.marks import recalled_update
from orchestrator.run.outcomes import goal_reports, proofs_of
from orchestrator.run.report.files import check_folder
from orchestrator.run.report.summary import Summary
from orchestrator.run.request import RunRequest
from orchestrator.run.run import Beginning, Repository, Run
from orchestrator.run.service.desk import AgentDesk
from orchestrator.run.stop import in_background, stoppable
from orchestrator.run.triage.triage import recalled_triage
from orchestrator.run.verify import recalled_verdicts
from orchestrator.scheduler.goal_runner import TRUSTED_RATE
from orchestrator.scheduler.time_limits import NO_MORE, TimeLimits
from orchestrator.source.loading import offers_nothing
from orchestrator.strategies.base import Strategy
from orchestrator.text import counted


async def nothing_to_do(request: RunRequest) -> Summary | None:
    """The summary of a run in which all is known already, with everything it writes; None when there is work.

    It starts no Lean and tries no strategy, and as long as the answer is None it writes nothing down.

    Raises OrchestratorError: as the run itself would.
    """
    started, settings = Beginning(), load_settings(**request.settings)
    check_folder(request.out)
    async with stoppable() as stop:
        with Ledger.open(settings.ledger) as store:
            repository = await in_background(partial(Repository.at, request, settings))
            settings = repository.budgeted(settings, request.usual_budget)
            found = choose_lean(settings, settings.paths, repository.project)
            closed = offers_nothing(repository.project)
            if not found.installed or not (closed or settings.paths.answers.is_dir()):
                return None
            setting_up = partial(provision, settings, settings.paths, found, repository.project, repo=request.repo)
            servers = await in_background(setting_up)
            answers = ContentCache(settings.paths.answers)
            extraction = recalled_extraction(answers, repository.project, servers.identity)
            if closed:
                extraction = Extraction()
            elif extraction is None or not extraction.declarations:
                return None
            ledger = run_ledger(store, settings, repository, lean=servers.identity, stop=stop)
            async with servers.pool(repository.project) as pool:
                run = Run(request, settings, repository, servers, ledger, pool, extraction, answers)
                end = await _known_end(run, started)
    if end is None:
        return None
    finished = end.summary.to_dict()
    notify(RunFinished(finished))
    if end.refused is not None:
        raise end.refused
    return end.summary


async def _known_end(run: Run, started: Beginning) -> Conclusion | None:
    """What the run leaves if nothing is to be found out, else None."""
    found = await recalled_triage(run)
    if found is None:
        return None
    limits, strategies = night_limits(run), night_strategies(run, None, AgentDesk(run))
    scheduler = night_scheduler(run, strategies, limits)
    if any(_worth_trying(run, goal, strategies, limits) and scheduler.worth_trying(goal) for goal in found.goals):
        return None
    known = {goal.id: proof for goal in found.goals if (proof := run.ledger.known_proof(goal)) is not None}
    outcome: MarketOutcome | None = MarketOutcome()
    if run.settings.market and run.settings.profile is not Profile.STUB:
        outcome = known_outcome(run, {goal.id: None for goal in found.goals if goal.id not in known})
    gate = recalled_verdicts(run, proofs_of(found.goals, known))
    update = None if gate is None else recalled_update(run, gate)
    if outcome is None or gate is None or update is None:
        return None
    with recorded(run.ledger, run.repository.checkout):
        run.ledger.add_goals(found.considered)
        notify(StageStarted("prove", counted(len(found.goals), "goal"), len(found.goals)))
        results = await scheduler.process_queue(found.goals)
        reports = goal_reports(found.considered, results, gate, left=found.left, false=found.false)
        run.ledger.record_end(reports, update)
        end = conclude(run, started, reports, gate, update, outcome.trades)
        end = await in_background(partial(published, run, end))
        return write_results(end, run.request.out)


def _worth_trying(run: Run, goal: Goal, strategies: Mapping[StrategyType, Strategy], limits: TimeLimits) -> bool:
    """Whether an attempt on a goal could come to anything new."""
    if run.ledger.known_proof(goal) is not None:
        return False
    if run.ledger.former_proof(goal) is not None:
        return True
    cached = run.ledger.cached_tactics(goal)
    if cached is not None and cached.success_rate > TRUSTED_RATE and run.settings.profile is not Profile.STUB:
        return True
    return any(
        not strategy.available(goal) and not run.ledger.check_duplicate(goal, kind, NO_MORE * limits.enough(goal, kind))
        for kind, strategy in strategies.items()
    )
