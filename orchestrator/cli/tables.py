"""Tables that fit a terminal of any width: what is too long loses its less telling end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from orchestrator.text import one_line

_GAP = 2
_LEAST = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: its heading.
        weight: its part of the room that columns without a weight leave; those are as wide as their widest cell.
        keep_end: what is too long loses its beginning, as suits paths and full names.
        right: aligned to the right.
    """

    name: str
    weight: int = 0
    keep_end: bool = False
    right: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and how it looks."""

    text: str
    style: str = ""


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> Table:
    """A table of one line a row that is at most `width` characters wide."""
    texts = [[one_line(cell.text) for cell in row] for row in rows]
    natural = [max(map(cell_len, (column.name, *(row[i] for row in texts)))) for i, column in enumerate(columns)]
    widths = share_out(natural, [column.weight for column in columns], width - _GAP * (len(columns) - 1))
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column, size in zip(columns, widths, strict=True):
        table.add_column(column.name, width=size, no_wrap=True, justify="right" if column.right else "left")
    for row, plain in zip(rows, texts, strict=True):
        cells = zip(columns, row, plain, widths, strict=True)
        table.add_row(*(Text(shorten(text, size, c.keep_end), style=cell.style) for c, cell, text, size in cells))
    return table


def share_out(natural: Sequence[int], weights: Sequence[int], room: int) -> tuple[int, ...]:
    """Widths for columns that would like to be `natural` wide: those without weight are, the others share the rest.

    A column that needs less than its share leaves the rest to the others; none is narrower than a few characters.
    """
    widths = list(natural)
    open_ones = {i for i, weight in enumerate(weights) if weight}
    left = room - sum(width for i, width in enumerate(natural) if i not in open_ones)
    while open_ones:
        total = sum(weights[i] for i in open_ones)
        content = [i for i in open_ones if natural[i] * total <= left * weights[i]]
        if not content:
            for i in open_ones:
                widths[i] = max(_LEAST, left * weights[i] // total)
            break
        for i in content:
            open_ones.remove(i)
            left -= natural[i]
    return tuple(widths)


def shorten(text: str, width: int, keep_end: bool = False) -> str:
    """`text` in at most `width` cells, with "…" for what had to go."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:] if keep_end else text[:-1]
    return "…" + text if keep_end else text + "…"
