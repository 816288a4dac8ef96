"""The benchmark runner: a bank of goals, worked off until the time is over, and what came of each."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, cast

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from bench.bank import bank_entries
from orchestrator.config import Profile, load_settings
from orchestrator.goals.events import RunFinished, StageStarted, notify, observed_by
from orchestrator.goals.result import Result, StrategyType
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.machine import describe_machine, program_commit
from orchestrator.run.assembly import OPENING_SECONDS, make_scheduler, run_config, strategy_tools
from orchestrator.run.bank import BankRun, bank_project, goals_for, goals_without_lean, results_file, results_json
from orchestrator.run.report.files import write_outputs
from orchestrator.run.stop import stoppable
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.memory import MemoryLedger
from orchestrator.scheduler.middleware import Attempt, Handler, time_limit
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.strategies.base import Strategy
from orchestrator.strategies.registry import make_strategies
from orchestrator.strategies.stub import stub_strategies
from orchestrator.text import counted
from tasks.artifacts import run_log, run_name
from tasks.attempt import prefect_task
from tasks.begin import extract_goals, set_up_lean
from tasks.premises import open_premises
from tasks.request import Seconds

Limit = Annotated[int, Field(ge=1)]


@flow(name="bank", flow_run_name=run_name, persist_result=False, validate_parameters=False)
async def bank(
    split: Literal["all", "tune", "held-out"] = "all",
    limit: Limit | None = None,
    file: str = "",
    profile: Literal[0, 1, 2] = 1,
    budget_seconds: Seconds | None = None,
    out: str = "",
) -> dict[str, object]:
    """Run the strategies over a bank of goals, and write bank-YYYYMMDD-HHMMSS.json.

    What was learned elsewhere is not used, and what is learned here is not kept. A proof counts when Lean takes it
    instead of the `sorry`, in the goal's own declaration. Setting Lean up is not counted as time. Stub workers need no
    Lean, and what they call a proof is none.

    Args:
        split: which goals: all, those that were tuned on, or those held out.
        limit: only the first so many; None for all.
        file: path of another bank.jsonl; empty for that of the package.
        profile: 0 stub workers, 1 normal, 2 thorough.
        budget_seconds: how long strategies may work; None for no limit.
        out: folder for the results; empty for `bank` in the data folder.

    Returns:
        The content of the results file.

    Raises:
        OrchestratorError: nothing could be done.
    """
    settings = load_settings(profile=Profile(profile), timeout=budget_seconds)
    paths, entries = settings.paths, bank_entries(split, limit, file)
    made: dict[str, list[tuple[StrategyType, Result]]] = {entry.id: [] for entry in entries}
    strategies: Mapping[StrategyType, Strategy]

    async def noted(attempt: Attempt, run: Handler) -> Result:
        result = await run(attempt)
        made[attempt.goal.id].append((attempt.strategy, result))
        return result

    middleware = (noted, prefect_task(settings))
    async with stoppable() as stop, AsyncExitStack() as held:
        held.enter_context(observed_by(run_log()))
        if settings.profile is Profile.STUB:
            lean, goals, strategies = "", goals_without_lean(entries), stub_strategies()
            context = replace(SchedulerContext.of(settings), strategies=strategies, emit=notify)
            layers = (time_limit(OPENING_SECONDS, context.clock), *middleware)
            scheduler = Scheduler(context, settings=settings, middleware=layers)
        else:
            project = bank_project(entries)
            servers = await set_up_lean(settings, project)
            pool = await held.enter_async_context(servers.pool(project))
            extraction = await extract_goals(project, pool, servers.identity, ContentCache(paths.answers))
            await pool.start()
            lean, goals = servers.description, goals_for(entries, extraction.goals)
            library = await open_premises(settings, servers, goals)
            strategies = make_strategies(strategy_tools(settings, pool, project, extraction, library))
            scheduler = make_scheduler(
                settings,
                strategies,
                MemoryLedger(ema_alpha=settings.ema_alpha),
                middleware,
                prover=pool,
                servers=servers.count,
            )
        stop.ends_with(scheduler.shutdown)
        notify(StageStarted("prove", counted(len(goals), "goal"), len(goals)))
        started, begun = datetime.now(UTC), time.monotonic()
        results = await scheduler.process_queue(goals)
    run = BankRun(
        started=started,
        wall_seconds=time.monotonic() - begun,
        entries=entries,
        results=results,
        attempts=made,
        config=run_config(settings),
        machine=describe_machine(),
        commit=program_commit(),
        lean=lean,
    )
    finished = results_json(run)
    written = write_outputs(Path(out or paths.data / "bank"), {results_file(finished): json.dumps(finished, indent=2)})
    notify(RunFinished(finished))
    solved = f"{finished['goals_solved']} of {counted(len(entries), 'goal')} solved, results: {written[0]}"
    return cast(dict[str, object], Completed(message=solved, data=finished))
