"""Tables that fit a terminal: what is too long loses its less telling end, and nothing in a cell is obeyed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from orchestrator.text import one_line

_INDENT = "  "
_GAP = 2
_LEAST = 8
"""What is left of a column that may be cut."""


class Fit(Enum):
    """What a column does with a text that does not fit."""

    WHOLE = "keeps it"
    RIGHT = "keeps it, aligned to the right"
    HEAD = "keeps its beginning"
    TAIL = "keeps its end, as suits full names"


WHOLE, RIGHT, HEAD, TAIL = Fit


class Tail:
    """A text that loses its beginning where it does not fit."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as the text, if there is room."""
        return Measurement(1, max(1, cell_len(self._text.plain))).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The end of the text that fits."""
        plain = self._text.plain
        if cell_len(plain) > options.max_width:
            while plain and cell_len(plain) >= options.max_width:
                plain = plain[1:]
            plain = f"…{plain}"
        yield Text(plain, style=self._text.style, no_wrap=True, overflow="crop")


class Rows:
    """Rows under the names of their columns; see `table`."""

    def __init__(self, columns: Mapping[str, Fit], rows: Iterable[Sequence[Text]]) -> None:
        self._columns = columns
        self._rows = list(rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """A line for each row, and above it one for each text that must be whole and leaves no room for the others."""
        long = self._too_long(options.max_width)
        rest = self._table([i for i in range(len(self._columns)) if i not in long])
        if not long:
            yield rest
            return
        lines = console.render_lines(rest, options.update_width(options.max_width - len(_INDENT)), pad=False)
        header = [Text(name, "bold") for name in self._columns]
        for row, line in zip((header, *self._rows), lines, strict=True):
            for i in long:
                yield Text(row[i].plain, row[i].style, overflow="fold")
            yield from (Segment(_INDENT), *line, Segment.line())

    def _too_long(self, most: int) -> list[int]:
        """The columns that must be whole and without which the others fit, the widest ones."""
        fits = list(self._columns.values())
        widths = [
            max(map(cell_len, [name, *(row[i].plain for row in self._rows)])) for i, name in enumerate(self._columns)
        ]
        needed = sum(min(w, _LEAST) if f in (HEAD, TAIL) else w for w, f in zip(widths, fits, strict=True))
        needed += _GAP * (len(fits) - 1)
        long: list[int] = []
        for i in sorted((i for i, fit in enumerate(fits) if fit is WHOLE), key=lambda i: -widths[i]):
            if needed > most and widths[i] > _LEAST and len(long) < len(fits) - 1:
                long.append(i)
                needed -= widths[i] + _GAP
        return sorted(long)

    def _table(self, chosen: Collection[int]) -> Table:
        fits = list(self._columns.values())
        made = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
        for i in chosen:
            made.add_column(
                list(self._columns)[i],
                no_wrap=fits[i] in (WHOLE, RIGHT),
                overflow="fold",
                justify="right" if fits[i] is RIGHT else "left",
            )
        for row in self._rows:
            made.add_row(*(_fitted(row[i], fits[i]) for i in chosen))
        return made


def _fitted(text: Text, fit: Fit) -> Text | Tail:
    if fit is HEAD:
        return Text(text.plain, text.style, no_wrap=True, overflow="ellipsis")
    return Tail(text) if fit is TAIL else text


def table(columns: Mapping[str, Fit], rows: Iterable[Sequence[str | tuple[str, str]]]) -> Rows:
    """A table of these columns; a cell is a text, or a text and its style.

    Where a column that is kept whole, such as file and line, leaves no room for the others, it has the line above the
    rest of the row to itself: nothing is torn at the end of a line.
    """
    return Rows(columns, ([Text(one_line(text), style) for text, style in map(_styled, row)] for row in rows))


def _styled(cell: str | tuple[str, str]) -> tuple[str, str]:
    return cell if isinstance(cell, tuple) else (cell, "")
