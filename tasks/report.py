"""Stage: files for people and programs, and the same as Prefect artifacts."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from httpx import HTTPError
from prefect.artifacts import acreate_image_artifact, acreate_markdown_artifact, acreate_table_artifact

from orchestrator.goals.events import Notice, notify
from orchestrator.run.report.files import write_outputs
from orchestrator.run.report.plots import PLOTS, plots
from orchestrator.run.report.render import to_html, to_markdown
from orchestrator.run.report.summary import Summary, attempts_jsonl
from tasks.alone import is_alone
from tasks.stage import stage

REPORT_KEY = "lean-orchestrator-report"
GOALS_KEY = "lean-orchestrator-goals"


@stage("report")
async def report(summary: Summary, proofs_patch: str, blueprint_patch: str, out: str) -> None:
    """Write the results to `out` ("" for nowhere) and publish them as artifacts with stable keys.

    Raises:
        OrchestratorError: they cannot be written. A Prefect server that does not answer only costs the artifacts.
    """
    pictures = plots(summary)
    if out:
        write_outputs(
            Path(out),
            {
                "summary.json": summary.to_json(),
                "proofs.patch": proofs_patch,
                "blueprint.patch": blueprint_patch,
                "report.md": to_markdown(summary, plots=tuple(pictures)),
                "report.html": to_html(summary),
                **pictures,
                "attempts.jsonl": attempts_jsonl(summary.attempts),
            },
        )
    if is_alone():
        return
    try:
        await acreate_markdown_artifact(to_markdown(summary), key=REPORT_KEY, description="What the run proved")
        for name, picture in pictures.items():
            key = f"lean-orchestrator-{name.partition('.')[0]}"
            image = f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}"
            await acreate_image_artifact(image_url=image, key=key, description=PLOTS[name])
        await acreate_table_artifact(summary.rows(), key=GOALS_KEY, description="Every goal and its status")
    except HTTPError as error:
        notify(Notice(f"the Prefect server took no artifacts: {error}"))
