"""Strategies of other packages: each is named by an entry point of the group `orchestrator.strategies`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

GROUP = "orchestrator.strategies"
_NAME = re.compile(r"(?!(?:micro|hammer|copilot|reprover|sketch|agent|members|name)$)[a-z][a-z0-9_]*")
"""A name that a setting can be made of, and that is not taken."""


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The entry points that may name a strategy, by that name; nothing of their packages is imported."""
    return {point.name: point for point in entry_points(group=GROUP) if _NAME.fullmatch(point.name)}
