"""The command line: the composition root, and the only file here that may import Prefect and the flows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from orchestrator.advice import next_commands
from orchestrator.commands import lean_app, run_extract, run_verify
from orchestrator.config import Profile, child_environment, load_settings, set_prefect_defaults
from orchestrator.display import RunDisplay
from orchestrator.errors import ConfigError, OrchestratorError, StoppedError
from orchestrator.local_server import LocalServer
from orchestrator.observer import StageStarted, notify, observed_by
from orchestrator.paths import Paths, find_paths
from orchestrator.terminal import make_console, say, show_summary

app = App(
    name="orchestrator",
    help="Prove the sorries of a Lean 4 repository and hand back a verified patch.",
    help_epilogue="Settings come from flags, then from ORCH_… variables (see the README).",
)
app.command(lean_app)

Repository = Annotated[str, Parameter(help="Folder or URL of a git repository.")]
Reference = Annotated[str, Parameter(help="Branch, tag or commit to work on.")]
OtherReference = Annotated[
    str | None, Parameter(name="--ref", help="Branch, tag or commit; the folder as it is unless given.")
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON on standard output.")]


@app.command
def prove(
    repo: Repository,
    *,
    ref: Reference = "HEAD",
    out: Annotated[Path, Parameter(help="Folder for the results.")] = Path("out"),
    profile: Annotated[
        int | None,
        Parameter(validator=Number(gte=0, lte=2), help="0 stub workers, 1 normal (the default), 2 thorough."),
    ] = None,
    timeout: Annotated[float | None, Parameter(help="Seconds that strategies may work; no limit unless given.")] = None,
    json_: AsJson = False,
) -> int:
    """Prove what can be proved, verify it from scratch, and write a patch.

    Writes summary.json, proofs.patch, blueprint.patch, report.md and attempts.jsonl to the output folder. The
    repository itself is not touched. Ctrl-C stops in order: what was found is verified and written.

    Exit code 0 when the run went through, however much it proved, and 130 when it was stopped.

    Examples
    --------
    orchestrator prove .                    # the repository you stand in
    orchestrator prove . --timeout 600      # ten minutes at most
    git apply out/proofs.patch              # take the proofs
    """
    from orchestrator.composition import preflight  # the database's libraries take a second to import

    settings = load_settings(profile=None if profile is None else Profile(profile), timeout=timeout)
    paths = find_paths(settings.paths)
    out = Path(os.path.abspath(out.expanduser()))
    preflight(repo, out, settings, paths)
    console = make_console(stderr=json_)
    display = RunDisplay(console)
    with display.running(), observed_by(display), prefect_server(paths):
        from flows.nightly import nightly

        summary: dict[str, Any] = run_flow(
            lambda: nightly(repo, ref, profile=int(settings.profile), budget_seconds=timeout, out=str(out))
        )
    show_summary(console, summary, out, next_commands(repo, summary, out))
    if json_:
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
    return 130 if summary["stopped"] else 0


@app.command
def extract(repo: Repository, *, ref: OtherReference = None, json_: AsJson = False) -> int:
    """List every open place of a repository, as Lean sees it."""
    return run_extract(repo, ref, as_json=json_, console=make_console(stderr=json_))


@app.command
def verify(
    repo: Repository,
    patch: Annotated[Path, Parameter(help="The patch to judge: proofs.patch of a run, or any other.")],
    *,
    ref: OtherReference = None,
    json_: AsJson = False,
) -> int:
    """Judge a patch from scratch: a verdict for each declaration it proves. Exit code 5 when it must not be used."""
    return run_verify(repo, ref, patch, as_json=json_, console=make_console(stderr=json_))


@contextmanager
def prefect_server(paths: Paths) -> Iterator[None]:
    """Inside the block, Prefect has a server: the one it is set up with, else a temporary one.

    Prefect would start a temporary server by itself, but one that Ctrl-C ends before us and that outlives a crash.

    Raises:
        ConfigError: the server it is set up with does not answer.
        OrchestratorError: a temporary one cannot be started.
    """
    set_prefect_defaults()
    from prefect.client.orchestration import get_client
    from prefect.logging.handlers import APILogHandler
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
        temporary_settings,
    )

    url = PREFECT_API_URL.value()
    if url:
        with get_client(sync_client=True) as client:
            problem = client.api_healthcheck()
        if problem is not None:
            raise ConfigError(
                f"The Prefect server does not answer: {problem}",
                where=f"PREFECT_API_URL={url}",
                hint="Start it with `prefect server start`, or unset PREFECT_API_URL to work without one.",
            )
        yield
        return
    notify(StageStarted("prefect", "starting a temporary server, since PREFECT_API_URL is not set"))
    extra = {
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
        "PREFECT_UI_ENABLED": "0",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
    }
    with LocalServer(
        "prefect.server.api.server:create_app",
        environment=child_environment(["*"], extra=extra),
        log=paths.logs / "prefect-server.log",
    ) as server:
        server.wait_until_ready("/api/health", seconds=PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())
        with temporary_settings({PREFECT_API_URL: f"{server.url}/api"}):
            try:
                yield
            finally:
                APILogHandler().flush()  # while there is somebody to send the last logs to


def run_flow(flow: Callable[[], Coroutine[Any, Any, dict[str, Any]]]) -> dict[str, Any]:
    """Run a flow in this process.

    Raises:
        OrchestratorError: what the flow raised, or the Prefect server went away.
        KeyboardInterrupt: a signal came before the flow or after it.
    """
    from httpx import HTTPError
    from prefect.exceptions import TerminationSignal

    try:
        return asyncio.run(flow())
    except TerminationSignal as error:
        raise KeyboardInterrupt from error
    except HTTPError as error:
        raise OrchestratorError(
            f"The Prefect server does not answer any more: {error}",
            hint="What was tried is in the ledger: the next run goes on from there.",
        ) from error


def run(command: Callable[[], object]) -> int:
    """Run a command: our errors become one message and their exit code, Ctrl-C becomes 130."""
    console = make_console(stderr=True)
    try:
        code = command()
        sys.stdout.flush()
    except CycloptsError:  # told already
        return ConfigError.exit_code
    except OrchestratorError as error:
        stopped = isinstance(error, StoppedError)
        say(console, "yellow" if stopped else "red", "stopped:" if stopped else "error:", str(error))
        return error.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        say(console, "yellow", "stopped", "")
        return StoppedError.exit_code
    except BrokenPipeError:  # whoever read our output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the `orchestrator` command."""
    signal.signal(signal.SIGTERM, _like_interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(lambda: app(result_action="return_value", exit_on_error=False)))


def _like_interrupt(_number: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(signal.SIGINT, frame)


if __name__ == "__main__":
    main()
