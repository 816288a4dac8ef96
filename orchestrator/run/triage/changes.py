"""Which goals a run is about: those that a push touched, or the one at a location; and their order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from orchestrator.errors import RepositoryError
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Goal
from orchestrator.source.project import Project


def changed_modules(before: Mapping[str, str], now: Project) -> frozenset[str]:
    """Names of the modules whose text is not what it was; `before` is path → text."""
    return frozenset(module.name for module in now.modules if before.get(module.path) != module.text)


def touched_goals(
    goals: Sequence[Goal], declarations: Mapping[str, Mapping[str, Fingerprint]], changed: frozenset[str]
) -> tuple[Goal, ...]:
    """Goals of the `changed` modules, and those whose declaration uses, directly or not, one that is declared there."""
    users: dict[str, set[str]] = {}
    for module in declarations.values():
        for name, fact in module.items():
            for used in fact.uses:
                users.setdefault(used, set()).add(name)
    todo = [name for module in changed for name in declarations.get(module, {})]
    reached = set(todo)
    while todo:
        for user in users.get(todo.pop(), ()):
            if user not in reached:
                reached.add(user)
                todo.append(user)
    names = {fact.user_name for module in declarations.values() for name, fact in module.items() if name in reached}
    return tuple(
        goal for goal in goals if goal.module in changed or any(name in names for name in enclosing(goal.declaration))
    )


def goals_at(goals: Sequence[Goal], location: str) -> tuple[Goal, ...]:
    """Goals at `FILE:LINE` or `FILE:LINE:COLUMN`; lines from 1, columns from 0.
    Raises RepositoryError: there is none.
    """
    file, _, numbers = location.partition(":")
    found = tuple(
        goal
        for goal in goals
        if goal.span is not None
        and goal.file == file
        and numbers in (f"{goal.span.start.line}", f"{goal.span.start.line}:{goal.span.start.column}")
    )
    if not found:
        hint = "`orchestrator extract` lists the sorries; a SorryDB record belongs to one commit."
        raise RepositoryError("There is no sorry", where=location, hint=hint)
    return found


def enclosing(name: str) -> Iterator[str]:
    """The declaration itself, then what it may be a local declaration of."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def in_order(goals: Iterable[Goal], *, old: frozenset[str], worth: Mapping[str, int]) -> tuple[Goal, ...]:
    """New and changed goals first; among the new and among the `old` (by id) those that hold up most, then the easiest.

    `worth` says by declaration how much one holds up; those not named hold nothing up.
    """

    def key(goal: Goal) -> tuple[bool, int, float]:
        value = next((worth[name] for name in enclosing(goal.declaration) if name in worth), 0)
        return (goal.id in old, -value, goal.estimated_difficulty)

    return tuple(sorted(goals, key=key))
