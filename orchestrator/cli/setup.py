"""`orchestrator setup`: everything a Prefect server needs to run our flows, in one command that can be repeated."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from orchestrator.cli.automations import make_automations
from orchestrator.cli.output import AsJson, print_json
from orchestrator.cli.registration import DEFAULT_BLOCK, POOL, deploy, our_deployments, register
from orchestrator.cli.terminal import make_console, say
from orchestrator.config import load_settings, set_prefect_defaults


def setup(
    *,
    repo: Annotated[str, Parameter(help="Repository of the default Lean project; needed the first time only.")] = "",
    source: Annotated[
        str, Parameter(help="Repository that workers clone the flows from; the folder of this installation if empty.")
    ] = "",
    timezone: Annotated[str, Parameter(help="Time zone of the nightly schedule, such as Europe/Berlin.")] = "UTC",
    limits: Annotated[
        Literal["auto", "on", "off"],
        Parameter(help="Whether the server holds the light and heavy limits; auto: if PostgreSQL is behind it."),
    ] = "auto",
    with_automations: Annotated[
        bool,
        Parameter(negative="", help="Have the server end runs that died, and cancel nights that begin hours late."),
    ] = False,
    json_: AsJson = False,
) -> int:
    """Register blocks, limits, the work pool and the deployments on the Prefect server of PREFECT_API_URL.

    Running it again changes nothing that is already right; blocks that exist keep their values. Then start a worker on
    every machine: `orchestrator worker`. The automation that ends dead runs goes by their signs of life, which that
    command has them give, or PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30 on a worker of your own.

    Examples
    --------
    PREFECT_API_URL=http://127.0.0.1:4200/api orchestrator setup --repo https://github.com/owner/project
    orchestrator worker
    prefect deployment run nightly/nightly --watch
    """
    set_prefect_defaults()
    done = asyncio.run(register(load_settings(limits=limits), {DEFAULT_BLOCK: repo} if repo else {}))
    done["deployments"] = deploy(our_deployments(), source=source, timezone=timezone)
    done["automations"] = asyncio.run(make_automations()) if with_automations else []
    if json_:
        print_json(done)
    else:
        _show(make_console(), done)
    return 0


def _show(console: Console, done: dict[str, Any]) -> None:
    kept = ", ".join(f"{tag} {limit}" for tag, limit in done["limits"].items())
    words = {**done, "limits": kept or "held by each run by itself (no PostgreSQL behind the server)"}
    for name in ("server", "limits", "work_pool", "blocks", "deployments", "automations"):
        value = words[name] if isinstance(words[name], str) else ", ".join(words[name]) or "none"
        say(console, "green", name.replace("_", " "), value)
    say(console, "bold", "next:", f"orchestrator worker   # or: prefect worker start --pool {POOL}")
