"""One patch over several files, as git takes it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.source.diff import unified_diff


def test_two_files_in_order() -> None:
    old = "".join(f"{number}\n" for number in range(1, 21))
    new = old.replace("5\n", "five\n", 1).replace("20\n", "20")
    assert unified_diff({"b.lean": (old, new), "a.lean": ("x\n", "x\ny\n"), "same.lean": ("z", "z")}) == (
        "diff --git a/a.lean b/a.lean\n--- a/a.lean\n+++ b/a.lean\n@@ -1 +1,2 @@\n x\n+y\n"
        "diff --git a/b.lean b/b.lean\n--- a/b.lean\n+++ b/b.lean\n"
        "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        "@@ -17,4 +17,4 @@\n 17\n 18\n 19\n-20\n+20\n\\ No newline at end of file\n"
    )


def test_carriage_returns_stay() -> None:
    assert unified_diff({"a": ("x\r\ny\r\n", "x\r\nz\r\n")}).endswith("@@ -1,2 +1,2 @@\n x\r\n-y\r\n+z\r\n")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("A.lean", "--- a/A.lean"),
        ("a b.lean", "--- a/a b.lean\t"),
        ("é.lean", '--- "a/\\303\\251.lean"'),
        ('q"\\\t.lean', '--- "a/q\\"\\\\\\t.lean"'),
        ("\x01 x", '--- "a/\\001 x"\t'),
    ],
)
def test_names(path: str, line: str) -> None:
    assert unified_diff({path: ("", "x\n")}).split("\n")[1] == line


def test_nothing_to_say() -> None:
    assert unified_diff({}) == unified_diff({"a": ("x", "x")}) == ""


def test_context_is_cut_short_only_by_an_end_of_the_file(tmp_path: Path) -> None:
    # For a hunk with less behind it than in front, git looks at the file's end.
    old = "\n" * 9 + "@\n" + "\n" * 9
    new = "\n" * 9 + "@\n" + "\n" * 4 + "@\n" + "\n" * 4
    assert applied(tmp_path, {"a": (old, new)}) == {"a": new}


def applied(root: Path, changes: dict[str, tuple[str, str]]) -> dict[str, str]:
    """What git makes of the patch."""
    for path, (old, _) in changes.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(old.encode())
    patch = unified_diff(changes)
    if patch:
        subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
        command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
        subprocess.run(command, cwd=root, check=True, input=patch.encode(), capture_output=True)
    return {path: (root / path).read_bytes().decode() for path in changes}


LINE = st.text(alphabet="ab é😀\t\r\"'-+@\\", max_size=4)
TEXT = st.tuples(
    st.lists(LINE, max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.lists(st.integers(0, 30), max_size=4),
)
PATH = st.sampled_from(["A.lean", "Foo/B.lean", "é/ü b.lean", 'q"uote\\.lean', "tab\t.lean", "-dash.lean", " x .lean"])


def _edited(lines: list[str], end: str, closed: bool, places: list[int]) -> tuple[str, str]:
    """A text, and the same with lines put in, taken out and replaced; either may lack its last line end."""
    old = end.join(lines) + (end if closed else "")
    changed = list(lines)
    for number, place in enumerate(places):
        at = place % (len(changed) + 1)
        changed[at : at + number % 3] = [f"new {number}"] * (place % 3)
    return old, end.join(changed) + (end if len(places) % 2 else "")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(PATH, TEXT, min_size=1, max_size=4))
def test_git_gets_exactly_the_new_texts(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, tuple[list[str], str, bool, list[int]]]
) -> None:
    changes = {path: _edited(*parts) for path, parts in files.items()}
    assert applied(tmp_path_factory.mktemp("repository"), changes) == {p: new for p, (_, new) in changes.items()}
