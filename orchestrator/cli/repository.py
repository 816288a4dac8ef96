"""The commands that need no Prefect: extract, verify, and those about Lean itself."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

from orchestrator.cli.terminal import make_console, say, show_findings, show_goals, show_problems, show_verdicts
from orchestrator.config import LeanChoice, child_environment, load_settings
from orchestrator.errors import LeanNotFound, PatchError, RepositoryError
from orchestrator.gate.gate import Gate, PatchReport, with_judgements
from orchestrator.gate.second_opinion import second_opinion
from orchestrator.git.apply import apply_patch
from orchestrator.git.checkout import checkout
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.lean.checkers import find_checkers
from orchestrator.lean.doctor import doctor
from orchestrator.lean.embedded.install import INSTALLATION, ensure_embedded
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.lake import BUILD_SECONDS, build
from orchestrator.lean.native.repl import ReplLaunch
from orchestrator.lean.servers import Servers, choose_lean, lake_folder, provision, usable
from orchestrator.lean.toolchain import describe, find_lean, probe_native
from orchestrator.source.helper_lemmas import named_helpers
from orchestrator.source.loading import load_project, nothing_usable
from orchestrator.source.project import Project
from orchestrator.source.scan import proofs_wanted, scan
from orchestrator.text import counted, one_line

lean_app = App(name="lean", help="The Lean that proofs are checked with: install it, see which one is used.")

Embedded = Annotated[bool, Parameter(negative="", help="Make everything anew.")]


@lean_app.command
def install(*, force: Embedded = False) -> int:
    """Install the embedded Lean: about 120 MB to download, 400 MB on disk, once for each user."""
    console = make_console()
    paths = load_settings().paths
    seen: set[str] = set()

    def progress(step: str, _done: float | None) -> None:
        if step not in seen:
            seen.add(step)
            console.print(f"  {INSTALLATION.get(step, step)} …", highlight=False)

    lean = ensure_embedded(paths, progress=progress, force=force)
    console.print(f"Lean {lean.version} is ready in {lean.root.parent}", highlight=False, soft_wrap=True)
    return 0


@lean_app.command(name="doctor")
def lean_doctor(repo: Annotated[Path | None, Parameter(help="A project to look at.")] = None) -> int:
    """Say which Lean would be used, and why; what is missing, and the command that mends it."""
    console = make_console()
    settings = load_settings()
    paths = settings.paths
    findings = doctor(paths)
    show_findings(console, findings)
    if repo is not None:
        project = load_project(repo)
        console.print()
        console.print(escape(describe(choose_lean(settings, paths, project))), highlight=False, soft_wrap=True)
    return 1 if any(finding.level.value == "bad" for finding in findings) else 0


@lean_app.command
def path() -> int:
    """Print the folder of the embedded Lean. Exit code 4 when it is not installed."""
    settings = load_settings()
    paths = settings.paths
    found = find_lean(Path.cwd(), "", prefer=LeanChoice.EMBEDDED, paths=paths)
    sys.stdout.write(f"{paths.embedded_lean}\n")
    return 0 if found.installed else 4


def run_extract(repo: str, ref: str | None, *, as_json: bool, console: Console) -> int:
    """List the open places of a repository.

    Raises:
        RepositoryError: it cannot be had, or no file of it elaborates.
        LeanError: Lean cannot be used.
    """
    project, servers = prepare(repo, ref, console)
    found = asyncio.run(elaborate(project, servers, console))
    problems = (*project.problems, *found.problems)
    if as_json:
        value = {
            "commit": project.commit,
            "goals": [{**asdict(goal), "kind": goal.kind.value} for goal in found.goals],
            "problems": [asdict(problem) for problem in problems],
            "notes": list(found.notes),
        }
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    if not found.declarations:
        raise nothing_usable(project, problems)
    if not as_json:
        show_goals(console, found.goals)
    show_problems(console, problems)
    for note in found.notes:
        say(console, "yellow", "note:", note)
    return 0


def run_extract_static(repo: str, ref: str | None, *, as_json: bool, console: Console) -> int:
    """List what the text of a repository's modules leaves open, `proof_wanted` included; no Lean is asked.

    Raises:
        RepositoryError: it cannot be had.
    """
    project = open_project(repo, ref)
    found = [(module.path, place) for module in project.modules for place in scan(module.text)]
    wanted = [(module.path, place) for module in project.modules for place in proofs_wanted(module.text)]
    if as_json:
        value = {
            "commit": project.commit,
            "places": [{"file": path, **asdict(place)} for path, place in found],
            "proofs_wanted": [{"file": path, **asdict(place)} for path, place in wanted],
            "problems": [asdict(problem) for problem in project.problems],
        }
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
        return 0
    for path, place in found:
        name = place.declaration or f"a {place.keyword or 'command'} without a name"
        start = place.span.start
        console.print(f"{path}:{start.line}:{start.column} {place.word} in {name}", highlight=False, soft_wrap=True)
    for path, asked in wanted:
        where = f"{path}:{asked.span.start.line}:{asked.span.start.column}"
        console.print(f"{where} proof_wanted {asked.declaration}", highlight=False, soft_wrap=True)
    show_problems(console, project.problems)
    files = len({path for path, _ in found})
    console.print(
        f"{counted(len(found), 'open place')} in {counted(files, 'file')} of {len(project.modules)}, "
        f"{len(wanted)} proof_wanted",
        highlight=False,
    )
    return 0


def run_verify(
    repo: str,
    ref: str | None,
    patch: Path,
    *,
    as_json: bool,
    console: Console,
    helpers: Collection[str] = (),
    compiled: bool = False,
) -> int:
    """Judge a patch; exit code 5 when it must not be used.

    With `compiled`, the checkers of other people that are installed look at the compiled files, too.

    Raises:
        RepositoryError, LeanError: as `run_extract` does.
        PatchError: it cannot be judged.
    """
    text = read_patch(patch)
    project, servers = prepare(repo, ref, console)
    project, texts = original_and_patched(project, text)
    names = named_helpers(text) | frozenset(helpers)
    axioms = STANDARD_AXIOMS | load_settings().allowed_axioms
    lake = _lake_for(servers) if compiled else None
    report = asyncio.run(judge_patch(project, texts, servers, console, helpers=names, allowed_axioms=axioms))
    if lake is not None and report.accepted:
        with console.status("building a copy with the patch, for other checkers"):
            report = _with_second_opinion(report, project, texts, lake, axioms)
    if as_json:
        sys.stdout.write(json.dumps(report_json(report), ensure_ascii=False, indent=2) + "\n")
        return 0 if report.accepted else PatchError.exit_code
    show_verdicts(console, report.verdicts)
    for file, messages in report.errors.items():
        for message in messages[:3]:
            say(console, "red", "error:", f"{file}:{message.start.line}: {message.text}")
    for file, words in report.differences.items():
        for word in words:
            say(console, "red", "changed:", f"{file}: {word}")
    for label, words in (("look at", warnings_of(report)), ("not checked:", unchecked_by(report))):
        for word in words:
            say(console, "yellow", label, word)
    accepted = sum(verdict.accepted for verdict in report.verdicts)
    of_all = f"{accepted} of {counted(len(report.verdicts), 'declaration')} accepted"
    console.print(of_all if report.verdicts else "The patch closes no open place", highlight=False)
    return 0 if report.accepted else PatchError.exit_code


def _lake_for(servers: Servers) -> ReplLaunch:
    if servers.native is None:
        raise LeanNotFound(
            "The embedded Lean makes no compiled files for other checkers",
            where="--compiled",
            hint="Use a Lean of your own (ORCH_LEAN=native), or leave --compiled out.",
        )
    return servers.native


def _with_second_opinion(
    report: PatchReport, project: Project, texts: Mapping[str, str], native: ReplLaunch, axioms: frozenset[str]
) -> PatchReport:
    said = second_opinion(
        native.folder,
        {module.path: module.text for module in project.modules},
        texts,
        {path: project.by_path[path].name for path in texts},
        lake=native.lake,
        found=find_checkers(child_environment(("PATH",)).get("PATH", os.defpath)),
        theorems=[verdict.declaration for verdict in report.verdicts],
        axioms=sorted(axioms),
    )
    return with_judgements(report, said)


def build_project(repo: str, console: Console) -> None:
    """Run `lake build` in the user's own folder, with Mathlib's cache fetched first where there is Mathlib.

    Raises:
        LeanNotFound: there is no lake.
        RepositoryError: it is no folder, or does not build.
    """
    folder = Path(repo).expanduser()
    if not folder.is_dir():
        raise RepositoryError(
            "Only a folder can be built", where=repo, hint="Clone the repository and name its folder."
        )
    native = probe_native(folder)
    if native is None:
        raise LeanNotFound("lean and lake were not found", where="PATH", hint="Install elan.")
    with console.status("lake build"):
        build(folder.resolve(), native.lake, seconds=BUILD_SECONDS)


def read_patch(patch: Path) -> str:
    """The text of a patch file.

    Raises:
        PatchError: it cannot be read.
    """
    try:
        text = patch.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        hint = "Name a file, such as the proofs.patch that a run writes."
        raise PatchError(f"The patch cannot be read: {error.strerror}", where=str(patch), hint=hint) from error
    if not text.strip():
        raise PatchError("The patch is empty: there is nothing to judge", where=str(patch))
    return text


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
        hint = "Only changes of files that belong to its lakefile's targets can be judged."
        raise PatchError("The patch touches a file that is no module of the project", where=strangers[0], hint=hint)
    return project, texts


def open_project(repo: str, ref: str | None) -> Project:
    """The project at `ref`, or the folder as it is when no ref is given.

    Raises:
        RepositoryError: it cannot be had.
    """
    folder = Path(os.path.abspath(os.path.expanduser(repo)))
    if ref is None and folder.is_dir():
        return load_project(folder)
    found = checkout(repo, ref or "HEAD", cache=load_settings().paths.checkouts)
    return load_project(found.path, commit=found.commit)


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
        return project, provision(settings, paths, lean, folder=lake_folder(repo, project))


async def elaborate(project: Project, servers: Servers, console: Console) -> Extraction:
    """Every open place of the project, from a Lean server of its own."""
    done = count(1)
    with console.status("elaborating") as status:
        async with servers.fresh(project) as workspace:
            return await extract(
                workspace,
                project.modules,
                difficulty=estimated_difficulty,
                progress=lambda m: status.update(
                    f"elaborating file {next(done)} of {len(project.modules)}: {escape(one_line(m.path))}"
                ),
            )


async def judge_patch(
    project: Project,
    texts: Mapping[str, str],
    servers: Servers,
    console: Console,
    *,
    helpers: frozenset[str] = frozenset(),
    allowed_axioms: frozenset[str] = STANDARD_AXIOMS,
) -> PatchReport:
    """The gate's report on changed files.

    Raises:
        RepositoryError: no file elaborates.
        PatchError: one that is to be changed does not elaborate as it is.
    """
    found = await elaborate(project, servers, console)
    if not found.declarations:
        raise nothing_usable(project, (*project.problems, *found.problems))
    show_problems(console, (*project.problems, *found.problems))
    for path in texts:
        if project.by_path[path].name not in found.declarations:
            hint = "Only changes of files that Lean accepts can be compared with the original."
            raise PatchError("The patch changes a file that does not elaborate without it", where=path, hint=hint)
    with console.status("replaying the project with the patch"):
        gate = Gate(project, found, servers.fresh, allowed_axioms=allowed_axioms, not_checked=servers.not_checked)
        return await gate.verify(texts, named=helpers)


def warnings_of(report: PatchReport) -> tuple[str, ...]:
    """What a reader of the patch should look at twice, each file and word once."""
    return tuple(dict.fromkeys(f"{v.file}: {word}" for v in report.verdicts for word in v.warnings))


def unchecked_by(report: PatchReport) -> tuple[str, ...]:
    """What could not be looked at, each thing once."""
    return tuple(dict.fromkeys(word for v in report.verdicts for word in v.not_checked))


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
                "warnings": list(verdict.warnings),
            }
            for verdict in report.verdicts
        ],
        "errors": {file: [message.text for message in messages] for file, messages in report.errors.items()},
        "differences": {file: list(words) for file, words in report.differences.items() if words},
    }
