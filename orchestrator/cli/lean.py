"""The commands about Lean itself: install it, say which one is used, and where it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from orchestrator.cli.terminal import make_console, show_findings, tell
from orchestrator.config import LeanChoice, load_settings
from orchestrator.errors import LeanError
from orchestrator.lean.doctor import Level, doctor
from orchestrator.lean.embedded.install import INSTALLATION, ensure_embedded
from orchestrator.lean.servers import choose_lean
from orchestrator.lean.toolchain import describe, find_lean
from orchestrator.source.loading import load_project

lean_app = App(name="lean", help="The Lean that proofs are checked with: install it, see which one is used.")


@lean_app.command
def install(*, force: Annotated[bool, Parameter(negative="", help="Install everything again.")] = False) -> int:
    """Install the embedded Lean: about 120 MB to download, 400 MB on disk, once for each user."""
    console = make_console()
    paths = load_settings().paths
    seen: set[str] = set()

    def progress(step: str, _done: float | None) -> None:
        if step not in seen:
            seen.add(step)
            tell(console, f"  {INSTALLATION.get(step, step)} …")

    lean = ensure_embedded(paths, progress=progress, force=force)
    tell(console, f"Lean {lean.version} is ready in {lean.root.parent}")
    return 0


@lean_app.command(name="doctor")
def lean_doctor(repo: Annotated[Path | None, Parameter(help="A project to look at.")] = None) -> int:
    """Say which Lean would be used, and why; what is missing, and the command that fixes it."""
    console = make_console()
    settings = load_settings()
    findings = doctor(settings.paths)
    show_findings(console, findings)
    if repo is not None:
        project = load_project(repo)
        console.print()
        tell(console, describe(choose_lean(settings, settings.paths, project)))
    return 1 if any(finding.level is Level.BAD for finding in findings) else 0


@lean_app.command
def path() -> int:
    """Print the folder of the embedded Lean. Exit code 4 when it is not installed."""
    paths = load_settings().paths
    found = find_lean(Path.cwd(), "", prefer=LeanChoice.EMBEDDED, paths=paths)
    sys.stdout.write(f"{paths.embedded_lean}\n")
    return 0 if found.installed else LeanError.exit_code
