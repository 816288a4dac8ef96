"""Stage: files for people and programs, and the same as Prefect artifacts."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from httpx import HTTPError
from prefect.artifacts import acreate_image_artifact, acreate_markdown_artifact, acreate_table_artifact

from orchestrator.goals.events import Notice, notify
from orchestrator.run.report.files import write_outputs
from orchestrator.run.report.html import to_html
from orchestrator.run.report.plots import files_plot, solved_plot, strategies_plot
from orchestrator.run.report.summary import Summary, attempts_jsonl, goal_rows, to_json, to_markdown
from tasks.alone import is_alone
from tasks.stage import stage

REPORT_KEY = "lean-orchestrator-report"
GOALS_KEY = "lean-orchestrator-goals"


PLOTS = {
    "solved.svg": "Goals solved against time",
    "strategies.svg": "Attempts that found a proof, by strategy",
    "files.svg": "Goals solved, by file",
}


@stage("report")
async def report(summary: Summary, proofs_patch: str, blueprint_patch: str, out: str) -> None:
    """Write the results to `out` ("" for nowhere) and publish them as artifacts with stable keys.

    Raises:
        OrchestratorError: they cannot be written. A Prefect server that does not answer only costs the artifacts.
    """
    plots = {
        "solved.svg": solved_plot(summary),
        "strategies.svg": strategies_plot(summary),
        "files.svg": files_plot(summary),
    }
    if out:
        write_outputs(
            Path(out),
            {
                "summary.json": to_json(summary),
                "proofs.patch": proofs_patch,
                "blueprint.patch": blueprint_patch,
                "report.md": to_markdown(summary, plots=tuple(plots)),
                "report.html": to_html(summary),
                **plots,
                "attempts.jsonl": attempts_jsonl(summary.attempts),
            },
        )
    if is_alone():
        return
    try:
        await acreate_markdown_artifact(to_markdown(summary), key=REPORT_KEY, description="What the run proved")
        for name, picture in plots.items():
            key = f"lean-orchestrator-{name.partition('.')[0]}"
            image = f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}"
            await acreate_image_artifact(image_url=image, key=key, description=PLOTS[name])
        await acreate_table_artifact(goal_rows(summary), key=GOALS_KEY, description="Every goal and its status")
    except HTTPError as error:
        notify(Notice(f"the Prefect server took no artifacts: {error}"))
