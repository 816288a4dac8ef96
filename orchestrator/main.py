"""The command line. It and `orchestrator.cli` are the composition root: they alone may import Prefect and the flows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from orchestrator.advice import next_commands
from orchestrator.cli.dashboard import dashboard
from orchestrator.cli.repository import lean_app, run_extract, run_verify
from orchestrator.cli.running import prefect_server, run_flow
from orchestrator.config import Profile, load_settings
from orchestrator.display import RunDisplay
from orchestrator.errors import ConfigError, OrchestratorError, StoppedError
from orchestrator.observer import observed_by
from orchestrator.paths import find_paths
from orchestrator.terminal import make_console, say, show_summary

app = App(
    name="orchestrator",
    help="Prove the sorries of a Lean 4 repository and hand back a verified patch.",
    help_epilogue="Settings come from flags, then from ORCH_… variables (see the README).",
)
app.command(lean_app)
app.command(dashboard)

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

        summary = run_flow(
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
