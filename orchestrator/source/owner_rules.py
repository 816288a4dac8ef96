"""What a repository asks of us: `orchestrator.toml`, or `[tool.orchestrator]` in its `pyproject.toml`."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from orchestrator.errors import RepositoryError
from orchestrator.goals.declaration import STANDARD_AXIOMS

EXERCISE_FOLDERS = ("exercise", "exercises", "homework", "tutorial", "tutorials", "solutions_template")


Words = tuple[StrictStr, ...]
Text = Annotated[str, Field(strict=True, pattern=r"\S")]


def _with_standard_axioms(axioms: frozenset[str]) -> frozenset[str]:
    if "sorryAx" in axioms:
        raise ValueError("sorryAx cannot be allowed: nothing would be left to prove")
    return axioms | STANDARD_AXIOMS


class Rules(BaseModel):
    """What the owners of a repository ask of us.

    Attributes:
        include: patterns of paths or full declaration names; when there are any, all others are left alone.
        exclude: patterns of paths or full declaration names that are left alone.
        exercises: work on exercises, too. They are left alone unless this is set.
        skip_marker: a comment with these words at a declaration leaves it alone.
        allowed_axioms: axioms that a proof may rest on, besides Lean's standard ones.
        allowed_options: options that a proof may set, besides harmless ones; one that ends with a dot stands for all
            that begin so.
        native_decide: a proof may believe what a compiled program computes.
        max_heartbeats: what a proof may raise Lean's limit of work to; Lean's own unless this is more.
        budget_seconds: how long strategies may work in one run; None leaves it to who starts the run.
        forbidden_tactics: words that no proof may contain.
        max_proof_lines: longer proofs are refused; 0 for no limit.
        branches: branches whose proofs are not found again: what is proved there is left alone here.
        publish_branch: the branch that our proofs are pushed to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    include: Words = ()
    exclude: Words = ()
    exercises: StrictBool = False
    skip_marker: Text = "orchestrator: skip"
    allowed_axioms: Annotated[frozenset[StrictStr], AfterValidator(_with_standard_axioms)] = STANDARD_AXIOMS
    allowed_options: Words = ()
    native_decide: StrictBool = False
    max_heartbeats: Annotated[int, Field(strict=True, ge=0)] = 0
    budget_seconds: Annotated[float, Field(strict=True, gt=0)] | None = None
    forbidden_tactics: Words = ()
    max_proof_lines: Annotated[int, Field(strict=True, ge=0)] = 0
    branches: Words = ()
    publish_branch: Text = "orchestrator/proofs"

    def outside(self, path: str, declaration: str) -> str:
        """Why a declaration is left alone, "" when it is not."""
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
    """Rules from a table of TOML; those of its table `style` may stand there or beside it.

    Raises ValueError: a key that we do not know, or a value of the wrong kind.
    """
    style = table.get("style", {})
    if not isinstance(style, dict):
        raise ValueError("'style' is not a table")
    values = {key: value for key, value in table.items() if key != "style"} | style
    for key in values:
        if key not in Rules.model_fields:
            close = difflib.get_close_matches(key, Rules.model_fields, n=1)
            raise ValueError(f"there is no key {key!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    try:
        return Rules(**values)
    except ValidationError as error:
        first = error.errors()[0]
        words = re.sub("valid (?:tuple|frozenset)", "valid list", first["msg"].removeprefix("Value error, "))
        raise ValueError(f"{first['loc'][0]!r}: {words}") from None


FILE = "orchestrator.toml"
SHARED_FILE = "pyproject.toml"
_HINT = "Fix or remove the file; docs/your-repository.md lists the keys"


def load_rules(root: Path) -> Rules:
    """The rules of the repository at `root`; the default ones when it has none.

    Raises RepositoryError: they cannot be understood.
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
