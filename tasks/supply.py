"""Stage: the lemma marketplace. Stuck goals ask for lemmas, suppliers prove them, the goals are closed with them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from orchestrator.config import Settings
from orchestrator.goals.events import StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.pool import Pool
from orchestrator.lean.servers import Servers
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.marketplace.answers import MarketAnswers
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.marketplace.session import MarketLimits, MarketSession, StubProver
from orchestrator.marketplace.trade import MarketOutcome
from orchestrator.premises.retrieval import Choose
from orchestrator.run.assembly import make_scheduler
from orchestrator.run.ledger import RunLedger
from orchestrator.run.outcomes import left_alone
from orchestrator.source.project import Project
from orchestrator.strategies.local_context import declarations_seen, definitions_seen
from orchestrator.strategies.registry import make_strategies
from orchestrator.text import counted
from tasks.attempt import prefect_task
from tasks.stage import stage

LONGEST_SECONDS = 1800.0
"""What the marketplace may take in a run without a limit."""


@stage("market")
async def supply_lemmas(
    project: Project,
    extraction: Extraction,
    results: Mapping[str, Result],
    settings: Settings,
    servers: Servers,
    pool: Pool,
    ledger: RunLedger,
    answers: ContentCache,
    seconds: float | None,
    *,
    choose: Choose,
    ask: bool = True,
    among: frozenset[str] | None = None,
) -> MarketOutcome:
    """Trade on the marketplace for the goals that are still open.

    Args:
        project, extraction: what is worked on.
        results: what the strategies said of the goals, by id.
        settings, servers, pool: what it is worked on with.
        ledger: the run's, with the tickets in its store.
        answers: what earlier runs have found out.
        seconds: how long it may take; None for no limit of the run's own.
        choose: premises of the library for a goal.
        among: ids of the goals that are worked on; all that a run works on unless given.
        ask: whether goals that are stuck ask for lemmas; else only what is asked for already is supplied.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    worked_on = {goal.id: goal for goal in extraction.goals if _wanted(goal, among)}
    answered = {key: results.get(key) for key in worked_on}
    stuck = {key: result for key, result in answered.items() if ask and (result is None or not result.success)}
    waiting = ledger.store.tickets(repo=ledger.repo, limit=1)
    if not (stuck or waiting) or ledger.stop.requests or (seconds is not None and seconds <= 0):
        return MarketOutcome()
    known = MarketAnswers(answers, project, servers.identity)
    spending = [f"{kind} {ledger.configuration(kind)} {most}" for kind, most in settings.timeouts.items()]
    settled = known.settled(stuck, ledger.store.tickets(repo=ledger.repo), spending)
    if settled is not None:
        return MarketOutcome(trades=settled)
    notify(StageStarted("market", f"{counted(len(stuck), 'goal')} still open" if ask else "open tickets"))
    definitions = definitions_seen(project, extraction)
    declarations = declarations_seen(project, extraction)
    started = time.monotonic()
    budget = LONGEST_SECONDS if seconds is None else seconds
    judging = servers.session()
    one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def alone(variant: Project, preamble: str) -> AsyncIterator[Workspace]:
        # One process for all lemmas of the stage, in which no strategy works; the run's gate starts fresh ones.
        async with one_at_a_time:
            yield Workspace(judging, variant, preamble=preamble)

    async def prove(goals: Sequence[Goal], prover: StubProver) -> Mapping[str, Result]:
        left = max(1.0, budget - (time.monotonic() - started))
        limited = settings.model_copy(update={"timeout": left})
        strategies = make_strategies(limited, prover, definitions, declarations, choose=choose)
        scheduler = make_scheduler(
            limited,
            strategies,
            ledger,
            (prefect_task(limited),),
            prover=prover,
            servers=servers.count,
        )
        ledger.stop.ends_with(scheduler.shutdown)
        return await scheduler.process_queue(goals)

    checker = LeanChecker(pool, alone, extraction.goals, lean=servers.identity)
    limits = MarketLimits(
        run_id=ledger.run_id,
        seconds=budget if not math.isinf(budget) else LONGEST_SECONDS,
        stopping=lambda: bool(ledger.stop.requests),
    )
    session = MarketSession(
        Marketplace(ledger.store, checker, repo=ledger.repo),
        pool,
        checker,
        worked_on,
        definitions=definitions,
        prove=prove,
        answers=known,
        limits=limits,
    )
    try:
        outcome = await session.run(stuck)
        if session.settled:
            left = [key for key in stuck if key not in outcome.results]
            known.note_settled(left, ledger.store.tickets(repo=ledger.repo), spending, outcome.trades)
        return outcome
    finally:
        await judging.close()


def _wanted(goal: Goal, among: frozenset[str] | None) -> bool:
    return not left_alone(goal) if among is None else goal.id in among
