"""What a repository asks of us: `orchestrator.toml`, or `[tool.orchestrator]` in its `pyproject.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import RepositoryError
from orchestrator.rules import Rules, read_rules

FILE = "orchestrator.toml"
SHARED_FILE = "pyproject.toml"
_HINT = "Mend the file, or take it away; the README lists the keys"


def load_rules(root: Path) -> Rules:
    """The rules of the repository at `root`; the default ones when it has none.

    Raises:
        RepositoryError: they cannot be understood.
    """
    own = _toml(root / FILE)
    if own is not None:
        return _read(own, FILE)
    shared = _toml(root / SHARED_FILE) or {}
    tool = shared.get("tool", {})
    table = tool.get("orchestrator", {}) if isinstance(tool, dict) else {}
    return _read(table if isinstance(table, dict) else {}, f"[tool.orchestrator] in {SHARED_FILE}")


def _read(table: Mapping[str, Any], where: str) -> Rules:
    try:
        return read_rules(table)
    except ValueError as error:
        raise RepositoryError(str(error), where=where, hint=_HINT) from error


def _toml(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file() or not path.resolve().is_relative_to(path.parent.resolve()):
            return None
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise RepositoryError(f"cannot be read: {error}", where=path.name, hint=_HINT) from error
