"""What a run comes to: its summary, its patches and commits, written and published."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.blueprint.sync import BlueprintUpdate
from orchestrator.errors import PublishError
from orchestrator.gate.selection import GateReport
from orchestrator.git.push import CommitDraft
from orchestrator.goals.result import GoalStatus
from orchestrator.marketplace.trade import Trade
from orchestrator.run.assembly import run_config
from orchestrator.run.publish.commits import plan_commits
from orchestrator.run.publish.publish import comment_on_push, host_of, publish
from orchestrator.run.report.files import BLUEPRINT_PATCH, PATCH, write_outputs
from orchestrator.run.report.plots import plots
from orchestrator.run.report.render import to_html, to_markdown
from orchestrator.run.report.summary import GoalReport, Summary, attempts_jsonl
from orchestrator.run.run import Beginning, Run
from orchestrator.source.diff import unified_diff
from orchestrator.source.helper_lemmas import naming
from orchestrator.source.loading import coverage
from orchestrator.text import counted

_PROVED = (GoalStatus.SOLVED, GoalStatus.CONDITIONAL)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a run leaves.

    Attributes:
        patch: one diff over all changed files, for `git apply` at the root of the repository.
        blueprint_patch: the marks that make the blueprint true.
        commits: what is published, where that is asked for.
        refused: why it was not published; None when it was, or was not asked for.
        folder: where the results were written; "" for nowhere.
    """

    summary: Summary
    patch: str
    blueprint_patch: str
    commits: Sequence[CommitDraft]
    refused: PublishError | None = None
    folder: str = ""


def conclude(
    run: Run,
    started: Beginning,
    reports: Sequence[GoalReport],
    gate: GateReport,
    update: BlueprintUpdate,
    trades: Sequence[Trade] = (),
) -> Conclusion:
    """What a run leaves, noted in its ledger, too; the patch names the lemmas it adds."""
    checkout, project, extraction = run.repository.checkout, run.project, run.extraction
    notes = [*extraction.notes, *update.problems]
    if checkout.dirty:
        notes.append("the folder has changes that are not committed; they were not looked at")
    summary = Summary(
        run_id=run.ledger.run_id,
        repo=checkout.source,
        ref=checkout.ref,
        commit=checkout.commit,
        started=started.at,
        wall_seconds=started.seconds,
        goals=reports,
        attempts=tuple(run.ledger.made),
        config=run_config(run.settings),
        problems=(*project.problems, *extraction.problems),
        notes=notes,
        coverage=coverage(project, extraction.problems),
        blueprint=update.marks,
        lean=run.servers.description,
        stopped=run.ledger.stop.reason,
        ended=run.ledger.ended,
        trades=trades,
        lean_servers=run.servers.count,
        lean_seconds=run.servers.meter.seconds,
        lean_processes=run.servers.meter.processes,
    )
    values = summary.to_dict()
    run.ledger.totals = {key: values[key] for key in ("goals_total", "goals_processed", "goals_solved")}
    changes = {path: (project.by_path[path].text, text) for path, text in gate.texts.items()}
    return Conclusion(
        summary=summary,
        patch=naming(helper for proof in gate.accepted for helper in proof.helpers) + unified_diff(changes),
        blueprint_patch=update.patch,
        commits=plan_commits(reports, {m.path: m.text for m in project.modules}, blueprint=update.texts),
    )


def published(run: Run, end: Conclusion) -> Conclusion:
    """Push the branch, open or update the request, comment on the push; what was done stands in the summary's notes."""
    request, access, summary = run.request, run.request.host, end.summary.to_dict()
    try:
        host = host_of(access) if access is not None and access.token else None
        done = publish(
            request.publish,
            run.repository.checkout,
            end.commits,
            summary,
            branch=run.repository.rules.publish_branch,
            host=host,
            access=access,
        )
        if host is not None and request.comment_on:
            done += comment_on_push(host, request.comment_on, summary)
    except PublishError as error:
        return _noted(replace(end, refused=error), f"not published: {error}")
    return _noted(end, *done)


def _noted(end: Conclusion, *notes: str) -> Conclusion:
    return replace(end, summary=replace(end.summary, notes=(*end.summary.notes, *notes)))


def write_results(end: Conclusion, out: str) -> Conclusion:
    """Write summary, patches and reports to a folder, "" for nowhere; where they are is the answer's `folder`.

    A patch that proves more of the same commit stays as it is: then the results go into a folder below, and a note says
    so. Raises OrchestratorError: they cannot be written.
    """
    if not out:
        return end
    folder, before = Path(out), _fuller(Path(out), end.summary)
    if before:
        folder /= end.summary.run_id
        now = end.summary.solved + end.summary.conditional
        more = f"{counted(before, 'sorry', 'sorries')} of this commit, this run {now}"
        end = _noted(end, f"{Path(out, PATCH)} is kept: it proves {more}; the results of this run are in {folder}")
    pictures = plots(end.summary)
    results = {
        "summary.json": end.summary.to_json(),
        PATCH: end.patch,
        **({BLUEPRINT_PATCH: end.blueprint_patch} if end.blueprint_patch else {}),
        "report.md": to_markdown(end.summary, plots=tuple(pictures)),
        "report.html": to_html(end.summary),
        **pictures,
        "attempts.jsonl": attempts_jsonl(end.summary.attempts),
    }
    write_outputs(folder, results)
    if not end.blueprint_patch:
        (folder / BLUEPRINT_PATCH).unlink(missing_ok=True)  # of an earlier run, whose marks are true by now
    return replace(end, folder=str(folder))


def _fuller(folder: Path, summary: Summary) -> int:
    """How many sorries the patch in a folder proves, if that is more of the same commit than a run does; else 0."""
    try:
        before = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        same = (before["repo"], before["commit"]) == (summary.repo, summary.commit)
        proved = {goal["id"] for goal in before["goals"] if goal["status"] in _PROVED}
        usable = same and (folder / PATCH).stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    refused = {report.goal.id for report in summary.goals if report.status is GoalStatus.REJECTED}
    more = len(proved) > summary.solved + summary.conditional
    return len(proved) if usable and more and not proved & refused else 0


def end_message(end: Conclusion) -> str:
    """Such as "25 of 34 solved, patch: /data/runs/…/proofs.patch"."""
    words = f"{end.summary.solved} of {len(end.summary.goals)} solved"
    return f"{words}, patch: {Path(end.folder, PATCH)}" if end.folder and end.patch else words
