"""The command that says which models can be used, and what the others need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from orchestrator.cli.output import AsJson, print_json
from orchestrator.cli.terminal import make_console, say
from orchestrator.config import load_settings
from orchestrator.source.loading import load_project
from orchestrator.strategies.registry import unavailable, used_models

models_app = App(name="models", help="The models that strategies use: which can be used, and what the others need.")


@models_app.default
def list_models(
    repo: Annotated[Path | None, Parameter(help="A project in which Lean Copilot is looked for.")] = None,
    *,
    json_: AsJson = False,
) -> int:
    """Say for each strategy that needs a model whether it can be used, with which one, or what is missing."""
    settings = load_settings()
    missing = unavailable(settings, load_project(repo) if repo is not None else None)
    used = used_models(settings)
    if json_:
        entries = {
            kind.value: {"available": kind not in missing, "model": model, "reason": missing.get(kind, "")}
            for kind, model in used.items()
        }
        print_json(entries)
        return 0
    console = make_console()
    for kind, model in used.items():
        style, words = ("yellow", missing[kind]) if kind in missing else ("green", model or "ready")
        say(console, style, f"{kind.value:>9}", f" {words}")
    return 0
