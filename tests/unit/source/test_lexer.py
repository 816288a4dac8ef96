"""The lexical layer: what is code and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.goal import Position
from orchestrator.source.lexer import LineIndex, RegionKind, code_mask, join_name, name_parts, regions, words

# Everything the tokenizer treats in a special way, so that random texts meet its corners.
TRICKY = st.text(alphabet="ab -/!\"'«»{}\\r#`.\n\tsm|<>é∀😀", max_size=60)


def _kinds(text: str) -> list[tuple[str, str]]:
    return [(str(region.kind), text[region.start : region.end]) for region in regions(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a -- b -/ c\nd", [("comment", "-- b -/ c")]),
        ("/- a /- b -/ c -/ d", [("comment", "/- a /- b -/ c -/")]),
        ("/-- a /- b -/ -/ d /-! e -/", [("doc", "/-- a /- b -/ -/"), ("doc", "/-! e -/")]),
        ("/-/ a -/ b", [("comment", "/-/ a -/")]),
        ("/-/- a -/ b", [("comment", "/-/- a -/")]),
        ("/---/ a", [("doc", "/---/")]),
        ("/--/ a", [("doc", "/--/ a")]),
        (r'"a \" -- b" c', [("string", r'"a \" -- b"')]),
        ('"a\n-- b" c', [("string", '"a\n-- b"')]),
        ('r"a\\" b', [("string", 'r"a\\"')]),
        ('r#"a"b"# c', [("string", 'r#"a"b"#')]),
        ('r##"a"#b"## c', [("string", 'r##"a"#b"##')]),
        ('bar"a"', [("string", '"a"')]),
        (r"'a' '\n' '\'' '\\' '\x41' '\u03b1' '" + '"' + "' '\n'", None),
        ("foo' a' b''c x'y'", []),
        ("f '' s ⁻¹' t", []),
        ("«a -- b» -- c", [("comment", "-- c")]),
        ("«a\n-- b» c", []),
        ("« -- never closed", [("comment", "-- never closed")]),
        ("{x : Int //-1 < x}", []),
        ("let x <--1", []),
        ("p \\/-1", []),
        ("a--b", [("comment", "--b")]),
        ("4/-c-/+1", [("comment", "/-c-/")]),
        ('s!"a{b}c{d}"', [("string", 's!"a{'[2:]), ("string", "}c{"), ("string", '}"')]),
        (r's!"a\{b}"', [("string", r'"a\{b}"')]),
        ('s!"{ {x := 1} }"', [("string", '"{'), ("string", '}"')]),
        ('m!"{s!"{a}"}" b', [("string", '"{'), ("string", '"{'), ("string", '}"'), ("string", '}"')]),
        ('s!"{ "}" /- } -/ }" b', [("string", '"{'), ("string", '"}"'), ("comment", "/- } -/"), ("string", '}"')]),
        ('throwError "a{b}" c', [("string", '"a{'), ("string", '}"')]),
        ('panic! "a{b" c', [("string", '"a{b"')]),
        ('xs!"a{b" c', [("string", '"a{b"')]),
        ('s!"a{b" sorry', [("string", '"a{b"')]),
        ('"never closed', [("string", '"never closed')]),
        ("/- never closed", [("comment", "/- never closed")]),
        ('r#"never closed"', [("string", 'r#"never closed"')]),
    ],
)
def test_regions(text: str, expected: list[tuple[str, str]] | None) -> None:
    if expected is None:
        assert [kind for kind, _ in _kinds(text)] == ["character"] * 8
    else:
        assert _kinds(text) == expected


@given(TRICKY)
def test_regions_are_ordered_and_the_mask_keeps_the_shape(text: str) -> None:
    end = 0
    for region in regions(text):
        assert end <= region.start < region.end <= len(text)
        end = region.end
    mask = code_mask(text)
    assert len(mask) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, mask, strict=True))
    assert [i for i, c in enumerate(mask) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
    assert code_mask(text, keep=frozenset(RegionKind)) == text


@given(TRICKY)
def test_words_are_where_they_say(text: str) -> None:
    mask = code_mask(text)
    for word in words(code_mask(text)):
        assert mask[word.start : word.end] == word.text


def test_words_know_name_literals_and_selected_fields() -> None:
    text = "`a ``b x.c (x).d x.1.e .f g\n  .h by .i 1...j"
    found = {word.text: (word.quoted, word.selected) for word in words(code_mask(text))}
    assert found == {
        "a": (True, False),
        "b": (True, False),
        "x.c": (False, False),
        "x": (False, False),
        "d": (False, True),
        "e": (False, True),
        "f": (False, True),
        "g": (False, False),
        "h": (False, False),
        "by": (False, False),
        "i": (False, False),
        "j": (False, False),
    }


@pytest.mark.parametrize("text", ["sorry'", "sorry!", "sorry?", "sorry₁", "αsorry", "ésorry", "sorry.foo", "«sorry»"])
def test_one_identifier(text: str) -> None:
    assert [word.text for word in words(code_mask(text))] == [text]


def test_numbers_are_not_words() -> None:
    assert [word.text for word in words(code_mask("0x1F 12 3a λ b"))] == ["a", "b"]


@given(TRICKY, st.integers(0, 60))
def test_positions_there_and_back(text: str, offset: int) -> None:
    lines = LineIndex(text)
    offset = min(offset, len(text))
    position = lines.position(offset)
    assert text[:offset].count("\n") == position.line - 1
    assert lines.offset(position) == offset


@pytest.mark.parametrize("position", [Position(0, 0), Position(3, 0), Position(1, 3), Position(1, -1), Position(2, 2)])
def test_positions_outside_the_text(position: Position) -> None:
    assert LineIndex("ab\nc").offset(position) is None


def test_positions_count_code_points_and_only_line_feeds() -> None:
    lines = LineIndex("😀é\r\nα")
    assert lines.position(1) == Position(1, 1)
    assert lines.position(4) == Position(2, 0)


@pytest.mark.parametrize(
    ("name", "parts", "canonical"),
    [
        ("A.B", ("A", "B"), "A.B"),
        ("«A».B", ("A", "B"), "A.B"),
        ("«foo-bar».B'", ("foo-bar", "B'"), "«foo-bar».B'"),
        ("A.«b.c»", ("A", "b.c"), "A.«b.c»"),
        ("A.«1»", ("A", "1"), "A.«1»"),
    ],
)
def test_names(name: str, parts: tuple[str, ...], canonical: str) -> None:
    assert name_parts(name) == parts
    assert join_name(parts) == canonical


def test_no_text_takes_time_out_of_proportion() -> None:
    # Each of these took quadratic time with a careless pattern; a minute would fail by the suite's own timeout.
    for hostile in ("«" * 200_000, 's!"{' * 20_000, "/-" * 200_000, '"' * 20_001, "r#" * 100_000, " " * 200_000 + ".x"):
        assert all(region.end <= len(hostile) for region in regions(hostile))
        assert sum(1 for _ in words(code_mask(hostile))) <= len(hostile)


@pytest.mark.parametrize("piece", ["a.b ", "{x} ", "- ", "// ", "<- ", "'", "« "])
def test_much_code_before_something_else(piece: str) -> None:
    code = piece * 3_000 + " "
    comment, string = "-- one\n", '"two"'
    found = regions(f"{code}{comment}{code}{string}")
    start = 2 * len(code) + len(comment)
    assert [(region.start, region.end) for region in found] == [
        (len(code), len(code) + len(comment) - 1),
        (start, start + len(string)),
    ]
