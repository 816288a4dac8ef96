"""Every claim of SECURITY.md names what shows it, and that is there."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests/cheats"), str(ROOT / "tests/faults")]

from cheat_projects import read_projects  # noqa: E402
from fault_list import FAULTS  # noqa: E402

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| claim", "| layer"))
]
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
TITLES = {project.title for folder in ("attacks", "honest") for project in read_projects(folder)}


def defined_in(path: Path) -> set[str]:
    """Names of the test functions of a file, those in classes included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_claim_names_what_shows_it() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        shown = row[-1]
        assert re.search(r'`tests/\S+::\w+`|"[^"]+"|`python -m tests\.faults`', shown), row


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    assert name in defined_in(ROOT / path)


def test_attacks_and_faults_that_are_named_are_there() -> None:
    known = TITLES | set(FAULTS)
    named = [title for row in ROWS for title in re.findall(r'"([^"]+)"', row[-1])]
    assert len(named) > 40
    assert [title for title in named if title not in known] == []


def test_there_are_as_many_attacks_as_the_page_says() -> None:
    numbers = re.search(r"(\d+) attacks and (\d+) honest", PAGE)
    assert numbers is not None
    assert [int(n) for n in numbers.groups()] == [len(read_projects("attacks")), len(read_projects("honest"))]


def test_files_and_folders_that_are_named_are_there() -> None:
    paths = re.findall(r"`(tests/[\w/]+\.py)`", PAGE) + re.findall(r"\]\((tests/[^)]+)\)", PAGE)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
