"""Reads the small projects of this folder: a header, the original files, and what the patch makes of them.

A file holds one project, or several of one kind with a line `=====` between them. A project's header has `title`,
`verdict` and, where they matter, `because`, `covers`, `axioms` (what the owner adds to the allowlist), `helpers` (new
lemmas that the patch names), `seconds` (for one file), `slow` (for `make test-all` only) and `warns`. Then come the
files, each behind a line `>>> PATH` or, as the patch leaves it, `>>> PATH patched`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.source.diff import unified_diff
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project

HERE = Path(__file__).parent
_FILE = re.compile(r"^>>> (\S+)( patched)?\n", re.MULTILINE)
_NEXT = re.compile(r"\n\n=====\n")


@dataclass(frozen=True)
class CheatProject:
    """A project, a patch for it, and what the gate has to say of the two.

    Attributes:
        verdict: "passed", "partial", "conditional", "failed" (a verdict that names a check), "nothing proved" (the
            patch closes no sorry), "does not elaborate" (Lean's own error), or "refused" (not judged at all).
        because: the check that fails, a lemma it rests on, or a part of the error message.
    """

    title: str
    verdict: str
    because: str
    head: Mapping[str, str]
    original: Mapping[str, str] = field(repr=False)
    patched: Mapping[str, str] = field(repr=False)

    @property
    def patch(self) -> str:
        """The patch as a unified diff."""
        return unified_diff({path: (self.original.get(path, ""), text) for path, text in self.patched.items()})

    def words(self, name: str) -> frozenset[str]:
        """The header's list called `name`."""
        return frozenset(filter(None, self.head.get(name, "").replace(",", " ").split()))

    def write(self, folder: Path) -> Project:
        """The original on disk, as a project."""
        (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-pre\n")
        for path, text in self.original.items():
            (folder / path).write_bytes(text.encode())
        return load_project(folder)


def read_projects(folder: str) -> tuple[CheatProject, ...]:
    """Every project of a subfolder."""
    files = sorted((HERE / folder).glob("*.txt"))
    return tuple(_read(text) for path in files for text in _NEXT.split(path.read_bytes().decode()))


def _read(text: str) -> CheatProject:
    head, *rest = _FILE.split(text)
    fields = dict(line.split(": ", 1) for line in head.splitlines() if line)
    original: dict[str, str] = {}
    patched: dict[str, str] = {}
    for name, mark, content in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        # The line in front of the next mark is for the eye.
        (patched if mark else original)[name] = re.sub(r"\n\n\Z", "\n", content)
    return CheatProject(fields["title"], fields["verdict"], fields.get("because", ""), fields, original, patched)
