"""Stage: Lean elaborates every module; open places become goals."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from orchestrator.content_cache import ContentCache
from orchestrator.difficulty import estimated_difficulty
from orchestrator.known_answers import known_extraction
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.pool import Pool
from orchestrator.observer import GoalsFound, StageProgress, StageStarted, notify
from orchestrator.source import Project
from orchestrator.stages import left_alone


@task(name="extract", cache_policy=NO_CACHE, persist_result=False)
async def extract_goals(project: Project, pool: Pool, lean: str, answers: ContentCache) -> Extraction:
    """Elaborate the project's modules and collect their goals; an unchanged project costs no Lean."""
    notify(StageStarted("extract", f"{len(project.modules)} modules"))

    async def elaborate() -> Extraction:
        async with pool.workspace() as workspace:
            return await extract(
                workspace,
                project.modules,
                difficulty=estimated_difficulty,
                progress=lambda module: notify(StageProgress(module.path)),
            )

    found = await known_extraction(answers, project, lean, elaborate)
    notify(GoalsFound(sum(not left_alone(goal) for goal in found.goals)))
    return found
