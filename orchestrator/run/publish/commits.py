"""From verified proofs to commits: one a declaration, each with the files as they are after it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.gate.verdict import Verdict, VerdictStatus
from orchestrator.git.push import CommitDraft
from orchestrator.goals.goal import SorryKind, SourceSpan
from orchestrator.goals.result import HelperLemma
from orchestrator.run.report.summary import GoalReport
from orchestrator.source.helper_lemmas import with_helpers
from orchestrator.source.splice import splice_all


def plan_commits(
    reports: Iterable[GoalReport], texts: Mapping[str, str], *, blueprint: Mapping[str, str] | None = None
) -> tuple[CommitDraft, ...]:
    """Commits for the proofs that passed the gate, in the order of files and declarations, and one for the blueprint.

    Args:
        reports: of a run; those without an accepted verdict are left out, and so are proofs that rest on a sorry.
        texts: the Lean files of the commit worked on, by path.
        blueprint: new content of the blueprint's files, those that change.
    """
    by_declaration: dict[tuple[str, str], list[GoalReport]] = {}
    for report in reports:
        verdict = report.verdict
        unconditional = verdict is not None and verdict.accepted and verdict.status is not VerdictStatus.CONDITIONAL
        if unconditional and report.result is not None:
            by_declaration.setdefault((report.goal.file, report.goal.declaration), []).append(report)
    placed: dict[str, list[tuple[SourceSpan, str, SorryKind]]] = {}
    helpers: dict[str, list[HelperLemma]] = {}
    commits = []
    for (file, declaration), group in sorted(by_declaration.items()):
        changed = {file}
        for report in group:
            assert report.goal.span is not None
            assert report.result is not None
            proof = (report.goal.span, "\n".join(report.result.tactics), report.goal.kind)
            placed.setdefault(file, []).append(proof)
            for helper in report.result.helpers:
                helpers.setdefault(helper.file, []).append(helper)
                changed.add(helper.file)
        files = {path: _text(texts[path], helpers.get(path, ()), placed.get(path, ())) for path in sorted(changed)}
        commits.append(CommitDraft(_message(declaration, group), files))
    if blueprint:
        commits.append(CommitDraft("Blueprint: marks that say what is proved\n", dict(blueprint)))
    return tuple(commits)


def _text(text: str, helpers: Iterable[HelperLemma], placed: Iterable[tuple[SourceSpan, str, SorryKind]]) -> str:
    base = with_helpers(text, helpers)
    return splice_all(base.text, [(base.moved(span), script, kind) for span, script, kind in placed])


def _message(declaration: str, group: Iterable[GoalReport]) -> str:
    lines = [f"Prove {declaration}", ""]
    verdict: Verdict | None = None
    for report in group:
        result, verdict = report.result, report.verdict
        assert result is not None
        how = f" by {result.strategy.value}" if result.strategy else ""
        line = f"line {report.goal.span.start.line}: " if report.goal.span else ""
        lines.append(f"{line}closed{how} in {result.time_seconds:.1f} s:")
        lines += [f"    {tactic}" for step in result.tactics for tactic in step.split("\n")]
    if verdict is not None:
        lines += ["", "Checked from scratch: the statement is unchanged, and nothing else in the project is different."]
        lines.append(f"Axioms: {verdict.axioms_seen}")
    return "\n".join(lines) + "\n"
