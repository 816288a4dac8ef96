"""Tables that fit: widths that are shared out, texts that are shortened, and nothing a terminal would obey."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from orchestrator.cli.tables import Cell, Column, fitted, share_out, shorten
from orchestrator.text import harmless, one_line

COLUMNS = (
    Column("where", 3, keep_end=True),
    Column("declaration", 4, keep_end=True),
    Column("status"),
    Column("time", right=True),
    Column("proof", 5),
)
cells = st.builds(Cell, st.text(max_size=60))


def printed(rows: list[tuple[Cell, ...]], width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(fitted(COLUMNS, rows, width))
    return out.getvalue().splitlines()


@given(st.text(), st.integers(1, 40), st.booleans())
def test_a_shortened_text_fits_and_keeps_the_end_asked_for(text: str, width: int, keep_end: bool) -> None:
    short = shorten(text, width, keep_end)
    assert cell_len(short) <= width
    assert short == text or (text.endswith(short[1:]) if keep_end else text.startswith(short[:-1]))


@given(st.lists(st.tuples(st.integers(1, 80), st.integers(0, 5)), min_size=1, max_size=7), st.integers(0, 200))
def test_widths_use_the_room_and_no_more(columns: list[tuple[int, int]], room: int) -> None:
    natural, weights = [size for size, _ in columns], [weight for _, weight in columns]
    widths = share_out(natural, weights, room)
    fixed = sum(size for size, weight in columns if not weight)
    assert [w for w, weight in zip(widths, weights, strict=True) if not weight] == [n for n, w in columns if not w]
    assert all(width <= max(size, 4) for width, size in zip(widths, natural, strict=True))
    if sum(natural) <= room:
        assert list(widths) == natural
    elif all(width > 4 for width, weight in zip(widths, weights, strict=True) if weight):
        assert sum(widths) <= max(room, fixed)


@given(st.lists(st.tuples(cells, cells, st.just(Cell("open")), st.just(Cell("0.1 s")), cells), max_size=4))
def test_a_row_is_one_line_of_at_most_the_width(rows: list[tuple[Cell, ...]]) -> None:
    for width in (80, 120):
        lines = printed(rows, width)
        assert len(lines) == 1 + len(rows)
        assert all(cell_len(line) <= width for line in lines)


def test_long_paths_keep_their_ends_and_long_proofs_their_beginnings() -> None:
    row = (
        Cell("A/Very/Long/Path/To/Some/File/In/The/Project.lean:120"),
        Cell("Some.Namespace.With.A.Long.Name.theorem_name"),
        Cell("solved", "green"),
        Cell("0.3 s"),
        Cell("induction n <;>\n  simp_all [Some.Definition, Some.Other.Definition, Another]"),
    )
    (_, line) = printed([row], 80)
    assert ".lean:120 " in line
    assert "theorem_name" in line
    assert "solved" in line
    assert "induction n" in line
    assert line.count("…") == 3


def test_markup_and_control_characters_are_shown_not_obeyed() -> None:
    row = (Cell("[red]a"), Cell("\x1b[31mb"), Cell("open"), Cell("1 s"), Cell("[/]\x9b2J"))
    (_, line) = printed([row], 120)
    assert "[red]a" in line
    assert "�[31mb" in line
    assert "[/]�2J" in line


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_harmless_text_can_be_printed(text: str) -> None:
    harmless(text).encode("utf-8")
    assert "\x1b" not in harmless(text)
    assert "\n" not in one_line(text)
