"""`orchestrator bg`: a run that leaves the machine usable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from orchestrator.cli.next_commands import next_commands
from orchestrator.cli.prefect_server import prefect_server, run_flow
from orchestrator.cli.progress import RunDisplay
from orchestrator.cli.terminal import make_console, show_summary
from orchestrator.config import load_settings
from orchestrator.goals.events import observed_by
from orchestrator.run.stop import interruption_held

_NICENESS = 10


def bg(
    repo: Annotated[str, Parameter(help="Folder or URL of a git repository.")] = ".",
    *,
    ref: Annotated[str, Parameter(help="Branch, tag or commit to work on.")] = "HEAD",
    out: Annotated[Path, Parameter(help="Folder for the results.")] = Path("out"),
    timeout: Annotated[float | None, Parameter(help="Seconds that strategies may work; no limit unless given.")] = None,
) -> int:
    """Prove in the background, and keep the machine usable.

    Like `prove`, at a low priority, with one strategy on a goal at a time, and with a pause before each attempt for as
    long as the machine is busier than ORCH_CPU_TARGET (half of it unless set) or short of memory. A repository in which
    nothing has changed costs no Lean. Ctrl-C stops in order.

    Examples
    --------
    orchestrator bg .                       # the repository you stand in
    ORCH_CPU_TARGET=0.25 orchestrator bg .  # take even less
    """
    with interruption_held():
        from orchestrator.run.assembly import preflight

    settings = load_settings(timeout=timeout)
    paths = settings.paths
    out = Path(os.path.abspath(out.expanduser()))
    preflight(repo, out, settings, paths)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # the Lean servers inherit it
    console = make_console()
    display = RunDisplay(console)
    with display.running(), observed_by(display), prefect_server(paths):
        with interruption_held():
            from flows.nightly import nightly

        summary = run_flow(
            lambda: nightly(repo, ref, int(settings.profile), budget_seconds=timeout, out=str(out), background=True)
        )
    show_summary(console, summary, out, next_commands(repo, summary, out))
    return 130 if summary["stopped"] else 0
