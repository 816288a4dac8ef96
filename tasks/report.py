"""Stage: files for people and programs, and the same as Prefect artifacts."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.cache_policies import NO_CACHE

from orchestrator.outputs import write_outputs
from orchestrator.summary import Summary, attempts_jsonl, goal_rows, to_json, to_markdown

REPORT_KEY = "lean-orchestrator-report"
GOALS_KEY = "lean-orchestrator-goals"
PROGRESS_KEY = "lean-orchestrator-progress"


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
async def report(summary: Summary, proofs_patch: str, blueprint_patch: str, out: str) -> None:
    """Write the results to `out` ("" for nowhere) and publish them as artifacts with stable keys."""
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
    await acreate_markdown_artifact(to_markdown(summary), key=REPORT_KEY, description="What the run proved")
    await acreate_table_artifact(goal_rows(summary), key=GOALS_KEY, description="Every goal and its status")
