"""`orchestrator setup`: everything a Prefect server needs to run our flows, in one command that can be repeated."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from orchestrator.cli.output import AsJson, print_json
from orchestrator.cli.terminal import make_console, say
from orchestrator.config import Settings, child_environment, load_settings, set_prefect_defaults
from orchestrator.errors import ConfigError, OrchestratorError

ROOT = Path(__file__).resolve().parents[2]
POOL = "lean"
DEFAULT_BLOCK = "default"


def setup(
    *,
    repo: Annotated[str, Parameter(help="Repository of the default Lean project; needed the first time only.")] = "",
    source: Annotated[
        str, Parameter(help="Repository that workers clone the flows from; the folder of this installation if empty.")
    ] = "",
    timezone: Annotated[str, Parameter(help="Time zone of the nightly schedule, such as Europe/Berlin.")] = "UTC",
    limits: Annotated[
        Literal["auto", "on", "off"],
        Parameter(help="Whether the server holds the light and heavy limits; auto: if PostgreSQL is behind it."),
    ] = "auto",
    json_: AsJson = False,
) -> int:
    """Register blocks, limits, the work pool and the deployments on the Prefect server of PREFECT_API_URL.

    Running it again changes nothing that is already right; blocks that exist keep their values. Then start a worker on
    every machine: `prefect worker start --pool lean`.

    Examples
    --------
    PREFECT_API_URL=http://127.0.0.1:4200/api orchestrator setup --repo https://github.com/owner/project
    prefect worker start --pool lean
    prefect deployment run nightly/nightly --watch
    """
    set_prefect_defaults()
    settings = load_settings(limits=limits)
    done = asyncio.run(_on_server(repo, settings))
    done["deployments"] = deploy(source or ROOT.as_uri(), timezone, cloned=bool(source))
    if json_:
        print_json(done)
    else:
        _show(make_console(), done)
    return 0


async def _on_server(repo: str, settings: Settings) -> dict[str, Any]:
    from httpx import HTTPError
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    from tasks.limits import make_limits

    url = PREFECT_API_URL.value()
    if not url:
        raise ConfigError(
            "There is no Prefect server to set up",
            where="PREFECT_API_URL",
            hint="Start one with `prefect server start`, and set PREFECT_API_URL=http://127.0.0.1:4200/api",
        )
    try:
        async with get_client() as client:
            kept, pool = await make_limits(client, settings), await _work_pool(client)
            return {"server": url, "limits": kept, "work_pool": pool, "blocks": await _blocks(repo)}
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


async def _blocks(repo: str) -> list[str]:
    from blocks import BLOCKS, LeanProject, Prover

    for kind in BLOCKS:
        await kind.aregister_type_and_schema()
    made: list[str] = []
    defaults: list[Prover | LeanProject] = [Prover()]
    if repo:
        defaults.append(LeanProject(repo=repo, prover=DEFAULT_BLOCK))
    for block in defaults:
        slug = block.get_block_type_slug()
        try:
            await type(block).aload(DEFAULT_BLOCK)
        except ValueError:  # what Prefect raises for a block that is not there
            await block.asave(DEFAULT_BLOCK)
            made.append(f"{slug}/{DEFAULT_BLOCK}")
    return [*(str(kind.get_block_type_slug()) for kind in BLOCKS), *made]


def deploy(source: str, timezone: str, *, cloned: bool) -> list[str]:
    """Register the deployments of prefect.yaml whose flow is in this installation, and return their names.

    Args:
        source: what workers clone, when `cloned`; else the flows are run from this installation's folder.

    Raises:
        OrchestratorError: Prefect refused.
    """
    import yaml

    file = ROOT / "prefect.yaml"
    if not file.is_file():
        raise OrchestratorError(
            "prefect.yaml is not part of this installation",
            where=str(ROOT),
            hint="Run setup from a clone, as workers do",
        )
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["deployments"] = [
        each for each in content["deployments"] if (ROOT / each["entrypoint"].partition(":")[0]).is_file()
    ]
    if not cloned:
        content["pull"] = [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="prefect-", encoding="utf-8") as written:
        yaml.safe_dump(content, written, sort_keys=False)
        written.flush()
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", written.name]
        extra = {"ORCHESTRATOR_SOURCE": source, "ORCHESTRATOR_TIMEZONE": timezone, "PREFECT_CLI_COLORS": "false"}
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
        raise OrchestratorError(f"Prefect did not take the deployments: {words}", where=str(file))
    return [each["name"] for each in content["deployments"]]


def _show(console: Console, done: dict[str, Any]) -> None:
    kept = ", ".join(f"{tag} {limit}" for tag, limit in done["limits"].items())
    words = {**done, "limits": kept or "held by each run by itself (no PostgreSQL behind the server)"}
    for name in ("server", "limits", "work_pool", "blocks", "deployments"):
        say(
            console,
            "green",
            name.replace("_", " "),
            words[name] if isinstance(words[name], str) else ", ".join(words[name]),
        )
    say(console, "bold", "next:", f"prefect worker start --pool {POOL}")
