"""What a run comes to: its summary, its patches and commits, written and published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.blueprint.sync import BlueprintUpdate
from orchestrator.errors import PublishError
from orchestrator.gate.selection import GateReport
from orchestrator.git.push import CommitDraft
from orchestrator.marketplace.trade import Trade
from orchestrator.run.assembly import run_config
from orchestrator.run.publish.commits import plan_commits
from orchestrator.run.publish.publish import comment_on_push, host_of, publish
from orchestrator.run.report.files import write_outputs
from orchestrator.run.report.plots import plots
from orchestrator.run.report.render import to_html, to_markdown
from orchestrator.run.report.summary import GoalReport, Summary, attempts_jsonl
from orchestrator.run.run import Beginning, Run
from orchestrator.source.diff import unified_diff
from orchestrator.source.helper_lemmas import naming
from orchestrator.source.loading import coverage


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a run leaves.

    Attributes:
        patch: one diff over all changed files, for `git apply` at the root of the repository.
        blueprint_patch: the marks that make the blueprint true.
        commits: what is published, where that is asked for.
        refused: why it was not published; None when it was, or was not asked for.
    """

    summary: Summary
    patch: str
    blueprint_patch: str
    commits: Sequence[CommitDraft]
    refused: PublishError | None = None


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
        trades=trades,
        lean_servers=run.servers.count,
        lean_seconds=run.servers.meter.seconds,
        lean_processes=run.servers.meter.processes,
    )
    counted = summary.to_dict()
    run.ledger.totals = {key: counted[key] for key in ("goals_total", "goals_processed", "goals_solved")}
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


def write_results(end: Conclusion, out: str) -> None:
    """Write summary, patches and reports to a folder, "" for nowhere.
    Raises OrchestratorError: they cannot be written.
    """
    if not out:
        return
    pictures = plots(end.summary)
    results = {
        "summary.json": end.summary.to_json(),
        "proofs.patch": end.patch,
        "blueprint.patch": end.blueprint_patch,
        "report.md": to_markdown(end.summary, plots=tuple(pictures)),
        "report.html": to_html(end.summary),
        **pictures,
        "attempts.jsonl": attempts_jsonl(end.summary.attempts),
    }
    write_outputs(Path(out), results)
