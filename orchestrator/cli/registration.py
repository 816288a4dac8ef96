"""What a Prefect server is given so that it can run our flows: blocks, the work pool, deployments, automations."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator.config import Settings, child_environment
from orchestrator.errors import ConfigError, OrchestratorError

ROOT = Path(__file__).resolve().parents[2]
"""The folder that the packages of this installation lie in: a clone of the sources, or `site-packages`."""
POOL = "lean"
DEFAULT_BLOCK = "default"


def server_url() -> str:
    """Address of the Prefect server. Raises ConfigError: none is set."""
    from prefect.settings import PREFECT_API_URL

    url: str | None = PREFECT_API_URL.value()
    if not url:
        raise ConfigError(
            "There is no Prefect server to set up",
            where="PREFECT_API_URL",
            hint="Start one with `prefect server start`, and set PREFECT_API_URL=http://127.0.0.1:4200/api",
        )
    return url


async def register(settings: Settings, projects: Mapping[str, str]) -> dict[str, Any]:
    """Make the block types, the limits, the work pool and the blocks that are not there yet; what there is then.

    Args:
        projects: names of Lean project blocks, with their repositories.

    Raises:
        ConfigError: no server is set, or it does not answer.
    """
    from httpx import HTTPError
    from prefect.client.orchestration import get_client

    from tasks.limits import make_limits

    url = server_url()
    try:
        async with get_client() as client:
            kept, pool = await make_limits(client, settings), await _work_pool(client)
            return {"server": url, "limits": kept, "work_pool": pool, "blocks": await _blocks(projects)}
    except HTTPError as error:
        raise ConfigError(
            f"The Prefect server does not answer: {error}", where=f"PREFECT_API_URL={url}", hint="Is it running?"
        ) from error


async def _work_pool(client: Any) -> str:
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with suppress(ObjectAlreadyExists):
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    return POOL


async def _blocks(projects: Mapping[str, str]) -> list[str]:
    from blocks import BLOCKS, LeanProject, Prover

    for kind in BLOCKS:
        await kind.aregister_type_and_schema()
    made: list[str] = []
    wanted: list[tuple[str, Prover | LeanProject]] = [(DEFAULT_BLOCK, Prover())]
    wanted += [(name, LeanProject(repo=repo, prover=DEFAULT_BLOCK)) for name, repo in projects.items()]
    for name, block in wanted:
        slug = block.get_block_type_slug()
        try:
            await type(block).aload(name)
        except ValueError:  # what Prefect raises for a block that is not there
            await block.asave(name)
            made.append(f"{slug}/{name}")
    return [*(str(kind.get_block_type_slug()) for kind in BLOCKS), *made]


async def project_name(repo: str) -> str:
    """The Lean project block of a repository: its last part, with a digest if that is another repository's block."""
    from blocks import LeanProject

    last = repo.rstrip("/").removesuffix(".git").rpartition("/")[2].lower()
    name = re.sub(r"[^a-z0-9]+", "-", last).strip("-") or "repository"
    try:
        block: Any = await LeanProject.aload(name)
    except ValueError:  # what Prefect raises for a block that is not there
        return name
    return name if block.repo == repo else f"{name}-{hashlib.sha256(repo.encode()).hexdigest()[:8]}"


def our_deployments() -> list[dict[str, Any]]:
    """The deployments of prefect.yaml, which a wheel has beside the flows."""
    return list(_prefect_file()["deployments"])


def _prefect_file() -> dict[str, Any]:
    import yaml

    file = next(path for path in (ROOT / "prefect.yaml", ROOT / "flows/prefect.yaml") if path.is_file())
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def deploy(deployments: Sequence[Mapping[str, Any]], *, source: str = "", timezone: str = "UTC") -> list[str]:
    """Register deployments on the Prefect server, new or changed ones, and return their names.

    Args:
        source: repository that workers clone; if empty they run the flows from this installation's folder.
        timezone: of schedules that name none.

    Raises:
        OrchestratorError: Prefect refused.
    """
    import yaml

    content = {**_prefect_file(), "deployments": list(deployments)}
    if not source:
        content["pull"] = [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="prefect-", encoding="utf-8") as written:
        yaml.safe_dump(content, written, sort_keys=False)
        written.flush()
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", written.name]
        extra = {
            "PREFECT_API_URL": server_url(),
            "ORCHESTRATOR_SOURCE": source or ROOT.as_uri(),
            "ORCHESTRATOR_TIMEZONE": timezone,
            "PREFECT_CLI_COLORS": "false",
        }
        reply = subprocess.run(
            command,
            cwd=ROOT,
            env=child_environment(["*"], extra=extra),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if reply.returncode:
        words = " ".join((reply.stdout + reply.stderr).split())[-600:]
        raise OrchestratorError(f"Prefect did not take the deployments: {words}", where=extra["PREFECT_API_URL"])
    return [str(each["name"]) for each in deployments]
