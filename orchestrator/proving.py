"""`orchestrator prove`: runs the nightly flow in this process and shows how it goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestrator.observer import observed_by
from orchestrator.terminal import RunDisplay, show_summary


def prove_repository(
    repo: str, *, ref: str, out: Path, profile: int, timeout: float | None, console: Console
) -> dict[str, Any]:
    """Run the flow, show its progress and its summary; return the content of summary.json.

    Raises:
        OrchestratorError: nothing could be done.
    """
    from flows.nightly import nightly

    display = RunDisplay(console)
    with display.running(), observed_by(display):
        summary: dict[str, Any] = asyncio.run(nightly(repo, ref, profile=profile, budget_seconds=timeout, out=str(out)))
    show_summary(console, summary, out)
    return summary
