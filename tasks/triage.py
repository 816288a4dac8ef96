"""Stage: what not to spend the night on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import CheckoutError
from orchestrator.git.checkout import Checkout, checkout
from orchestrator.goals.events import Notice, StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.lean.pool import Pool
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.run.ledger import RunLedger
from orchestrator.run.stop import in_background
from orchestrator.run.triage.changes import changed_modules
from orchestrator.run.triage.other_branches import Branch
from orchestrator.run.triage.triage import Triage, leave, look_false
from orchestrator.source.loading import load_project
from orchestrator.source.owner_rules import Rules
from orchestrator.source.project import Project
from orchestrator.text import counted
from tasks.stage import stage


@stage("triage")
async def triage(
    goals: Sequence[Goal],
    project: Project,
    rules: Rules,
    branches: Sequence[Branch],
    pool: Pool | None,
    ledger: RunLedger,
    lean: str,
    answers: ContentCache,
) -> Triage:
    """Which goals are left alone, and which look false; without a pool nobody looks for counterexamples."""
    left = leave(goals, project, rules, branches)
    unknown = [goal for goal in goals if goal.id not in left and ledger.known_proof(goal) is None]
    if pool is None or not unknown:
        return Triage(left)
    notify(StageStarted("triage", f"{counted(len(unknown), 'goal')}: is it false for small values?"))
    false = await look_false(
        unknown, project, pool, lean=lean, answers=answers, stopping=lambda: bool(ledger.stop.requests)
    )
    return Triage(left, false)


async def other_branches(found: Checkout, names: Sequence[str], cache: Path, *, ours: str = "") -> tuple[Branch, ...]:
    """The Lean files of other branches, and of the one that `ours` names; one that cannot be had is left out.

    It is told of, but for ours, which is there only while proofs of ours wait to be taken.
    """
    branches = []
    for name in dict.fromkeys((*names, *([ours] if ours else []))):
        if name == found.ref:
            continue
        texts = await texts_at(found, name, cache, quiet=name == ours)
        if texts is not None:
            branches.append(Branch(name, texts))
    return tuple(branches)


async def modules_changed(found: Checkout, project: Project, since: str, cache: Path) -> frozenset[str]:
    """Names of the modules that changed since a commit; all of them when there is no such commit."""
    texts = await texts_at(found, since, cache) if since.strip("0") else None
    return changed_modules(texts or {}, project)


async def texts_at(found: Checkout, ref: str, cache: Path, *, quiet: bool = False) -> dict[str, str] | None:
    """The Lean files at another commit of the same repository, by path; None when it cannot be had."""

    def work() -> dict[str, str]:
        other = checkout(found.source, ref, cache=cache)
        return {module.path: module.text for module in load_project(other.path).modules}

    try:
        return await in_background(work)
    except CheckoutError as error:
        if not quiet:
            notify(Notice(f"{ref} was not compared with: {error}"))
        return None
