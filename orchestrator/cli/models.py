"""The command that says which models can be used, and what is missing for the others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.markup import escape

from orchestrator.cli.terminal import make_console
from orchestrator.config import load_settings
from orchestrator.goals.result import StrategyType
from orchestrator.source.loading import load_project
from orchestrator.strategies.registry import unavailable_models, used_models

models_app = App(name="models", help="The models that strategies use: which can be used, and what others need.")


@models_app.default
def list_models(
    repo: Annotated[Path | None, Parameter(help="A project in which Lean Copilot is looked for.")] = None,
    *,
    json_: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON on standard output.")] = False,
) -> int:
    """Say for each strategy that needs a model whether it can be used, with which, and what to do when not."""
    settings = load_settings()
    missing = unavailable_models(settings, load_project(repo) if repo is not None else None)
    used = used_models(settings)
    wanted = (StrategyType.REPROVER, StrategyType.COPILOT, StrategyType.SKETCH)
    if json_:
        entries = {
            kind.value: {"available": kind not in missing, "model": used.get(kind, ""), "reason": missing.get(kind, "")}
            for kind in wanted
        }
        sys.stdout.write(json.dumps(entries, ensure_ascii=False, indent=2) + "\n")
        return 0
    console = make_console()
    for kind in wanted:
        style, words = ("yellow", missing[kind]) if kind in missing else ("green", used.get(kind, "ready"))
        console.print(f"[{style}]{kind.value:>9}[/]  {escape(words)}", highlight=False, soft_wrap=True)
    return 0
