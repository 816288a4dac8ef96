"""Stage: files for people and programs, and the same as Prefect artifacts."""

from __future__ import annotations

from pathlib import Path

from httpx import HTTPError
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from orchestrator.observer import Notice, notify
from orchestrator.outputs import write_outputs
from orchestrator.summary import Summary, attempts_jsonl, goal_rows, to_json, to_markdown
from tasks.stage import stage

REPORT_KEY = "lean-orchestrator-report"
GOALS_KEY = "lean-orchestrator-goals"


@stage("report")
async def report(summary: Summary, proofs_patch: str, blueprint_patch: str, out: str) -> None:
    """Write the results to `out` ("" for nowhere) and publish them as artifacts with stable keys.

    Raises:
        OrchestratorError: they cannot be written. A Prefect server that does not answer only costs the artifacts.
    """
    if out:
        write_outputs(
            Path(out),
            {
                "summary.json": to_json(summary),
                "proofs.patch": proofs_patch,
                "blueprint.patch": blueprint_patch,
                "report.md": to_markdown(summary),
                "attempts.jsonl": attempts_jsonl(summary.attempts),
            },
        )
    try:
        await acreate_markdown_artifact(to_markdown(summary), key=REPORT_KEY, description="What the run proved")
        await acreate_table_artifact(goal_rows(summary), key=GOALS_KEY, description="Every goal and its status")
    except HTTPError as error:
        notify(Notice(f"the Prefect server took no artifacts: {error}"))
