"""The commands that run a flow on Prefect: `prove`, `on-push`, `bg` and `bank`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console

from orchestrator.cli.next_commands import next_commands
from orchestrator.cli.output import (
    AsJson,
    Out,
    ProfileNumber,
    Reference,
    Repository,
    Runner,
    Seconds,
    absolute,
    print_json,
)
from orchestrator.cli.prefect_server import StartingServer, load_flow, prefect_server, run_flow
from orchestrator.cli.progress import RunDisplay
from orchestrator.cli.tables import RIGHT, WHOLE, table
from orchestrator.cli.terminal import make_console, say, show_summary, tell
from orchestrator.config import Paths, Settings, child_environment, load_settings, set_agent
from orchestrator.errors import RepositoryError, StoppedError
from orchestrator.goals.events import observed_by
from orchestrator.run.report.ci import FailOn, failing, findings, workflow_commands
from orchestrator.run.request import Asked, Publish, request_of
from orchestrator.run.stop import interruption_held
from orchestrator.text import counted

_NICENESS = 10


def prove(
    repo: Repository,
    *,
    ref: Reference = "HEAD",
    out: Out = Path("out"),
    profile: ProfileNumber = None,
    timeout: Seconds = None,
    publish: Annotated[
        Publish, Parameter(help="patch: files only; branch: push a branch as well; pr: and open a pull request.")
    ] = Publish.PATCH,
    project: Annotated[str, Parameter(help="Lean project block that says where to publish.")] = "",
    more_time: Annotated[
        bool, Parameter(negative="", help="Try again, with twice the time, what ran out of time before.")
    ] = False,
    build: Annotated[bool, Parameter(negative="", help="Run `lake build` in the folder first.")] = False,
    agent: Annotated[
        str, Parameter(help="Command of an agent that is started for each goal, and hands its proofs in over MCP.")
    ] = "",
    only: Annotated[str, Parameter(help="A single sorry: FILE:LINE, as `extract` lists it.")] = "",
    only_problems: Annotated[bool, Parameter(negative="", help="List no goal that was proved.")] = False,
    runner: Runner = None,
    json_: AsJson = False,
) -> int:
    """Prove what can be proved, verify it from scratch, and write a patch.

    Writes summary.json, proofs.patch, blueprint.patch, report.md, report.html with its plots and attempts.jsonl to the
    output folder. The repository itself is not touched. Ctrl-C stops in an orderly way: what was found is verified and
    written.

    Exit code 0 when the run went through, no matter how much it proved, 3 when there are sorries but none of them could
    be worked on, and 130 when it was stopped.

    Examples
    --------
    orchestrator prove .                    # the repository you stand in
    orchestrator prove . --timeout 600      # ten minutes at most
    git apply out/proofs.patch              # take the proofs
    """
    if agent:
        set_agent(agent)
    settings = load_settings(profile=profile, timeout=timeout)
    folder = absolute(out)
    console = make_console(stderr=json_)
    asked = Asked(
        repo=repo,
        ref=ref,
        profile=int(settings.profile),
        budget_seconds=timeout,
        out=str(folder),
        publish=publish,
        more_time=more_time,
        only=only,
        runner=runner or "",
    )
    if build:
        from orchestrator.cli.repository import build_project

        build_project(repo, ref, console)
    check_first(asked, settings)
    with shown_run(console, settings.paths) as server:
        summary = prove_on(server, asked, project)
    return finish(console, repo, summary, folder, as_json=json_, only_problems=only_problems)


def prove_on(server: StartingServer, asked: Asked, project: str = "") -> Mapping[str, Any]:
    """The summary of a run; of an unchanged repository all is known before a temporary server is there."""
    known = None
    if server.temporary and not project:
        with interruption_held():
            from orchestrator.run.plan import nothing_to_do

        known = asyncio.run(nothing_to_do(request_of(asked)))
    return known.to_dict() if known else run_flow(server, load_flow("nightly"), **asked, project=project)


def on_push(
    repo: Repository,
    *,
    since: Annotated[str, Parameter(help="The commit before the push; the parent of REF unless given.")] = "",
    ref: Reference = "HEAD",
    timeout: Annotated[float, Parameter(validator=Number(gte=0.1), help="Seconds that strategies may work.")] = 120.0,
    reports: Annotated[Path | None, Parameter(help="Folder for annotations, SARIF and JUnit files.")] = None,
    fail_on: Annotated[
        tuple[FailOn, ...], Parameter(help="Findings that make the command fail.", negative="", consume_multiple=True)
    ] = (),
    annotate: Annotated[bool, Parameter(negative="", help="Print GitHub's workflow commands.")] = False,
    comment: Annotated[
        bool, Parameter(negative="", help="Comment on the pull request that this CI job is for, with GITHUB_TOKEN.")
    ] = False,
    json_: AsJson = False,
) -> int:
    """Prove what a push touched, and report it in the formats that continuous integration reads.

    With --comment, the pull or merge request of a job on GitHub or GitLab is told, too: one comment, kept up to date.
    The token is that of GITHUB_TOKEN or GITLAB_TOKEN. Jobs for no request are told apart, and do not comment.

    Examples
    --------
    orchestrator on-push . --since origin/main --annotate --reports reports --fail-on looks_false
    """
    console = make_console(stderr=True)
    folder = "" if reports is None else str(absolute(reports))
    with shown_run(console, load_settings(timeout=timeout).paths) as server:
        options = {"since": since, "budget_seconds": timeout, "reports": folder, "publish": "patch"}
        summary = run_flow(server, load_flow("on_push"), repo, ref, **options)
    found = findings(summary)
    if comment:
        for words in commented(summary):
            tell(console, words)
    if annotate:
        sys.stdout.write(workflow_commands(found))
    if json_:
        print_json(summary)
    if not annotate and not json_:
        for each in found:
            say(console, "yellow", f"{each.file}:{each.line}", each.message)
        tell(console, f"{counted(len(summary['goals']), 'goal')} touched, {counted(len(found), 'finding')}")
    return 1 if failing(found, fail_on) else StoppedError.exit_code if summary["stopped"] else 0


def commented(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Comment on the request of this CI job, if it is for one, and say what was done."""
    from orchestrator.run.publish.publish import comment_on_push, host_of, request_of_job

    request = request_of_job(child_environment(("GITHUB_*", "GITLAB_TOKEN", "CI_*")))
    return () if request is None else comment_on_push(host_of(request[0]), request[1], summary)


