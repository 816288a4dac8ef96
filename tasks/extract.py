"""Stage: Lean elaborates every module; open places become goals."""

from __future__ import annotations

import asyncio
from itertools import count

from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.goals.events import StageProgress, StageStarted, notify
from orchestrator.lean.extraction import Extraction, extract, known_extraction, together
from orchestrator.lean.pool import Pool
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.source.loading import nothing_usable
from orchestrator.source.project import Project
from orchestrator.text import counted
from tasks.stage import stage


@stage("extract")
async def extract_goals(project: Project, pool: Pool, lean: str, answers: ContentCache) -> Extraction:
    """Elaborate the project's modules and collect their goals; an unchanged project costs no Lean.

    Raises:
        RepositoryError: no file elaborates.
    """
    notify(StageStarted("extract", counted(len(project.modules), "file"), len(project.modules)))
    begun = count()

    async def elaborate() -> Extraction:
        # Every server will need the files, so that each of them may as well take some of the goals from here.
        waiting = iter(project.modules)

        async def some() -> Extraction:
            async with pool.workspace() as workspace:
                return await extract(
                    workspace,
                    waiting,
                    difficulty=estimated_difficulty,
                    progress=lambda module: notify(StageProgress(module.path, next(begun))),
                )

        parts = await asyncio.gather(*(some() for _ in range(min(pool.size, len(project.modules)))))
        return together(parts, project.modules)

    found = await known_extraction(answers, project, lean, elaborate)
    if not found.declarations:
        raise nothing_usable(project, (*project.problems, *found.problems))
    return found
