"""The order in which modules are built, and what cannot be ordered. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

_NAMES_SHOWN = 12


@dataclass(frozen=True)
class BuildOrder:
    """`names`: every module after the ones it imports, alphabetical where that leaves a choice.

    `left_out` says of each module that has no place in the order why.
    """

    names: tuple[str, ...]
    left_out: Mapping[str, str]


def build_order(imports: Mapping[str, Collection[str]], unusable: Collection[str] = ()) -> BuildOrder:
    """Order modules by their imports; imports of names not among `imports` or `unusable` do not matter.

    Modules that import one another in a circle, or import an `unusable` one, are left out, and so is what imports them.
    """
    importers: dict[str, list[str]] = {}
    waiting: dict[str, int] = {}
    for name, wanted in imports.items():
        needed = {other for other in wanted if other in imports or other in unusable}
        waiting[name] = len(needed)
        for other in needed:
            importers.setdefault(other, []).append(name)
    ready = [name for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    ordered: list[str] = []
    while ready:
        name = heapq.heappop(ready)
        ordered.append(name)
        for importer in importers.get(name, ()):
            waiting[importer] -= 1
            if not waiting[importer]:
                heapq.heappush(ready, importer)
    stuck = {name: imports[name] for name in sorted(set(imports) - set(ordered))}
    left_out = {name: f"is part of an import cycle: {text}" for name, text in _cycles(stuck).items()}
    for name, wanted in stuck.items():
        if name not in left_out:
            culprit = next(other for other in wanted if other in stuck or other in unusable)
            left_out[name] = f"imports {culprit}, which is left out"
    return BuildOrder(tuple(ordered), left_out)


def _cycles(graph: Mapping[str, Collection[str]]) -> dict[str, str]:
    """For the modules on the cycles that one depth-first search meets, the cycle as text."""
    found: dict[str, str] = {}
    finished: set[str] = set()
    for start in graph:
        if start in finished:
            continue
        path = [start]
        place = {start: 0}
        todo = [iter(graph[start])]
        while todo:
            following = next(todo[-1], None)
            if following is None:
                todo.pop()
                last = path.pop()
                del place[last]
                finished.add(last)
            elif following in place and path[-1] not in found:
                cycle = path[place[following] :]
                text = _cycle_text(cycle)
                found.update((name, text) for name in cycle if name not in found)
            elif following in graph and following not in place and following not in finished:
                place[following] = len(path)
                path.append(following)
                todo.append(iter(graph[following]))
    return found


def _cycle_text(cycle: list[str]) -> str:
    first = cycle.index(min(cycle))
    names = cycle[first:] + cycle[:first]
    shown: Iterable[str] = names
    if len(names) > _NAMES_SHOWN:
        shown = (*names[: _NAMES_SHOWN - 1], f"… ({len(names)} modules in all)")
    return " → ".join((*shown, names[0]))
