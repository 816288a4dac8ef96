"""Regular expressions that mean the same on every Python that we run on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path for folder in ("orchestrator", "flows", "tasks", "blocks", "bench") for path in (ROOT / folder).rglob("*.py")
]
# They lose their place when the last repetition fails half-way, before Python 3.11.5 (gh-106052).
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)[*+?]\+|(?<!\\)\(\?>|(?<!\\)\)\{[\d,]+\}\+")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_group_is_possessive(path: Path) -> None:
    assert not POSSESSIVE_GROUP.findall(path.read_text(encoding="utf-8"))


def test_such_groups_are_seen() -> None:
    assert POSSESSIVE_GROUP.findall(r"(?:a|b)*+ (?>a) (a)?+ (a){1,2}+") == [")*+", "(?>", ")?+", "){1,2}+"]
    assert not POSSESSIVE_GROUP.findall(r"[^)]*+ \)*+ (a)* +")
