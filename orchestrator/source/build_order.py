"""The order in which modules are built, and what cannot be ordered. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

_NAMES_SHOWN = 12


@dataclass(frozen=True)
class BuildOrder:
    """`names`: every module after the ones it imports, alphabetical where that leaves a choice.

    `left_out` says why each of the others could not be ordered.
    """

    names: tuple[str, ...]
    left_out: Mapping[str, str]


def build_order(imports: Mapping[str, Collection[str]], unusable: Collection[str] = ()) -> BuildOrder:
    """Order modules by their imports; imports of names not among `imports` or `unusable` do not matter.

    Modules that import one another in a circle, or import an `unusable` one, are left out, and so is what imports them.
    """
    graph = {
        name: [other for other in wanted if other in imports or other in unusable] for name, wanted in imports.items()
    }
    sorter = TopologicalSorter(graph)
    with suppress(CycleError):  # the modules that no cycle holds up are ordered all the same
        sorter.prepare()
    ordered: list[str] = []
    ready: list[str] = []
    while True:
        for name in sorter.get_ready():
            if name not in unusable:
                heapq.heappush(ready, name)
        if not ready:
            break
        ordered.append(heapq.heappop(ready))
        sorter.done(ordered[-1])
    stuck = {name: graph[name] for name in sorted(imports.keys() - set(ordered))}
    left_out = {name: f"is part of an import cycle: {text}" for name, text in _cycles(stuck).items()}
    for name, wanted in stuck.items():
        if name not in left_out:
            culprit = next(other for other in wanted if other in stuck or other in unusable)
            left_out[name] = f"imports {culprit}, which is left out"
    return BuildOrder(tuple(ordered), left_out)


def _cycles(graph: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Cycles that have no module in common, as text, for each module on one."""
    found: dict[str, str] = {}
    while True:
        rest = {name: [other for other in graph[name] if other not in found] for name in graph if name not in found}
        try:
            TopologicalSorter(rest).prepare()
        except CycleError as error:
            cycle = error.args[1][:0:-1]  # each imports the next
            found.update(dict.fromkeys(cycle, _cycle_text(cycle)))
        else:
            return found


def _cycle_text(cycle: list[str]) -> str:
    first = cycle.index(min(cycle))
    names = cycle[first:] + cycle[:first]
    shown = names
    if len(names) > _NAMES_SHOWN:
        shown = [*names[: _NAMES_SHOWN - 1], f"… ({len(names)} modules in total)"]
    return " → ".join((*shown, names[0]))
