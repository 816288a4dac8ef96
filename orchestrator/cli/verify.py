"""`verify`: what the gate says of a patch, without Prefect."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from orchestrator.cli.output import AsJson, OptionalRef, Repository, print_json
from orchestrator.cli.repository import elaborate, prepare
from orchestrator.cli.terminal import (
    make_console,
    say,
    show_problems,
    show_verdicts,
    tell,
)
from orchestrator.config import child_environment, load_settings
from orchestrator.errors import (
    LeanNotFound,
    OrchestratorError,
    PatchError,
    RepositoryError,
    RequestRefused,
    SessionError,
)
from orchestrator.gate.fillings import Allowance
from orchestrator.gate.gate import Gate
from orchestrator.gate.processes import OpenWorkspace
from orchestrator.gate.report import PatchReport, with_judgements
from orchestrator.gate.second_opinion import second_opinion
from orchestrator.lean import extraction
from orchestrator.lean.checkers import find_checkers
from orchestrator.lean.lake import lake_variables
from orchestrator.lean.native.repl import ReplLaunch
from orchestrator.lean.servers import Servers
from orchestrator.lean.workspace import Workspace
from orchestrator.run.verify import original_and_patched
from orchestrator.source.helper_lemmas import named_helpers
from orchestrator.source.loading import nothing_usable
from orchestrator.source.owner_rules import load_rules
from orchestrator.source.project import Project, SourceModule
from orchestrator.text import counted


def verify(
    repo: Repository,
    patch: Annotated[Path, Parameter(help="The patch to judge: proofs.patch of a run, or any other.")],
    *,
    ref: OptionalRef = None,
    helper: Annotated[
        tuple[str, ...], Parameter(help="A lemma that the patch adds; may be given more than once.")
    ] = (),
    export: Annotated[
        Path | None, Parameter(help="Keep what was judged in this file, as lean4export writes it, for other checkers.")
    ] = None,
    compiled: Annotated[
        bool,
        Parameter(
            help="Build a copy with the patch, and have leanchecker and SafeVerify look at it; your own Lean only."
        ),
    ] = False,
    json_: AsJson = False,
) -> int:
    """Judge a patch from scratch: a verdict for each declaration it proves. Exit code 5 when it must not be used.

    Examples
    --------
    orchestrator verify . out/proofs.patch  # the patch of a run, or anybody's
    orchestrator verify . out/proofs.patch --export proofs.ndjson   # for nanoda, lean4lean and others
    """
    console = make_console(stderr=json_)
    try:
        report = _verified(repo, patch, ref, frozenset(helper), console, export=export, compiled=compiled)
    except OrchestratorError as error:
        if json_:
            words = {"message": error.what, "where": error.where, "hint": error.hint}
            print_json({"accepted": False, "refused": words, "verdicts": [], "errors": {}, "differences": {}})
        raise
    if json_:
        print_json(_report_json(report))
    else:
        _show_report(console, report)
    return 0 if report.accepted else PatchError.exit_code


def _verified(
    repo: str,
    patch: Path,
    ref: str | None,
    helpers: frozenset[str],
    console: Console,
    *,
    export: Path | None,
    compiled: bool,
) -> PatchReport:
    text = read_patch(patch)
    project, servers = prepare(repo, ref, console)
    project, texts = original_and_patched(project, text)
    allowance = Allowance.of(load_rules(Path(project.root)), load_settings().allowed_axioms)
    if export is not None and servers.native is not None:
        hint = "Leave --export out; lean4export itself exports the modules that `lake build` compiles."
        raise LeanNotFound("A Lean of your own exports nothing to the gate yet", where="--export", hint=hint)
    if compiled and servers.native is None:
        hint = "Use a Lean of your own (ORCH_LEAN=native), or leave --compiled out."
        raise LeanNotFound("The embedded Lean makes no compiled files for checkers", where="--compiled", hint=hint)
    named = named_helpers(text) | helpers
    gate_of = partial(
        Gate,
        project,
        allowance=allowance,
        keeps_export=export is not None,
        not_checked=servers.not_checked,
    )
    report = asyncio.run(_judged(gate_of, project, texts, named, servers, console))
    if export is not None:
        _keep_export(export, report, console)
    if compiled and servers.native is not None and report.accepted:
        with console.status("building a copy with the patch, for other checkers"):
            report = _with_second_opinion(report, project, texts, servers.native, allowance.axioms)
    return report


async def _judged(
    gate_of: Callable[[extraction.Extraction, OpenWorkspace], Gate],
    project: Project,
    texts: Mapping[str, str],
    named: frozenset[str],
    servers: Servers,
    console: Console,
) -> PatchReport:
    """The gate's report. The embedded Lean elaborates the original once: where its patch is parsed, too."""
    if servers.native is not None:
        found = await elaborate(project, servers, console, texts)
        _must_elaborate(project, texts, found, console)
        with console.status("judging the patch"):
            return await gate_of(found, servers.for_gate).verify(texts, named=named)
    async with servers.fresh(project) as reading, servers.fresh(project) as judging:
        changed = [module for module in project.modules if module.path in texts]
        started = asyncio.ensure_future(judging.library(project.external_imports(changed[0].name)))
        try:
            found = await _original(reading, changed, texts, named, console)
        finally:
            await asyncio.gather(started, return_exceptions=True)
        _must_elaborate(project, texts, found, console)
        await reading.session.recycle_if_grown()
        with console.status("judging the patch"):
            return await gate_of(found, in_turn((reading, judging), servers.for_gate)).verify(texts, named=named)


