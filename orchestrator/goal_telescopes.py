"""Implicit binders that stand side by side behind a ∀, put in a canonical order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from orchestrator.goal_names import Atom, Variable

_PARTNER = {"{": "}", "⦃": "⦄", "[": "]"}


@dataclass(frozen=True)
class _Group:
    """One binder in its brackets, for a single name; `binds` is None for an unnamed instance."""

    atoms: tuple[Atom, ...]
    binds: Variable | None


def sort_implicit(atoms: Sequence[Atom], frozen: Collection[str]) -> list[Atom]:
    """`atoms` with each run of implicit groups split by name and sorted, every group behind those it mentions.

    Runs that bind a spelling in `frozen` stay as they are. Groups that look alike but for other variables keep the
    order given.
    """
    result = list(atoms)
    for start in range(len(result) - 1, -1, -1):  # inner ∀ before outer ones
        if result[start] != "∀":
            continue
        groups: list[_Group] = []
        end = start + 1
        while end < len(result) and result[end] in _PARTNER:
            close = _closing(result, end)
            if close < 0:
                break
            groups += _split(result[end : close + 1])
            end = close + 1
        if len(groups) > 1 and all(group.binds is None or group.binds.spelling not in frozen for group in groups):
            result[start + 1 : end] = [atom for group in _sorted(groups) for atom in group.atoms]
    return result


def _closing(atoms: Sequence[Atom], start: int) -> int:
    """Index of the bracket that closes the one at `start`; -1 when it stays open."""
    opening, closing = atoms[start], _PARTNER[str(atoms[start])]
    depth = 0
    for index in range(start, len(atoms)):
        atom = atoms[index]
        if isinstance(atom, str):
            depth += (atom.endswith(str(opening)) and atom != '"') - (atom == closing)
            if depth == 0:
                return index
    return -1


def _split(group: Sequence[Atom]) -> list[_Group]:
    """`{x y : α}` as `{x : α}` and `{y : α}`."""
    names: list[Variable] = []
    while isinstance(atom := group[1 + len(names)], Variable):
        names.append(atom)
    rest = tuple(group[1 + len(names) :])
    if not names or (rest[0] != ":" and len(rest) > 1):
        return [_Group(tuple(group), None)]
    return [_Group((group[0], name, *rest), name) for name in names]


def _sorted(groups: Sequence[_Group]) -> list[_Group]:
    left, placed = list(groups), list[_Group]()
    while left:
        waiting = {group.binds for group in left} - {None}
        ready = [group for group in left if not any(a in waiting and a is not group.binds for a in group.atoms)]
        chosen = min(ready or left[:1], key=lambda group: _key(group, placed))
        left.remove(chosen)
        placed.append(chosen)
    return placed


def _key(group: _Group, placed: Sequence[_Group]) -> list[str]:
    """The group as text that does not depend on names."""
    place = {before.binds: f"${index}" for index, before in enumerate(placed) if before.binds}
    return [atom if isinstance(atom, str) else place.get(atom, "*") for atom in group.atoms]
