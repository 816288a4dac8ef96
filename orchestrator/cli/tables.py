"""Tables that fit a terminal: what is too long loses its less telling end, and nothing in a cell is obeyed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from orchestrator.text import one_line

_WHOLE = 40
"""A column that is never cut goes on in the next line when it is wider than this: half of the usual terminal."""


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


def table(columns: Mapping[str, Fit], rows: Iterable[Sequence[str | tuple[str, str]]]) -> Table:
    """A table of these columns; a cell is a text, or a text and its style."""
    texts = [[Text(one_line(text), style) for text, style in map(_styled, row)] for row in rows]
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for i, (name, fit) in enumerate(columns.items()):
        whole = fit in (Fit.WHOLE, Fit.RIGHT) and all(cell_len(row[i].plain) <= _WHOLE for row in texts)
        made.add_column(name, no_wrap=whole, overflow="fold", justify="right" if fit is Fit.RIGHT else "left")
        for text in (row[i] for row in texts if fit is Fit.HEAD):
            text.no_wrap, text.overflow = True, "ellipsis"
    tails = [fit is Fit.TAIL for fit in columns.values()]
    for row in texts:
        made.add_row(*(Tail(text) if tail else text for text, tail in zip(row, tails, strict=True)))
    return made


def _styled(cell: str | tuple[str, str]) -> tuple[str, str]:
    return cell if isinstance(cell, tuple) else (cell, "")