async def _original(
    workspace: Workspace,
    changed: Sequence[SourceModule],
    texts: Mapping[str, str],
    named: frozenset[str],
    console: Console,
) -> extraction.Extraction:
    """What elaborating the original gives: of the changed files and their imports, or of all where a lemma is new."""
    workspace.examples = True
    project = workspace.project
    below = {one.name for module in changed for one in (*project.closure(module.name), module)}
    modules = [module for module in project.modules if named or module.name in below]
    with console.status("elaborating"):
        for module in changed:
            # A file that Lean breaks on is told of when it is extracted.
            with suppress(SessionError, RequestRefused):
                await workspace.compare(module.name, texts[module.path])
        return await extraction.extract(workspace, modules)


def in_turn(workspaces: Iterable[Workspace], fresh: OpenWorkspace) -> OpenWorkspace:
    """Gives these workspaces of the original, which are ended elsewhere, one after the other, then fresh ones."""
    waiting = list(workspaces)

    @asynccontextmanager
    async def opened(project: Project) -> AsyncIterator[Workspace]:
        if waiting and project is waiting[0].project:
            yield waiting.pop(0)
            return
        async with fresh(project) as workspace:
            yield workspace

    return opened


def _keep_export(file: Path, report: PatchReport, console: Console) -> None:
    """Write the export of a patch that was elaborated.

    Raises:
        RepositoryError: the file cannot be written.
    """
    if not report.export:
        say(console, "yellow", "note:", "nothing was exported: Lean refused the patch, or it was refused as it stands")
        return
    try:
        file.write_text("\n".join(report.export) + "\n", encoding="utf-8", errors="surrogatepass")
    except OSError as error:
        hint = "Name a file in a folder that exists."
        raise RepositoryError(f"The export cannot be written: {error.strerror}", where=str(file), hint=hint) from error
    say(console, "green", "exported", f"{counted(len(report.export), 'line')} to {file}")


def _show_report(console: Console, report: PatchReport) -> None:
    show_verdicts(console, report.verdicts)
    advice = [f"{verdict.declaration}: {verdict.advice}" for verdict in report.verdicts if verdict.advice]
    warnings = [f"{verdict.file}: {word}" for verdict in report.verdicts for word in verdict.warnings]
    unchecked = [word for verdict in report.verdicts for word in verdict.not_checked]
    errors = [f"{file}:{m.start.line}: {m.text}" for file, messages in report.errors.items() for m in messages[:3]]
    differences = [f"{file}: {word}" for file, words in report.differences.items() for word in words]
    for style, label, lines in (
        ("red", "error:", errors),
        ("red", "changed:", differences),
        ("cyan", "to do:", advice),
        ("yellow", "look at", dict.fromkeys(warnings)),
        ("yellow", "not checked:", dict.fromkeys(unchecked)),
    ):
        for line in lines:
            say(console, style, label, line)
    accepted = sum(verdict.accepted for verdict in report.verdicts)
    summary = f"{accepted} of {counted(len(report.verdicts), 'declaration')} accepted"
    tell(console, summary if report.verdicts else "The patch closes no sorry")


def _report_json(report: PatchReport) -> dict[str, object]:
    verdicts = [
        {
            **asdict(verdict),
            "reason": verdict.reason,
            "advice": verdict.advice,
            "axioms_seen": verdict.axioms_seen,
            "checks": [
                {"check": c.name, "question": c.name.question, "passed": c.passed, "detail": c.detail}
                for c in verdict.checks
            ],
        }
        for verdict in report.verdicts
    ]
    errors = {file: [message.text for message in messages] for file, messages in report.errors.items()}
    differences = {file: words for file, words in report.differences.items() if words}
    return {"accepted": report.accepted, "verdicts": verdicts, "errors": errors, "differences": differences}


def _with_second_opinion(
    report: PatchReport, project: Project, texts: Mapping[str, str], native: ReplLaunch, axioms: frozenset[str]
) -> PatchReport:
    # leanchecker comes with Lean, which is not on the PATH where elan is.
    toolchain = str(Path(lake_variables(native.folder, native.lake)["LEAN_SYSROOT"], "bin"))
    said = second_opinion(
        native.folder,
        project,
        texts,
        lake=native.lake,
        found=find_checkers(os.pathsep.join((child_environment(("PATH",)).get("PATH", os.defpath), toolchain))),
        theorems=[verdict.declaration for verdict in report.verdicts],
        axioms=sorted(axioms),
    )
    return with_judgements(report, said)


def read_patch(patch: Path) -> str:
    """The text of a patch file. Raises PatchError: it cannot be read."""
    try:
        text = patch.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        hint = "Name a file, such as the proofs.patch that a run writes."
        raise PatchError(f"The patch cannot be read: {error.strerror}", where=str(patch), hint=hint) from error
    if not text.strip():
        raise PatchError("The patch is empty: there is nothing to judge", where=str(patch))
    return text


def _must_elaborate(project: Project, texts: Mapping[str, str], found: extraction.Extraction, console: Console) -> None:
    """Show what was left out. Raises RepositoryError, PatchError: that is all, or a file that the patch changes."""
    if not found.declarations and found.problems:
        raise nothing_usable(project, (*project.problems, *found.problems))
    show_problems(console, (*project.problems, *found.problems))
    for path in texts:
        if project.by_path[path].name not in found.declarations:
            hint = "Only changes of files that Lean accepts can be compared with the original."
            raise PatchError("The patch changes a file that does not elaborate without it", where=path, hint=hint)
