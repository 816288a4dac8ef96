"""Tables that fit: file and line whole, other texts shortened, and nothing a terminal would obey."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from orchestrator.cli.tables import HEAD, RIGHT, TAIL, WHOLE, table
from orchestrator.text import harmless, one_line

COLUMNS = {"where": WHOLE, "declaration": TAIL, "status": WHOLE, "time": RIGHT, "proof": HEAD}
texts = st.text(max_size=60)
Row = tuple[str | tuple[str, str], ...]


def printed(rows: list[Row], width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(table(COLUMNS, rows))
    return out.getvalue().splitlines()


@given(st.lists(st.tuples(st.text(max_size=10), texts, st.just("open"), st.just("0.1 s"), texts), max_size=4))
def test_a_row_is_one_line_of_at_most_the_width(rows: list[Row]) -> None:
    for width in (80, 120):
        lines = printed(rows, width)
        assert len(lines) == 1 + len(rows)
        assert all(cell_len(line) <= width for line in lines)


def test_file_and_line_are_whole_however_long() -> None:
    where = "A/Very/Long/Path/To/Some/File/In/The/Project.lean:120"
    lines = printed([(where, "Some.theorem_name", ("solved", "green"), "0.3 s", "simp")], 80)
    assert [line.split() for line in lines] == [
        ["where"],
        ["declaration", "status", "time", "proof"],
        [where],
        ["Some.theorem_name", "solved", "0.3", "s", "simp"],
    ]
    assert "".join(printed([(where * 2, "a", "open", "", "")], 80)[2:4]) == where * 2
    assert printed([(where, "a", "open", "", "")], 120)[1].startswith(f"{where}  a ")


def test_long_names_keep_their_ends_and_long_proofs_their_beginnings() -> None:
    row: Row = (
        "Some/File.lean:120",
        "Some.Namespace.With.A.Long.Name.theorem_name",
        ("solved", "green"),
        "0.3 s",
        "induction n <;>\n  simp_all [Some.Definition, Some.Other.Definition, Another]",
    )
    (_, line) = printed([row], 80)
    assert line.startswith("Some/File.lean:120 ")
    assert "theorem_name" in line
    assert "solved" in line
    assert "induction n" in line
    assert line.count("…") == 2


def test_markup_and_control_characters_are_shown_not_obeyed() -> None:
    row: Row = ("[red]a", "\x1b[31mb", "open", "1 s", "[/]\x9b2J")
    (_, line) = printed([row], 120)
    assert "[red]a" in line
    assert "�[31mb" in line
    assert "[/]�2J" in line


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_harmless_text_can_be_printed(text: str) -> None:
    harmless(text).encode("utf-8")
    assert "\x1b" not in harmless(text)
    assert "\n" not in one_line(text)