def bg(repo: Repository = ".", *, ref: Reference = "HEAD", out: Out = Path("out"), timeout: Seconds = None) -> int:
    """Prove in the background, and keep the machine usable.

    Like `prove`, but at a low priority, with one strategy on a goal at a time, and with a pause before each attempt for
    as long as the machine is busier than ORCH_CPU_TARGET (half of it unless set) or short of memory. A repository in
    which nothing has changed costs no Lean. Ctrl-C stops in an orderly way.

    Examples
    --------
    orchestrator bg .                       # the repository you stand in
    ORCH_CPU_TARGET=0.25 orchestrator bg .  # take even less
    """
    settings = load_settings(timeout=timeout)
    folder = absolute(out)
    check_first({"repo": repo, "ref": ref, "out": str(folder)}, settings)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # the Lean servers inherit it
    console = make_console()
    with shown_run(console, settings.paths) as server:
        options = {"budget_seconds": timeout, "out": str(folder), "background": True}
        summary = run_flow(server, load_flow("nightly"), repo, ref, int(settings.profile), **options)
    return finish(console, repo, summary, folder)


def bank(
    *,
    timeout: Annotated[
        float | None,
        Parameter(validator=Number(gte=0.1), help="Seconds that strategies may work; no limit unless given."),
    ] = None,
    profile: ProfileNumber = None,
    split: Annotated[Literal["all", "tune", "held-out"], Parameter(help="Which goals.")] = "all",
    limit: Annotated[int | None, Parameter(validator=Number(gt=0), help="Only the first so many goals.")] = None,
    file: Annotated[Path | None, Parameter(help="Another bank.jsonl.")] = None,
    out: Out = Path("bench/results"),
    json_: AsJson = False,
) -> int:
    """Run the strategies on the bank of goals, and write bank-YYYYMMDD-HHMMSS.json.

    Compare two results with `python -m bench.compare A B`, draw them with `python -m bench.plots`.

    Examples
    --------
    orchestrator bank --split held-out --timeout 600
    orchestrator bank --limit 20 --json
    """
    from bench.bank import bank_entries
    from orchestrator.run.bank import results_file
    from orchestrator.run.report.files import check_folder

    settings = load_settings(profile=profile, timeout=timeout)
    folder = absolute(out)
    folder.mkdir(parents=True, exist_ok=True)
    check_folder(str(folder))
    which = (split, limit, "" if file is None else str(absolute(file)))
    bank_entries(*which)
    console = make_console(stderr=json_)
    with shown_run(console, settings.paths) as server:
        options = {"profile": int(settings.profile), "budget_seconds": timeout, "out": str(folder)}
        found = run_flow(server, load_flow("bank"), *which, **options)
    if json_:
        print_json(found)
    rows = [(name, str(made["used"]), str(made["succeeded"])) for name, made in found["strategies"].items()]
    console.print(table({"strategy": WHOLE, "used": RIGHT, "succeeded": RIGHT}, rows))
    total = counted(found["goals_total"], "goal")
    solved = f"{found['goals_solved']} of {total} solved, {found['goals_processed']} tried"
    tell(console, f"{solved}, in {found['wall_seconds']:.1f} s")
    tell(console, f"Results: {folder / results_file(found)}")
    return 0


def check_first(asked: Asked, settings: Settings) -> None:
    """See before a Prefect server starts what a run would only stumble over after a while.
    Raises OrchestratorError: as `preflight` does.
    """
    with interruption_held():
        from orchestrator.run.assembly import preflight

    preflight(request_of(asked), settings)


@contextmanager
def shown_run(console: Console, paths: Paths) -> Iterator[StartingServer]:
    """Inside the block, a Prefect server is starting or there, and what a run says is shown."""
    display = RunDisplay(console)
    with display.running(), observed_by(display), prefect_server(paths) as server:
        yield server


def finish(
    console: Console,
    repo: str,
    summary: Mapping[str, Any],
    folder: Path,
    *,
    as_json: bool = False,
    only_problems: bool = False,
) -> int:
    """Show the end of a run; its exit code."""
    show_summary(console, summary, folder, next_commands(repo, summary, folder), only_problems=only_problems)
    if as_json:
        print_json(summary)
    if summary["stopped"]:
        return StoppedError.exit_code
    lost = not summary["goals_total"] and summary["coverage"]["sorries"]
    return RepositoryError.exit_code if lost else 0
