"""Regular expressions that mean the same on every Python that we run on."""

from __future__ import annotations

import re

from house import SOURCES  # type: ignore[import-not-found]

# They lose their place when the last repetition fails half-way, before Python 3.11.5 (gh-106052).
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)[*+?]\+|(?<!\\)\(\?>|(?<!\\)\)\{[\d,]+\}\+")


def test_no_group_is_possessive() -> None:
    assert [name for name, source in SOURCES.items() if POSSESSIVE_GROUP.search(source)] == []


def test_such_groups_are_seen() -> None:
    assert POSSESSIVE_GROUP.findall(r"(?:a|b)*+ (?>a) (a)?+ (a){1,2}+") == [")*+", "(?>", ")?+", "){1,2}+"]
    assert not POSSESSIVE_GROUP.findall(r"[^)]*+ \)*+ (a)* +")
