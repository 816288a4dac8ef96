"""Stage: files for people and programs, and the same as Prefect artifacts."""

from __future__ import annotations

import re
from base64 import b64encode

from httpx import HTTPError
from prefect.artifacts import acreate_image_artifact, acreate_markdown_artifact, acreate_table_artifact

from orchestrator.goals.events import Notice, notify
from orchestrator.run.conclude import Conclusion, write_results
from orchestrator.run.report.plots import PLOTS, plots
from orchestrator.run.report.render import to_markdown
from tasks.stage import stage

REPORT_KEY = "lean-orchestrator-report"
PATCH_KEY = "lean-orchestrator-patch"
GOALS_KEY = "lean-orchestrator-goals"


@stage("report")
async def report(end: Conclusion, out: str) -> Conclusion:
    """Write the results to `out` ("" for nowhere), patch and all, and publish them as artifacts with stable keys.
    Raises OrchestratorError: they cannot be written. A Prefect server that does not answer only costs the artifacts.
    """
    end = write_results(end, out)
    summary = end.summary
    try:
        await acreate_markdown_artifact(to_markdown(summary), key=REPORT_KEY, description="What the run proved")
        await acreate_markdown_artifact(fenced(end.patch), key=PATCH_KEY, description="The verified proofs, as a patch")
        for name, picture in plots(summary).items():
            key = f"lean-orchestrator-{name.partition('.')[0]}"
            image = f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}"
            await acreate_image_artifact(image_url=image, key=key, description=PLOTS[name])
        await acreate_table_artifact(summary.rows(), key=GOALS_KEY, description="Every goal and its status")
    except HTTPError as error:
        notify(Notice(f"the Prefect server took no artifacts: {error}"))
    return end


def fenced(patch: str) -> str:
    """A patch as Markdown that shows it as it is."""
    longest = max((len(run) for run in re.findall("`+", patch)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{patch.encode(errors='replace').decode()}{fence}\n" if patch else "No proof passed the gate."
