"""From a flow's parameters, and the blocks they name, to what a run is asked to do."""

from __future__ import annotations

from typing import Any

from blocks.language_model import LanguageModel
from blocks.lean_project import LeanProject
from blocks.ledger_database import LedgerDatabase
from blocks.prover import Prover
from blocks.source_host import SourceHost
from orchestrator.config import Profile
from orchestrator.errors import ConfigError
from orchestrator.goals.events import Notice, notify
from orchestrator.run.request import HostAccess, Publish, RunRequest


async def read_order(
    *,
    project: str = "",
    repo: str = "",
    ref: str = "",
    profile: int | None = None,
    budget_seconds: float | None = None,
    out: str = "",
    publish: str = "",
    since: str = "",
    only: str = "",
    comment_on: int = 0,
    background: bool = False,
    more_time: bool = False,
) -> RunRequest:
    """Parameters go before what the blocks say; `project` is the name of a LeanProject block.

    Raises:
        ConfigError: no repository is named, a block is not there, or a word is none of those allowed.
    """
    block = await _project(project, needed=not repo)
    prover: Prover | None = await _load(Prover, block.prover) if block and block.prover else None
    ledger: LedgerDatabase | None = await _load(LedgerDatabase, block.ledger) if block and block.ledger else None
    host: SourceHost | None = await _load(SourceHost, block.source_host) if block and block.source_host else None
    where = repo or (block.repo if block else "")
    if not where:
        hint = "Give the parameter repo, or project with the name of a Lean project block (orchestrator setup --repo …)"
        raise ConfigError("no repository is named", where="repo", hint=hint)
    word = publish or (block.publish if block else Publish.PATCH)
    try:
        how = Publish(word)
    except ValueError as error:
        raise ConfigError(f"publish cannot be {word!r}", where="publish", hint="Allowed: patch, branch, pr") from error
    chosen = profile if profile is not None else prover.profile if prover else None
    settings: dict[str, Any] = {
        "profile": None if chosen is None else Profile(chosen),
        "timeout": budget_seconds if budget_seconds is not None else prover.budget_seconds if prover else None,
        "ledger_url": ledger.url.get_secret_value() if ledger else None,
    }
    if prover is not None:
        settings["servers"] = prover.servers
        settings["max_light"], settings["max_heavy"] = prover.max_light, prover.max_heavy
        settings["speculation"] = prover.speculation
        if prover.language_model:
            model: LanguageModel = await _load(LanguageModel, prover.language_model)
            settings["llm_url"], settings["llm_model"] = str(model.base_url), model.model
            settings["llm_key"] = model.api_key.get_secret_value() or None
            settings["llm_max_tokens"] = model.max_tokens
    if background:
        settings["speculation"] = 1
    return RunRequest(
        repo=where,
        ref=ref or (block.ref if block else "HEAD"),
        out=out or (block.out if block else ""),
        publish=how,
        host=None if host is None else _access(host),
        since=since,
        only=only,
        comment_on=comment_on,
        background=background,
        more_time=more_time,
        settings=settings,
    )


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
        hint = "Make it in the UI, or run orchestrator setup; then its name is what comes behind the slash"
        raise ConfigError(f"there is no block {slug}/{name}", where=slug, hint=hint) from error
