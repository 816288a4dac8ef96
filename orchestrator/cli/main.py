"""The command line. It and `orchestrator.cli` are the composition root: they alone may import Prefect and the flows."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from orchestrator.cli.background import bg
from orchestrator.cli.bank import bank
from orchestrator.cli.blueprint import blueprint_app
from orchestrator.cli.dashboard import dashboard
from orchestrator.cli.examples import with_examples
from orchestrator.cli.health import doctor, settings
from orchestrator.cli.models import models_app
from orchestrator.cli.next_commands import next_commands
from orchestrator.cli.output import AsJson, print_json
from orchestrator.cli.prefect_server import prefect_server, run_flow, starting_prefect_server
from orchestrator.cli.progress import RunDisplay
from orchestrator.cli.repository import build_project, lean_app, run_extract, run_extract_static, run_verify
from orchestrator.cli.setup import setup
from orchestrator.cli.terminal import make_console, say, show_summary
from orchestrator.config import Profile, load_settings
from orchestrator.errors import ConfigError, OrchestratorError, StoppedError
from orchestrator.goals.events import observed_by
from orchestrator.run.report.ci import FailOn, failing, findings, workflow_commands
from orchestrator.run.request import Publish
from orchestrator.run.stop import interruption_held

app = App(
    name="orchestrator",
    help="Prove the sorries of a Lean 4 repository and hand back a verified patch.",
    help_epilogue=(
        "Settings come from flags, then from ORCH_… variables, then from the configuration file; "
        "`orchestrator settings` lists them.\n\n"
        "Exit codes: 0 done, 1 failed, 2 a bad setting, 3 the repository, 4 Lean, 5 a patch that must not be used, "
        "6 the ledger, 7 the blueprint, 8 the marketplace, 9 a model, 10 not published, 130 stopped."
    ),
)
app.command(lean_app)
# By name, since the database's libraries take a second to import; then the words for the overview stand here, too.
for _name, _where, _words in (
    ("market", "market:market_app", "The lemma marketplace: lemmas asked for, claimed, supplied."),
    ("premises", "premises:premises_app", "The library's theorems that proofs may use: collect them, look some up."),
    ("sorrydb", "sorrydb:sorrydb_app", "Read, run, compare and write SorryDB's lists of open places."),
    ("ledger", "ledger:ledger_app", "The record of every run, goal, attempt and proof."),
):
    app.command(f"orchestrator.cli.{_where}", name=_name, help=_words)
app.command(blueprint_app)
app.command(models_app)
for _function in (bank, bg, dashboard, setup, doctor, settings):
    with_examples(app)(_function)
app.register_install_completion_command()

Repository = Annotated[str, Parameter(help="Folder or URL of a git repository.")]
Reference = Annotated[str, Parameter(help="Branch, tag or commit to work on.")]
OtherReference = Annotated[
    str | None, Parameter(name="--ref", help="Branch, tag or commit; the folder as it is unless given.")
]


@with_examples(app)
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
    publish: Annotated[
        Publish, Parameter(help="patch: files only; branch: push a branch as well; pr: and open a pull request.")
    ] = Publish.PATCH,
    project: Annotated[str, Parameter(help="Lean project block that says where to publish.")] = "",
    more_time: Annotated[
        bool, Parameter(negative="", help="Try again, with twice the time, what ran out of time before.")
    ] = False,
    build: Annotated[bool, Parameter(negative="", help="Run `lake build` in the folder first.")] = False,
    only: Annotated[str, Parameter(help="One open place alone: FILE:LINE, as `extract` lists it.")] = "",
    json_: AsJson = False,
) -> int:
    """Prove what can be proved, verify it from scratch, and write a patch.

    Writes summary.json, proofs.patch, blueprint.patch, report.md, report.html with its plots and attempts.jsonl to the
    output folder. The repository itself is not touched. Ctrl-C stops in order: what was found is verified and written.

    Exit code 0 when the run went through, however much it proved, and 130 when it was stopped.

    Examples
    --------
    orchestrator prove .                    # the repository you stand in
    orchestrator prove . --timeout 600      # ten minutes at most
    git apply out/proofs.patch              # take the proofs
    """
    with interruption_held():
        from orchestrator.run.assembly import preflight

    chosen = load_settings(profile=None if profile is None else Profile(profile), timeout=timeout)
    paths = chosen.paths
    out = Path(os.path.abspath(out.expanduser()))
    preflight(repo, out, chosen, paths)
    console = make_console(stderr=json_)
    if build:
        build_project(repo, console)
    display = RunDisplay(console)
    with display.running(), observed_by(display), starting_prefect_server(paths) as server:
        with interruption_held():
            from flows.nightly import nightly, without_work

        asked: dict[str, Any] = {
            "repo": repo,
            "ref": ref,
            "profile": int(chosen.profile),
            "budget_seconds": timeout,
            "out": str(out),
            "publish": publish,
            "more_time": more_time,
            "only": only,
        }
        # Of an unchanged repository all is known before a temporary server is there.
        known = asyncio.run(without_work(**asked)) if server.temporary and not project else None
        if known is None:
            server.wait()
        summary: Mapping[str, Any] = known or run_flow(lambda: nightly(**asked, project=project))
    show_summary(console, summary, out, next_commands(repo, summary, out))
    if json_:
        print_json(summary)
    return 130 if summary["stopped"] else 0


@with_examples(app)
def on_push(
    repo: Repository,
    *,
    since: Annotated[str, Parameter(help="The commit before the push; the parent of REF unless given.")] = "",
    ref: Reference = "HEAD",
    timeout: Annotated[float, Parameter(help="Seconds that strategies may work.")] = 120.0,
    reports: Annotated[Path | None, Parameter(help="Folder for annotations, SARIF and JUnit files.")] = None,
    fail_on: Annotated[
        tuple[FailOn, ...], Parameter(help="Findings that make the command fail.", negative="", consume_multiple=True)
    ] = (),
    annotate: Annotated[bool, Parameter(negative="", help="Print GitHub's workflow commands.")] = False,
    json_: AsJson = False,
) -> int:
    """Prove what a push touched, and say it in the forms that continuous integration reads.

    Examples
    --------
    orchestrator on-push . --since origin/main --annotate --reports reports --fail-on looks_false
    """
    chosen = load_settings(timeout=timeout)
    paths = chosen.paths
    console = make_console(stderr=True)
    display = RunDisplay(console)
    folder = "" if reports is None else os.path.abspath(reports.expanduser())
    with display.running(), observed_by(display), prefect_server(paths):
        with interruption_held():
            from flows.on_push import on_push as flow

        summary = run_flow(
            lambda: flow(repo, ref, since=since, budget_seconds=timeout, reports=folder, publish="patch")
        )
    found = findings(summary)
    if annotate:
        sys.stdout.write(workflow_commands(found))
    if json_:
        print_json(summary)
    if not annotate and not json_:
        for each in found:
            say(console, "yellow", f"{each.file}:{each.line}", each.message)
        console.print(f"{len(summary['goals'])} places touched, {len(found)} findings", highlight=False)
    return 1 if failing(found, fail_on) else 130 if summary["stopped"] else 0


@with_examples(app)
def extract(
    repo: Repository,
    *,
    ref: OtherReference = None,
    static: Annotated[bool, Parameter(negative="", help="Ask no Lean: find open places in the text.")] = False,
    json_: AsJson = False,
) -> int:
    """List every open place of a repository, as Lean sees it, or as the text alone shows it.

    Examples
    --------
    orchestrator extract .                  # the folder as it is, changes that are not committed included
    orchestrator extract . --ref main --json
    orchestrator extract . --static         # at once, without Lean
    """
    if static:
        return run_extract_static(repo, ref, as_json=json_, console=make_console(stderr=json_))
    return run_extract(repo, ref, as_json=json_, console=make_console(stderr=json_))


@with_examples(app)
def verify(
    repo: Repository,
    patch: Annotated[Path, Parameter(help="The patch to judge: proofs.patch of a run, or any other.")],
    *,
    ref: OtherReference = None,
    helper: Annotated[
        tuple[str, ...], Parameter(help="A lemma that the patch adds; may be given more than once.")
    ] = (),
    compiled: Annotated[
        bool,
        Parameter(
            help="Build a copy with the patch, and have leanchecker and SafeVerify look at it; your own Lean only."
        ),
    ] = False,
    json_: AsJson = False,
) -> int:
    """Judge a patch from scratch: a verdict for each declaration it proves. Exit code 5 when it must not be used.

    Examples
    --------
    orchestrator verify . out/proofs.patch  # the patch of a run, or anybody's
    """
    console = make_console(stderr=json_)
    return run_verify(repo, ref, patch, as_json=json_, console=console, helpers=helper, compiled=compiled)


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
