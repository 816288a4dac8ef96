"""Triage of a project's goals: which are left to people, and which look false."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.blueprint.graph import worth
from orchestrator.blueprint.loading import load
from orchestrator.blueprint.status import evaluate
from orchestrator.errors import CheckoutError, RequestRefused, SessionError
from orchestrator.git.checkout import Checkout, checkout
from orchestrator.goals.events import Notice, StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.ledger.content_cache import ContentCache, content_key
from orchestrator.machine import LocalMachine, Machine
from orchestrator.run.blueprint import blueprint_facts
from orchestrator.run.outcomes import left_alone
from orchestrator.run.request import Publish
from orchestrator.run.run import Run
from orchestrator.run.stop import in_background
from orchestrator.run.triage.changes import changed_modules, goals_at, in_order, touched_goals
from orchestrator.run.triage.exclusions import reason_to_leave
from orchestrator.run.triage.other_branches import Branch, proved_elsewhere
from orchestrator.source.loading import load_project
from orchestrator.source.owner_rules import Rules
from orchestrator.source.project import Project
from orchestrator.strategies.base import GoalOpener
from orchestrator.strategies.refute.counterexample import REVISION, attempts_on, find_counterexample
from orchestrator.strategies.refute.values import declared
from orchestrator.text import counted

SECONDS = 2.0
BUSY = 0.5
"""The load of a machine from which on a search had less than its time."""


@dataclass(frozen=True, slots=True)
class Triage:
    """What a run works on.

    Attributes:
        left: by goal id, why it is left alone.
        false: by goal id, the values for which it is false.
        goals: the others, in the order in which they are taken.
    """

    considered: tuple[Goal, ...]
    left: Mapping[str, str]
    false: Mapping[str, str]
    goals: tuple[Goal, ...]


async def triage(run: Run) -> Triage:
    """Which goals a run works on, and why not on the others.
    Raises RepositoryError: it is about one goal alone, and there is none at that location.
    """
    considered, left = await sort_out(run)
    suspects = _suspects(run, considered, left)
    if suspects:
        notify(StageStarted("triage", f"{counted(len(suspects), 'goal')}: is it false for small values?"))
    false = await look_false(
        suspects,
        run.project,
        run.pool,
        lean=run.servers.identity,
        answers=run.answers,
        stopping=lambda: bool(run.ledger.stop.requests),
    )
    return _triage(run, considered, left, false)


async def recalled_triage(run: Run) -> Triage | None:
    """The same from what earlier runs have found out, None when that is not enough."""
    considered, left = await sort_out(run, quiet=True)
    suspects = _suspects(run, considered, left)
    known = _known_false(suspects, run.project, run.servers.identity, run.answers, SECONDS)
    if any(goal.id not in known[goal.module] for goal in suspects):
        return None
    return _triage(run, considered, left, _words(suspects, known))


async def sort_out(run: Run, *, quiet: bool = False) -> tuple[tuple[Goal, ...], dict[str, str]]:
    """The goals that a run is about, and why some of them are left alone; `quiet` says nothing of other branches."""
    request, rules, found = run.request, run.repository.rules, run.repository.checkout
    cache = run.settings.paths.checkouts
    considered = tuple(goals_at(run.extraction.goals, request.only) if request.only else run.extraction.goals)
    if request.since:
        texts = None
        if request.since.strip("0"):
            texts = await texts_at(found, request.since, cache, quiet=quiet)
        considered = touched_goals(considered, run.extraction.declarations, changed_modules(texts or {}, run.project))
    # A branch of ours is written again from what this run proves: then nothing that is on it may be left out.
    ours = rules.publish_branch if request.publish is Publish.PATCH else ""
    branches = await other_branches(found, rules.branches, cache, ours=ours, quiet=quiet)
    return considered, leave(considered, run.project, rules, branches)


def _suspects(run: Run, considered: Sequence[Goal], left: Mapping[str, str]) -> tuple[Goal, ...]:
    """Goals that may be false."""
    if not run.looks_for_counterexamples:
        return ()
    return tuple(goal for goal in considered if goal.id not in left and run.ledger.known_proof(goal) is None)


def _triage(run: Run, considered: tuple[Goal, ...], left: Mapping[str, str], false: Mapping[str, str]) -> Triage:
    """New and changed goals come first, then those that hold up most."""
    goals = [goal for goal in considered if goal.id not in left and goal.id not in false]
    blueprint = load(Path(run.project.root), top=run.repository.checkout.top)
    value = worth(blueprint, evaluate(blueprint, blueprint_facts(run.extraction.declarations)))
    known = run.ledger.store.goal_environments(run.ledger.repo)
    old = frozenset(goal.id for goal in goals if known.get(goal.id) == run.ledger.environment(goal))
    return Triage(considered, left, false, in_order(goals, old=old, worth=value))


async def other_branches(
    found: Checkout, names: Sequence[str], cache: Path, *, ours: str = "", quiet: bool = False
) -> tuple[Branch, ...]:
    """The Lean files of other branches, and of the one that `ours` names; one that cannot be had is left out.

    A notice says so, but of ours, which is there only while proofs of ours wait to be taken.
    """
    branches = []
    for name in dict.fromkeys((*names, *([ours] if ours else []))):
        if name == found.ref:
            continue
        texts = await texts_at(found, name, cache, quiet=quiet or name == ours)
        if texts is not None:
            branches.append(Branch(name, texts))
    return tuple(branches)


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


def leave(goals: Sequence[Goal], project: Project, rules: Rules, branches: Sequence[Branch]) -> dict[str, str]:
    """Why goals are left alone, by id; those to be worked on are not in it."""
    texts = {module.path: module.text for module in project.modules}
    elsewhere = proved_elsewhere(goals, texts, branches)
    found = {}
    for goal in goals:
        reason = left_alone(goal) or reason_to_leave(goal, texts.get(goal.file, ""), rules)
        reason = reason or elsewhere.get(goal.id, "")
        if reason:
            found[goal.id] = reason
    return found


async def look_false(
    goals: Sequence[Goal],
    project: Project,
    prover: GoalOpener,
    *,
    lean: str,
    answers: ContentCache,
    stopping: Callable[[], bool] = lambda: False,
    seconds: float = SECONDS,
    machine: Machine = LocalMachine(),  # noqa: B008 - frozen
) -> dict[str, str]:
    """Values for which goals are false, in words, by id. A goal that Lean breaks on is not among them.

    Args:
        lean: names the server and its version.
        answers: a goal is not looked at again until its file, or one that it imports, changes.
        seconds: the longest that one goal may take.
        machine: while it is busy, what ran out of time is nothing to remember of a goal.
    """
    known = _known_false(goals, project, lean, answers, seconds)
    unknown = [goal for goal in goals if goal.id not in known[goal.module]]
    kinds = declared(module.text for module in project.modules)

    async def look(goal: Goal) -> str | None:
        if stopping():
            return None
        try:
            async with prover.open(goal) as context:
                began = time.monotonic()
                said = await find_counterexample(attempts_on(context), goal.text, kinds, seconds=seconds)
                in_time = time.monotonic() - began < seconds
                return said or ("" if in_time or machine.read().load < BUSY else None)
        except (SessionError, RequestRefused):
            return None

    words = await asyncio.gather(*(look(goal) for goal in unknown))
    for goal, said in zip(unknown, words, strict=True):
        if said is not None:
            known[goal.module][goal.id] = said
    for name in {goal.module for goal in unknown}:
        answers.put(_false_key(project, name, lean, seconds), known[name])
    return _words(goals, known)


def _false_key(project: Project, module: str, lean: str, seconds: float) -> str:
    return content_key("counterexamples", [str(REVISION), lean, str(seconds), project.environment_digest(module)])


def _known_false(
    goals: Sequence[Goal], project: Project, lean: str, answers: ContentCache, seconds: float
) -> dict[str, dict[str, str]]:
    """What is known of the goals of each module: the values, "" for none, by goal id."""
    modules = {goal.module for goal in goals}
    return {m: dict(answers.get(_false_key(project, m, lean, seconds), dict[str, str]) or {}) for m in modules}


def _words(goals: Sequence[Goal], known: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {goal.id: known[goal.module][goal.id] for goal in goals if known[goal.module].get(goal.id)}
