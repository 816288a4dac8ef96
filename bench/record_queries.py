"""Records what a retriever is asked for each goal of the bank: `python -m bench.record_queries` (minutes of Lean)."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from bench.bank import BankGoal, bank_project, load_bank
from bench.command import run_command
from bench.queries import QUERIES_PATH, Asked, write_queries
from orchestrator.config import load_settings
from orchestrator.lean.extraction import extract
from orchestrator.lean.pool import Pool
from orchestrator.lean.servers import Servers, choose_lean, provision
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.retrieval import Query
from orchestrator.source.project import Project


async def record(servers: Servers, bank: Sequence[BankGoal]) -> tuple[Asked, ...]:
    """The queries of these goals, in their order.

    Raises:
        SessionError: Lean broke.
    """
    project = bank_project(bank)
    async with servers.fresh(project) as workspace:
        extraction = await extract(workspace, project.modules)
    goals = {goal.module: goal for goal in extraction.goals}
    seen_by = premises_seen(project, extraction)
    asked = []
    async with Pool([servers.session()], project) as pool:
        for entry in bank:
            goal = goals[entry.name]
            async with pool.open(goal) as context:
                mentions = await context.mentions()
            seen = seen_by(goal)
            query = Query(goal.text, without=seen.later, mentions=mentions, behind=seen.behind(mentions))
            own = tuple(sorted((p for p in seen.premises if p.name not in seen.later), key=lambda p: p.name))
            asked.append(Asked(entry, query, own))
    return tuple(asked)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.record_queries", description=__doc__)
    parser.add_argument("--file", type=Path, default=QUERIES_PATH, help="where to write (default: %(default)s)")
    options = parser.parse_args()
    settings = load_settings(start_timeout=600)
    paths = settings.paths
    servers = provision(settings, paths, choose_lean(settings, paths, Project("none", "/nowhere")))
    asked = asyncio.run(record(servers, load_bank()))
    write_queries(asked, options.file)
    print(f"{len(asked)} queries in {options.file}")
    return 0


if __name__ == "__main__":
    run_command(main)
