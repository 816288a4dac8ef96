"""From a flow's parameters, and the blocks they name, to what a run is asked to do."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import Field

from blocks import LanguageModel, LeanProject, LedgerDatabase, Prover, SourceHost
from orchestrator.config import Profile
from orchestrator.errors import ConfigError
from orchestrator.goals.events import Notice, notify
from orchestrator.run.request import Asked, HostAccess, RunRequest, request_of

Seconds = Annotated[float, Field(ge=0.1)]
"""A time that a flow takes as a parameter."""


async def read_request(asked: Asked, project: str = "") -> RunRequest:
    """What is asked for goes before what the blocks say; `project` is the name of a LeanProject block.
    Raises ConfigError: no repository is named, a block is not there, or a word is none of those allowed.
    """
    block = await _project(project, needed=not asked.get("repo"))
    if block is None:
        return request_of(asked)
    host: SourceHost | None = await _load(SourceHost, block.source_host) if block.source_host else None
    given = {key: value for key, value in asked.items() if value not in ("", None)}
    from_block = Asked(repo=block.repo, ref=block.ref, out=block.out, publish=block.publish)
    return request_of(
        cast(Asked, {**from_block, **given}),
        host=None if host is None else _access(host),
        settings=await _settings(block),
    )


async def _settings(block: LeanProject) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if block.ledger:
        ledger: LedgerDatabase = await _load(LedgerDatabase, block.ledger)
        settings["ledger_url"] = ledger.url.get_secret_value()
    if block.prover:
        prover: Prover = await _load(Prover, block.prover)
        settings |= prover.model_dump(include={"servers", "max_light", "max_heavy", "speculation"})
        profile = None if prover.profile is None else Profile(prover.profile)
        settings |= {"profile": profile, "timeout": prover.budget_seconds}
        if prover.language_model:
            model: LanguageModel = await _load(LanguageModel, prover.language_model)
            settings |= {
                "llm_url": str(model.base_url),
                "llm_model": model.model,
                "llm_key": model.api_key.get_secret_value() or None,
                "llm_max_tokens": model.max_tokens,
                "llm_temperature": model.temperature,
                "llm_samples": model.samples,
                "llm_style": model.style,
            }
    return settings


async def _project(name: str, *, needed: bool) -> LeanProject | None:
    if not name:
        return None
    try:
        block: LeanProject = await _load(LeanProject, name)
    except ConfigError as error:
        if needed:
            raise
        notify(Notice(f"going on without it: {error}"))
        return None
    return block


def _access(host: SourceHost) -> HostAccess:
    return HostAccess(
        kind=host.kind,
        repository=host.repository,
        token=host.token.get_secret_value(),
        api_url=str(host.api_url or ""),
        push_url=host.push_url,
    )


async def _load(kind: type[Any], name: str) -> Any:
    try:
        return await kind.aload(name)
    except ValueError as error:  # what Prefect raises for a block that is not there
        slug = kind.get_block_type_slug()
        hint = "Make it in the UI under Blocks, or run `orchestrator setup`, and give the part after the slash"
        raise ConfigError(f"there is no block {slug}/{name}", hint=hint) from error
