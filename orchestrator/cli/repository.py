"""A repository that a command names: its project, built where asked, its servers, and what Lean finds in it."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from orchestrator.cli.output import absolute
from orchestrator.cli.terminal import (
    say,
)
from orchestrator.config import load_settings
from orchestrator.git.checkout import checkout
from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.lean import extraction
from orchestrator.lean.lake import BUILD_SECONDS, build
from orchestrator.lean.servers import Servers, build_of_url, choose_lean, provision, usable
from orchestrator.lean.toolchain import no_native, probe_native
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project, SourceModule
from orchestrator.text import one_line


def build_project(repo: str, ref: str, console: Console) -> None:
    """Run `lake build` in the user's own folder, or in our copy of a URL; Mathlib's cache is fetched first.

    Raises:
        LeanNotFound: there is no lake.
        RepositoryError: it cannot be had, or does not build.
    """
    folder, paths = Path(repo).expanduser(), load_settings().paths
    is_ours = not folder.is_dir()
    if is_ours:
        found = checkout(repo, ref, cache=paths.checkouts)
        folder = found.path
    native = probe_native(folder)
    if native is None:
        raise no_native()
    with console.status("lake build"):
        if is_ours:
            build_of_url(repo, load_project(folder, commit=found.commit), paths, native.lake)
        else:
            build(folder.resolve(), native.lake, seconds=BUILD_SECONDS)


def open_project(repo: str, ref: str | None) -> Project:
    """The project at `ref`, or the folder as it is when no ref is given. Raises RepositoryError: it cannot be had."""
    return open_repository(repo, ref)[0]


def open_repository(repo: str, ref: str | None) -> tuple[Project, Path | None]:
    """The same, and where the repository's tree begins when it is one of ours, which has no `.git`.
    Raises RepositoryError: it cannot be had.
    """
    folder = absolute(repo)
    if ref is None and folder.is_dir():
        return load_project(folder), None
    found = checkout(repo, ref or "HEAD", cache=load_settings().paths.checkouts)
    return load_project(found.path, commit=found.commit), found.top


def prepare(repo: str, ref: str | None, console: Console) -> tuple[Project, Servers]:
    """The project at `ref`, or the folder as it is when no ref is given, and servers for it.

    Raises:
        RepositoryError: it cannot be had, or holds no file that could be worked on.
        LeanError: Lean cannot be used.
    """
    settings = load_settings()
    paths = settings.paths
    project = usable(settings, paths, open_project(repo, ref))
    lean = choose_lean(settings, paths, project)
    for warning in lean.warnings:
        say(console, "yellow", "note:", warning)
    with console.status("setting up Lean"):
        return project, provision(settings, paths, lean, project, repo=repo)


async def elaborate(
    project: Project, servers: Servers, console: Console, also: Collection[str] = ()
) -> extraction.Extraction:
    """Every sorry of the project, from a Lean server of its own; files in `also` are looked at whatever they hold."""
    done = count(1)
    with console.status("elaborating") as status:

        def progress(module: SourceModule) -> None:
            status.update(f"elaborating file {next(done)} of {len(modules)}: {escape(one_line(module.path))}")

        async with servers.fresh(project) as workspace:
            modules = await extraction.to_elaborate(workspace.session, project.modules, also)
            return await extraction.extract(workspace, modules, difficulty=estimated_difficulty, progress=progress)
