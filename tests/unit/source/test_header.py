"""Reading a file's header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.source.header import Header, parse_header


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("", ()),
        ("theorem a : P := rfl", ()),
        ("import A", ("A",)),
        ("import A.B import C\nimport D", ("A.B", "C", "D")),
        ("/- Copyright /- x -/ -/\n-- y\nimport A -- z\n/- import No -/ import B", ("A", "B")),
        ("public import A\nmeta import B\npublic meta import C\nprivate import D", ("A", "B", "C", "D")),
        ("import all A\nimport runtime B\npublic import all C", ("A", "B", "C")),
        ("import all\nimport runtime", ("all", "runtime")),
        ("import all import A", ("all", "A")),
        ("import «foo-bar».«Baz»", ("«foo-bar».Baz",)),
        ("import A\r\nimport B\r\n", ("A", "B")),
        ("import A /-! doc -/ import B", ("A",)),
        ("/-- doc -/ import A", ()),
        ("import A\nopen B\nimport C", ("A",)),
        ("import A\npublic section\nimport B", ("A",)),
        ("import A\nmeta def f := 1", ("A",)),
        ("import", ()),
        ("import 1", ()),
        ("\ufeffimport A", ("A",)),
        ("import/- x -/A", ("A",)),
    ],
)
def test_imports(text: str, imports: tuple[str, ...]) -> None:
    assert parse_header(text).imports == imports


def test_module_and_prelude() -> None:
    text = "module -- a\nprelude\npublic import A\n\ntheorem"
    header = parse_header(text)
    assert header == Header(("A",), is_module=True, end=text.index("A\n") + 1)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("import A import B -- c\nopen", "import A import B"),
        ("/- c -/ def", ""),
        ("module\n/-! x -/", "module"),
        ("import A\npublic section", "import A"),
        ("import A\nimport", "import A"),
    ],
)
def test_end(text: str, header: str) -> None:
    assert text[: parse_header(text).end] == header


@given(st.text(alphabet="import module all A.B«»-/!\n ", max_size=60))
def test_any_text_is_read(text: str) -> None:
    header = parse_header(text)
    assert 0 <= header.end <= len(text)
    assert parse_header(text[: header.end]).imports == header.imports
