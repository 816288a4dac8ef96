"""What another branch has proved already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.goals.goal import Goal
from orchestrator.run.triage.changes import enclosing
from orchestrator.source.scan import ScannedDeclaration, declared


@dataclass(frozen=True, slots=True)
class Branch:
    """Another branch: its name, and the texts of its Lean files by path."""

    name: str
    texts: Mapping[str, str]


def proved_elsewhere(goals: Iterable[Goal], texts: Mapping[str, str], branches: Iterable[Branch]) -> dict[str, str]:
    """For goals whose declaration stands complete on another branch with the same statement: where, by goal id.

    Statements are compared as text, up to blanks.
    """
    branches = tuple(branches)
    here: dict[str, dict[str, str]] = {}
    there: dict[tuple[str, str], dict[str, str]] = {}
    found: dict[str, str] = {}
    for goal in goals:
        for branch in branches:
            if goal.id in found or goal.file not in branch.texts or goal.file not in texts:
                continue
            if branch.texts[goal.file] == texts[goal.file]:
                continue
            own = here.setdefault(goal.file, _statements(texts[goal.file], complete=False))
            key = (branch.name, goal.file)
            other = there.setdefault(key, _statements(branch.texts[goal.file], complete=True))
            name = next((each for each in enclosing(goal.declaration) if each in own), "")
            if name and own[name] == other.get(name):
                found[goal.id] = f"proved on the branch {branch.name}"
    return found


def _statements(text: str, *, complete: bool) -> dict[str, str]:
    return {each.name: _statement(text, each) for each in declared(text) if not (complete and each.is_open)}


def _statement(text: str, each: ScannedDeclaration) -> str:
    head = text[each.start : each.end].partition(":=")[0]
    return " ".join(head.split())
