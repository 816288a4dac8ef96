"""What a repository asks of us: `orchestrator.toml`, or `[tool.orchestrator]` in its `pyproject.toml`."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from orchestrator.errors import RepositoryError

STANDARD_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})
EXERCISE_FOLDERS = ("exercise", "exercises", "homework", "tutorial", "tutorials", "solutions_template")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the owners of a repository ask of us.

    Attributes:
        include: patterns of paths or full declaration names; when there are any, all others are left alone.
        exclude: patterns of paths or full declaration names that are left alone.
        exercises: work on exercises, too. They are left alone unless this is set.
        skip_marker: a comment with these words at a declaration leaves it alone.
        allowed_axioms: axioms that a proof may rest on.
        budget_seconds: how long strategies may work in one run; None leaves it to who starts the run.
        forbidden_tactics: words that no proof may contain.
        max_proof_lines: longer proofs are refused; 0 for no limit.
        branches: branches whose proofs are not found again: what is proved there is left alone here.
        publish_branch: the branch that our proofs are pushed to.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exercises: bool = False
    skip_marker: str = "orchestrator: skip"
    allowed_axioms: frozenset[str] = STANDARD_AXIOMS
    budget_seconds: float | None = None
    forbidden_tactics: tuple[str, ...] = ()
    max_proof_lines: int = 0
    branches: tuple[str, ...] = ()
    publish_branch: str = "orchestrator/proofs"

    def outside(self, path: str, declaration: str) -> str:
        """Why the place is none of ours, "" when it is."""
        for pattern in self.exclude:
            if matches(pattern, path, declaration):
                return f"excluded by {pattern!r} of its project"
        if self.include and not any(matches(pattern, path, declaration) for pattern in self.include):
            return "not among what its project includes"
        return ""

    def refuses(self, script: str) -> str:
        """Why a proof is not in the project's style, "" when it is."""
        lines = script.count("\n") + 1
        if self.max_proof_lines and lines > self.max_proof_lines:
            return f"{lines} lines, and its project allows {self.max_proof_lines}"
        for word in self.forbidden_tactics:
            if re.search(rf"(?<![\w.!?']){re.escape(word)}(?![\w!?'])", script):
                return f"uses {word}, which its project does not want"
        return ""


def matches(pattern: str, path: str, declaration: str) -> bool:
    """Whether a pattern names the path, a folder above it, or the declaration; `*` matches anything, slashes too."""
    folder = pattern.rstrip("/") + "/*"
    return any(fnmatchcase(text, each) for text in (path, declaration) for each in (pattern, folder))


def read_rules(table: Mapping[str, Any]) -> Rules:
    """Rules from a table of TOML.

    Raises:
        ValueError: a key that we do not know, or a value of the wrong kind.
    """
    known = {
        "include": _words,
        "exclude": _words,
        "exercises": _boolean,
        "skip_marker": _text,
        "allowed_axioms": _words,
        "budget_seconds": _seconds,
        "forbidden_tactics": _words,
        "max_proof_lines": _count,
        "branches": _words,
        "publish_branch": _text,
    }
    values: dict[str, Any] = {}
    for key, value in {**table, **_style(table)}.items():
        if key == "style":
            continue
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            raise ValueError(f"there is no key {key!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
        values[key] = known[key](key, value)
    if "allowed_axioms" in values:
        values["allowed_axioms"] = STANDARD_AXIOMS | frozenset(values["allowed_axioms"])
        if "sorryAx" in values["allowed_axioms"]:
            raise ValueError("'allowed_axioms' cannot hold sorryAx: nothing would be left to prove")
    return Rules(**values)


def _style(table: Mapping[str, Any]) -> Mapping[str, Any]:
    style = table.get("style", {})
    if not isinstance(style, dict):
        raise ValueError("'style' is not a table")
    return style


def _words(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key!r} is not a list of texts")
    return tuple(value)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key!r} is not a text")
    return value


def _boolean(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{key!r} is neither true nor false")
    return value


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"{key!r} is not a number of seconds")
    return float(value)


def _count(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{key!r} is not a whole number")
    return value


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
