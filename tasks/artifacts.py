"""Where people find a run in Prefect's own pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from httpx import HTTPError
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.settings import get_current_settings

from orchestrator.goals.events import GoalDone, Notice, Observer, RunEvent, StageStarted, StopRequested, observed_by
from orchestrator.text import harmless, one_line


def run_link() -> str:
    """Where the Prefect UI shows the flow run that is going on; "" when its server has none, as a temporary one."""
    return (flow_run.ui_url or "") if get_current_settings().server.ui.enabled else ""


def run_name() -> str:
    """Name of the flow run that begins: its flow, what it works on, and at which commit or branch, where it is told."""
    given = flow_run.parameters
    what = str(given.get("repo") or given.get("project") or "").rstrip("/").removesuffix(".git").rpartition("/")[2]
    return " ".join(filter(None, (flow_run.flow_name, what, str(given.get("ref") or "")[:40])))


def run_log() -> Observer:
    """Tells the run's story on the page of the flow run that is going on, under Logs."""
    log = get_run_logger()

    def tell(event: RunEvent) -> None:
        match event:
            case StageStarted(stage, detail):
                log.info("%s: %s", stage, harmless(detail))
            case GoalDone(goal, result) if result.success:
                found = "known" if result.known else "found"
                log.info("%s %s: %s", found, one_line(goal.declaration), one_line("\n".join(result.tactics)))
            case Notice(text):
                log.warning("note: %s", harmless(text))
            case StopRequested():
                log.warning("asked to stop: nothing new is tried, and what was found is verified and written")

    return tell


PROGRESS_KEY = "lean-orchestrator-progress"


@asynccontextmanager
async def progress_artifact(goals: int, *, every: float = 5.0) -> AsyncIterator[None]:
    """Inside the block the artifact follows the goals that are done, with one update in `every` seconds at most.

    A Prefect server that does not answer is no reason to stop: then there is no artifact, or an old one.
    """
    done = 0

    def count(event: RunEvent) -> None:
        nonlocal done
        done += isinstance(event, GoalDone)

    def share() -> float:
        return min(100.0, 100.0 * done / goals) if goals else 100.0

    following: asyncio.Task[None] | None = None
    with suppress(HTTPError):
        words = f"Goals done, of {goals}"
        artifact = await acreate_progress_artifact(share(), key=PROGRESS_KEY, description=words)
        following = asyncio.create_task(_follow(share, artifact, every))
    try:
        with observed_by(count):
            yield
    finally:
        if following is not None:
            following.cancel()
            await asyncio.wait([following])
            with suppress(HTTPError):
                await aupdate_progress_artifact(artifact, share())


async def _follow(share: Callable[[], float], artifact: UUID, every: float) -> None:
    shown = share()
    with suppress(HTTPError):
        while True:
            await asyncio.sleep(every)
            if share() != shown:
                shown = share()
                await aupdate_progress_artifact(artifact, shown)
