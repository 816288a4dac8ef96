"""`orchestrator dashboard`: the web pages that show what the ledger knows."""

from __future__ import annotations

import ipaddress
import secrets
import webbrowser
from contextlib import suppress
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from orchestrator.cli.terminal import make_console, say, tell
from orchestrator.config import load_settings
from orchestrator.errors import ConfigError

ANYWHERE = ("0.0.0.0", "::")


def dashboard(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on; this machine only unless given.")] = None,
    port: Annotated[
        int | None, Parameter(validator=Number(gte=0, lte=65535), help="Port; 8421 unless given, 0 for a free one.")
    ] = None,
    allow_host: Annotated[
        tuple[str, ...], Parameter(help="A name that people reach this machine by; may be repeated.", negative="")
    ] = (),
    read_only: Annotated[bool, Parameter(negative="", help="Let nobody write, even with a token.")] = False,
    open_: Annotated[bool, Parameter(name="--open", negative="", help="Open it in the browser.")] = False,
) -> int:
    """Show goals, attempts, proofs, runs and the blueprint in the browser, kept up to date while a run goes on.

    Anybody who can reach the address can look. Claiming tickets and handing in proofs takes a token:
    ORCH_DASHBOARD_TOKEN, or one that is made at the start and printed. Ctrl-C ends it.

    Examples
    --------
    orchestrator dashboard                        # http://127.0.0.1:8421, this machine only
    orchestrator dashboard --port 0 --open        # a free port, opened in the browser
    orchestrator dashboard --read-only            # nobody can write
    """
    from orchestrator.dashboard.app import Dashboard, serve
    from orchestrator.dashboard.site import make_site
    from orchestrator.ledger.store import Ledger
    from orchestrator.run.service.listening import LOCAL_NAMES

    settings = load_settings(dashboard_host=host, dashboard_port=port)
    listen, number = settings.dashboard_host, settings.dashboard_port
    if not is_local(listen) and not settings.dashboard_token and not read_only:
        raise ConfigError(
            "a dashboard that other machines can reach needs a token that you choose",
            where=f"--host {listen}",
            hint="Set ORCH_DASHBOARD_TOKEN to a secret of 16 characters or more, or give --read-only",
        )
    token = "" if read_only else settings.dashboard_token or secrets.token_urlsafe(24)
    console = make_console(stderr=True)
    paths = settings.paths
    with Ledger.open(settings.ledger) as ledger:
        hosts = LOCAL_NAMES | {name.lower() for name in allow_host}
        hosts |= frozenset() if listen in ANYWHERE else frozenset({listen.lower()})
        shown = Dashboard(make_site(ledger, settings, paths), token=token, hosts=hosts)

        def ready(url: str) -> None:
            tell(console, f"Dashboard: {url}")
            tell(console, f"Ledger:    {ledger.where}")
            if token and not settings.dashboard_token:
                tell(console, f"Token:     {token}   (to claim tickets and hand in proofs)")
            if not is_local(listen):
                say(console, "yellow", "note:", "other machines can reach it, without encryption: see docs/security.md")
            if open_:
                webbrowser.open(url)

        with suppress(KeyboardInterrupt):
            serve(shown, host=listen, port=number, ready=ready)
    return 0


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
