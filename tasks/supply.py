"""Stage: the lemma marketplace. Stuck goals ask for lemmas, suppliers prove them, the goals are closed with them."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from orchestrator.goals.events import StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.lean.workspace import Workspace
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.marketplace.session import MarketLimits, MarketSession, StubProver
from orchestrator.marketplace.trade import MarketOutcome
from orchestrator.premises.library import Library
from orchestrator.run.assembly import make_scheduler, run_tools
from orchestrator.run.market import known_outcome, market_answers, spending
from orchestrator.run.outcomes import left_alone
from orchestrator.run.run import Run
from orchestrator.source.project import Project
from orchestrator.strategies.local_context import definitions_seen
from orchestrator.strategies.registry import make_strategies
from orchestrator.text import counted
from tasks.attempt import prefect_task
from tasks.stage import stage

LONGEST_SECONDS = 1800.0
"""What the marketplace may take in a run without a limit."""


@stage("market")
async def supply_lemmas(
    run: Run,
    results: Mapping[str, Result],
    share: tuple[float, float],
    library: Library | None,
    *,
    ask: bool = True,
    among: Iterable[Goal] | None = None,
) -> MarketOutcome:
    """Trade on the marketplace for the goals that are still open.

    Args:
        results: what the strategies said of the goals, by id.
        share: how long it may take by itself, and at most if it closes goals; infinite for no limit of the run's own.
        among: the goals that are worked on; all that a run works on unless given.
        ask: whether goals that are stuck ask for lemmas; else only what is asked for already is supplied.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    settings, ledger, servers = run.settings, run.ledger, run.servers
    goals = [goal for goal in run.extraction.goals if not left_alone(goal)] if among is None else among
    worked_on = {goal.id: goal for goal in goals}
    answered = {key: results.get(key) for key in worked_on}
    stuck = {key: result for key, result in answered.items() if ask and (result is None or not result.success)}
    known = known_outcome(run, stuck)
    alone = bool(ask and run.request.only and not stuck)  # one goal was asked for, and it needs nothing
    seconds, most = (LONGEST_SECONDS if math.isinf(each) else each for each in share)
    if known is not None or seconds <= 0 or alone:
        return known or MarketOutcome()
    notify(StageStarted("market", f"{counted(len(stuck), 'goal')} still open" if ask else "open tickets"))
    tools = run_tools(run, library)
    started = time.monotonic()
    answers = market_answers(run)
    idle = [servers.session()]

    @asynccontextmanager
    async def of_this_stage(variant: Project) -> AsyncIterator[Workspace]:
        # Processes in which no strategy works, kept for all lemmas of the stage; the run's gate starts fresh ones.
        session = idle.pop() if idle else servers.session()
        try:
            yield Workspace(session, variant)
        finally:
            idle.append(session)

    async def prove(goals: Sequence[Goal], prover: StubProver) -> Mapping[str, Result]:
        left = max(1.0, seconds - (time.monotonic() - started))
        limited = settings.model_copy(update={"timeout": left})
        strategies = make_strategies(replace(tools, settings=limited, prover=prover))
        middleware = (prefect_task(limited),)
        scheduler = make_scheduler(limited, strategies, ledger, middleware, prover=prover, servers=servers.count)
        ledger.stop.ends_with(scheduler.shutdown)
        return await scheduler.process_queue(goals)

    gate = of_this_stage if servers.native is None else servers.for_gate
    checker = LeanChecker(run.pool, of_this_stage, run.extraction.goals, lean=servers.identity, open_gate=gate)
    limits = MarketLimits(
        run_id=ledger.run_id,
        seconds=seconds,
        most=most,
        useful=ask,
        stopping=lambda: bool(ledger.stop.requests),
    )
    session = MarketSession(
        Marketplace(ledger.store, checker, repo=ledger.repo),
        run.pool,
        checker,
        worked_on,
        definitions=definitions_seen(run.project, run.extraction),
        prove=prove,
        answers=answers,
        limits=limits,
    )
    try:
        outcome = await session.run(stuck)
        if session.settled:
            left = [key for key in stuck if key not in outcome.results]
            spent = spending(run, cut_short=session.cut_short)
            answers.note_settled(left, ledger.store.tickets(repo=ledger.repo), spent, outcome.trades)
        return outcome
    finally:
        for one in idle:
            await one.close()
