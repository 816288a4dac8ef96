"""Triage of a project's goals: which are left to people, and which look false."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.errors import RequestRefused, SessionError
from orchestrator.goals.goal import Goal
from orchestrator.ledger.content_cache import ContentCache, content_key
from orchestrator.run.outcomes import left_alone
from orchestrator.run.triage.exclusions import reason_to_leave
from orchestrator.run.triage.other_branches import Branch, proved_elsewhere
from orchestrator.source.owner_rules import Rules
from orchestrator.source.project import Project
from orchestrator.strategies.base import GoalOpener
from orchestrator.strategies.refute.counterexample import find_counterexample
from orchestrator.strategies.refute.values import inductives

SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Triage:
    """By goal id: why it is left alone; and the values for which it is false."""

    left: Mapping[str, str] = field(default_factory=dict)
    false: Mapping[str, str] = field(default_factory=dict)


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
) -> dict[str, str]:
    """Values for which goals are false, in words, by id. A goal that Lean breaks on is not among them.

    Args:
        goals: those to look at.
        project: theirs.
        prover: opens goals on sessions.
        lean: names the server and its version.
        answers: a goal is not looked at again until its file, or one that it imports, changes.
        stopping: whether to begin no other.
        seconds: the longest that one goal may take.
    """
    keys = {
        name: content_key("counterexamples", [lean, str(seconds), project.environment_digest(name)])
        for name in {goal.module for goal in goals}
    }
    known = {name: dict(answers.get(key, dict[str, str]) or {}) for name, key in keys.items()}
    unknown = [goal for goal in goals if goal.id not in known[goal.module]]
    kinds = inductives(module.text for module in project.modules)

    async def look(goal: Goal) -> str | None:
        if stopping():
            return None
        try:
            async with prover.open(goal) as context:
                return await find_counterexample(context, kinds, seconds=seconds)
        except (SessionError, RequestRefused):
            return None

    words = await asyncio.gather(*(look(goal) for goal in unknown))
    for goal, said in zip(unknown, words, strict=True):
        if said is not None:
            known[goal.module][goal.id] = said
    for name in {goal.module for goal in unknown}:
        answers.put(keys[name], known[name])
    return {goal.id: known[goal.module][goal.id] for goal in goals if known[goal.module].get(goal.id)}
