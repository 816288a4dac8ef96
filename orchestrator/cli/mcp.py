"""`orchestrator mcp`: the goals, the gate and the marketplace of a repository as tools for coding agents."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from orchestrator.cli.dashboard import ANYWHERE, is_local
from orchestrator.cli.output import Reference, Repository, absolute, open_ledger
from orchestrator.cli.terminal import make_console, say, tell
from orchestrator.config import load_settings
from orchestrator.errors import ConfigError


def mcp(
    repo: Repository = ".",
    *,
    ref: Reference = "HEAD",
    http: Annotated[bool, Parameter(negative="", help="Serve streamable HTTP instead of standard input.")] = False,
    host: Annotated[str, Parameter(help="Address to listen on, with --http.")] = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535), help="Its port; 0 for a free one.")] = 8422,
    allow_host: Annotated[
        tuple[str, ...], Parameter(help="A name that people reach this machine by; may be repeated.", negative="")
    ] = (),
    out: Annotated[Path, Parameter(help="Folder that `prove` writes its results to, to be shown.")] = Path("out"),
) -> int:
    """Let coding agents work on a repository's goals and tickets, over the Model Context Protocol.

    An agent lists goals, tries tactics, looks for counterexamples, and hands proofs in; the gate judges each from
    scratch, and the next run puts those that passed into its patch. Nothing is written to the repository.

    With --http, clients send `Authorization: Bearer TOKEN`: ORCH_DASHBOARD_TOKEN, or one that is made at the start and
    printed. Ctrl-C ends it.

    Examples
    --------
    orchestrator mcp .             # what an agent starts, and talks to by itself
    orchestrator mcp . --http      # http://127.0.0.1:8422/mcp, for several agents
    """
    from orchestrator.run.service.http import serve_http
    from orchestrator.run.service.listening import LOCAL_NAMES
    from orchestrator.run.service.mcp_server import OneToken, make_mcp_server
    from orchestrator.run.service.opening import Results, opened_in_background

    settings = load_settings()
    console = make_console(stderr=True)
    if http and not is_local(host) and not settings.dashboard_token:
        hint = "Set ORCH_DASHBOARD_TOKEN to a secret of 16 characters or more"
        what = "a server that other machines can reach needs a token that you choose"
        raise ConfigError(what, where=f"--host {host}", hint=hint)
    names = {host, *allow_host, *(LOCAL_NAMES if host in ANYWHERE else ())}
    with open_ledger() as ledger, suppress(KeyboardInterrupt):
        results = Results(absolute(out), settings.paths.data, repo)
        token = (settings.dashboard_token or secrets.token_urlsafe(24)) if http else ""

        def ready(url: str) -> None:
            tell(console, f"MCP server: {url}")
            if not settings.dashboard_token:
                tell(console, f"Token:      {token}")
            if not is_local(host):
                say(console, "yellow", "note:", "other machines can reach it, without encryption: see docs/security.md")

        async def work() -> None:
            async with opened_in_background(repo, ref, settings, ledger) as opened:
                server = make_mcp_server(opened, results, access := OneToken(token))
                if not http:
                    await server.run_stdio_async()
                    return
                async with serve_http(server, access, host=host, port=port, names=names) as served:
                    ready(served.url)
                    await served.ended()

        asyncio.run(work())
    return 0
