"""The gate in a run: its proofs judged from scratch, unless just these were before; and patches as texts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.errors import PatchError
from orchestrator.gate.gate import Gate
from orchestrator.gate.second_opinion import fails_to_build
from orchestrator.gate.selection import GateReport, Proof, Selection, known_gate, recalled_report
from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus
from orchestrator.git.apply import apply_patch
from orchestrator.goals.events import Notice, StageStarted, notify
from orchestrator.run.run import Run
from orchestrator.source.project import Project
from orchestrator.text import counted


async def verify(run: Run, proofs: Sequence[Proof]) -> GateReport:
    """Replay the project with the proofs in place on fresh servers and keep those that pass together."""
    if proofs:
        notify(StageStarted("verify", f"{counted(len(proofs), 'proof')}, from scratch on a fresh server"))
    servers = run.servers
    gate = Gate(run.project, run.extraction, servers.for_gate, allowance=run.allowance, not_checked=servers.not_checked)
    return await known_gate(run.answers, run.project, _asked(run), proofs, lambda: _selected(run, gate, proofs))


async def _selected(run: Run, gate: Gate, proofs: Sequence[Proof]) -> GateReport:
    """Proofs that pass together and that Lake builds with; a file that it does not build takes its proofs out."""
    report = await Selection(gate).select(proofs)
    for words in dict.fromkeys(report.not_judged.values()):
        notify(Notice(f"not judged: {words}"))
    while run.servers.copy is not None and report.accepted:
        copy = run.servers.copy
        notify(StageStarted("build", f"{counted(len(report.texts), 'file')} with what is proved, by `lake build`"))
        failing = await asyncio.to_thread(fails_to_build, copy.folder, run.project, report.texts, lake=copy.lake)
        lost = [proof for proof in report.accepted if proof.goal.file in failing]
        if not lost:
            return report
        left = await Selection(gate).select([proof for proof in report.accepted if proof not in lost])
        refused = {proof.goal.id: _not_built(proof, failing[proof.goal.file]) for proof in lost}
        report = replace(
            left,
            verdicts={**report.verdicts, **left.verdicts, **refused},
            not_judged={**report.not_judged, **left.not_judged},
        )
    return report


def _not_built(proof: Proof, words: str) -> Verdict:
    check = Check(CheckName.COMPILES, False, f"`lake build` fails with what was proved in the file: {words}")
    return Verdict(proof.goal.declaration, proof.goal.file, VerdictStatus.FAILED, (check,))


def recalled_verdicts(run: Run, proofs: Sequence[Proof]) -> GateReport | None:
    """What the gate said of just these proofs, and would say of none; None when it was not asked."""
    if not proofs:
        return GateReport((), {}, {}, run.extraction.declarations)
    return recalled_report(run.answers, run.project, _asked(run), proofs)


def _asked(run: Run) -> str:
    return " ".join((run.servers.identity, str(run.allowance), *run.servers.not_checked))


def original_and_patched(project: Project, patch: str) -> tuple[Project, dict[str, str]]:
    """The project without the patch, and the patched files' texts, whether or not the patch is applied already.
    Raises PatchError: it applies neither forwards nor backwards, or touches what is no module of the project.
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
    _check_modules(project, texts)
    return project, texts


def patched_texts(project: Project, patch: str) -> dict[str, str]:
    """The patched files' texts. Raises PatchError: it does not apply, or touches what is no module of the project."""
    texts = dict(apply_patch(Path(project.root), patch))
    _check_modules(project, texts)
    return texts


def _check_modules(project: Project, texts: Mapping[str, str]) -> None:
    strangers = sorted(set(texts) - set(project.by_path))
    if strangers:
        hint = "Only changes of files that belong to its lakefile's targets can be judged."
        raise PatchError("The patch touches a file that is no module of the project", where=strangers[0], hint=hint)
