"""What a push touched: proved as far as a small budget goes, and told in the forms that a CI service reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from prefect import flow
from prefect.states import Completed

from flows.nightly import work
from orchestrator import __version__
from orchestrator.errors import ConfigError, OrchestratorError
from orchestrator.run.conclude import end_message
from orchestrator.run.report.ci import FailOn, failing, findings, junit, sarif, workflow_commands
from orchestrator.run.report.files import check_folder, write_outputs
from orchestrator.run.request import Asked
from orchestrator.text import counted
from tasks.artifacts import run_name
from tasks.request import Seconds, read_request

SECONDS = 120.0


@flow(name="on-push", flow_run_name=run_name, persist_result=False, validate_parameters=False)
async def on_push(
    repo: str = "",
    ref: str = "",
    since: str = "",
    budget_seconds: Seconds = SECONDS,
    reports: str = "",
    fail_on: Sequence[Literal["provable", "looks_false", "blueprint"]] = (),
    project: str = "",
    publish: Literal["patch", "branch", "pr"] = "patch",
    comment_on: int = 0,
    out: str = "",
) -> dict[str, object]:
    """Prove what a push touched: changed files, and the declarations that depend on theirs.

    Args:
        repo: local path or URL; empty for that of the project.
        ref: the commit pushed; empty for HEAD.
        since: the commit before it; empty for the parent of `ref`. One that cannot be had means everything.
        budget_seconds: how long strategies may work.
        reports: folder for annotations.txt, results.sarif and junit.xml; empty for none.
        fail_on: provable, looks_false, blueprint: findings that make the run fail, after all is written.
        project: name of a Lean project block, which says what is not said here.
        publish: patch: files only; branch: a branch is pushed, too; pr: and a pull request opened.
        comment_on: number of the pull request to comment on, 0 for none.
        out: folder for the results; empty for that of the project, else none.

    Returns:
        The content of summary.json, of the goals touched.

    Raises:
        OrchestratorError: nothing could be done, or there is a finding that `fail_on` names.
    """
    unknown = [word for word in fail_on if word not in set(FailOn)]
    if unknown:
        allowed = ", ".join(FailOn)
        raise ConfigError(f"fail_on cannot be {unknown[0]!r}", where="fail_on", hint=f"Allowed: {allowed}")
    check_folder(reports)
    asked = Asked(
        repo=repo,
        ref=ref,
        budget_seconds=budget_seconds,
        publish=publish,
        since=since or f"{ref or 'HEAD'}~1",
        comment_on=comment_on,
        out=out,
    )
    end = await work(await read_request(asked, project))
    summary = end.summary.to_dict()
    found = findings(summary)
    if reports:
        written = {
            "annotations.txt": workflow_commands(found),
            "results.sarif": sarif(found, version=__version__),
            "junit.xml": junit(summary, fail_on),
        }
        write_outputs(Path(reports), written)
    bad = failing(found, fail_on)
    if bad:
        first = f"{bad[0].file}:{bad[0].line}: {bad[0].message}"
        raise OrchestratorError(f"{counted(len(bad), 'finding')} that fail_on names; the first: {first}")
    message = f"{end_message(end)}; {counted(len(found), 'finding')}"
    return cast(dict[str, object], Completed(message=message, data=summary))
