"""Where the nodes of a dependency graph go: in layers, what is used above what uses it. Pure.

Layers by longest path, the order within a layer by repeated barycentres (Sugiyama, Tagawa and Toda, 1981). Edges that
close a circle are drawn, but decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 190, 44
_GAP_X, _GAP_Y, _MARGIN = 22, 52, 16
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A node's upper left corner, in pixels."""

    key: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from what is used to what uses it, as the `d` of an SVG path."""

    used: str
    user: str
    path: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture of `width` by `height` pixels."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]


def layered(uses: Mapping[str, Sequence[str]], *, widest: int = 8) -> Layout:
    """Lay out a graph; `uses` names for every node the nodes it uses. A layer of more than `widest` takes more rows."""
    layer = _layers(uses)
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for key in uses:
        rows[layer[key]].append(key)
    _order(rows, uses)
    rows = [row[start : start + widest] for row in rows for start in range(0, len(row), widest)]
    width = max((len(row) for row in rows), default=0) * (WIDTH + _GAP_X) - _GAP_X + 2 * _MARGIN
    boxes = {}
    for number, row in enumerate(rows):
        left = (width - len(row) * (WIDTH + _GAP_X) + _GAP_X) // 2
        for place, key in enumerate(row):
            boxes[key] = Box(key, left + place * (WIDTH + _GAP_X), _MARGIN + number * (HEIGHT + _GAP_Y))
    edges = tuple(
        Edge(below, key, _curve(boxes[below], boxes[key]))
        for key, used in uses.items()
        for below in used
        if below in boxes
    )
    height = len(rows) * (HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN
    return Layout(max(width, 1), max(height, 1), tuple(boxes.values()), edges)


def _layers(uses: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The length of the longest way down from each node; without recursion, since graphs can be deep."""
    layer: dict[str, int] = {}
    for start in uses:
        todo = [(start, False)]
        open_: set[str] = set()
        while todo:
            key, done = todo.pop()
            if done:
                layer[key] = max((layer[below] + 1 for below in uses[key] if below in layer), default=0)
                open_.discard(key)
            elif key not in layer and key not in open_:
                open_.add(key)
                todo.append((key, True))
                todo.extend((below, False) for below in uses[key] if below in uses and below not in open_)
    return layer


def _order(rows: list[list[str]], uses: Mapping[str, Sequence[str]]) -> None:
    users: dict[str, list[str]] = {key: [] for key in uses}
    for key, used in uses.items():
        for below in used:
            if below in users:
                users[below].append(key)
    for sweep in range(_SWEEPS):
        place = {key: (number + 0.5) / len(row) for row in rows for number, key in enumerate(row)}
        neighbours: Mapping[str, Sequence[str]] = uses if sweep % 2 == 0 else users
        for row in rows if sweep % 2 == 0 else reversed(rows):
            middle = {key: _mean([place[n] for n in neighbours[key] if n in place], place[key]) for key in row}
            row.sort(key=middle.__getitem__)
            place.update({key: (number + 0.5) / len(row) for number, key in enumerate(row)})


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _curve(above: Box, below: Box) -> str:
    x1, y1 = above.x + WIDTH // 2, above.y + HEIGHT
    x2, y2 = below.x + WIDTH // 2, below.y
    bend = max(24, abs(y2 - y1) // 2)
    return f"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"
