"""Reads a repository's blueprint from disk, and writes changed files back."""

from __future__ import annotations

import configparser
import os
import posixpath
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.blueprint.architect import ArchitectNode, collect, with_lean_nodes
from orchestrator.blueprint.nodes import Blueprint, BlueprintProblem, ProblemKind
from orchestrator.blueprint.tex.definitions import DEFAULT_THEOREMS
from orchestrator.blueprint.tex.parser import parse
from orchestrator.errors import BlueprintError

FOLDERS = ("blueprint/src", "blueprint")
ROOTS = ("web.tex", "print.tex", "content.tex")
LEAN_DECLS = "lean_decls"


def load(root: Path) -> Blueprint:
    """The blueprint of the repository at `root`, its nodes in Lean files included.

    Looks for `web.tex` (what leanblueprint itself reads), then `print.tex`, then `content.tex`, in `blueprint/src`
    and in `blueprint`. Without any node or file the result is empty, `found` is false and a problem says so.

    Raises BlueprintError: there is a blueprint, but not even its first file can be read.
    """
    return with_lean_nodes(_load_tex(root), _collected(root))


def _load_tex(root: Path) -> Blueprint:
    for path in (f"{folder}/{name}" for folder in FOLDERS for name in ROOTS):
        if os.path.isfile(root / path):
            return _load(_Reader(root), path)
    places = " or ".join(FOLDERS)
    message = f"no blueprint: neither {', '.join(ROOTS[:-1])} nor {ROOTS[-1]} in {places}"
    return Blueprint(problems=(BlueprintProblem(ProblemKind.NO_BLUEPRINT, message),))


def _collected(root: Path) -> tuple[ArchitectNode, ...]:
    """The nodes that Lean files tag, dependencies and hidden folders left out; unreadable files are passed over."""
    reader = _Reader(root)
    texts: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = (Path(folder) / name).relative_to(root).as_posix()
            if name.endswith(".lean") and (text := reader(path)) is not None and "blueprint" in text:
                texts[path] = text
    return collect(texts)


def save(root: Path, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Write the files of `after` that differ from `before`, each replaced in one step; their paths, sorted.

    Raises BlueprintError: a path leads out of the repository, or a file cannot be written.
    """
    changed = tuple(sorted(path for path, text in after.items() if before.get(path) != text))
    for path in changed:
        target = (root / path).resolve()
        if not target.is_relative_to(root.resolve()):
            raise BlueprintError("a blueprint file lies outside the repository", where=path)
        scratch = target.with_name(f".{target.name}.new")
        try:
            scratch.write_bytes(after[path].encode("utf-8", "surrogateescape"))
            if target.exists():
                scratch.chmod(target.stat().st_mode & 0o7777)
            os.replace(scratch, target)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            hint = "Check the file's permissions and the free space"
            raise BlueprintError(f"cannot write a blueprint file: {error.strerror}", where=path, hint=hint) from error
    return changed


def _load(reader: _Reader, path: str) -> Blueprint:
    folder = posixpath.dirname(path)
    blueprint = parse(reader, path, theorems=_configured_theorems(reader(f"{folder}/plastex.cfg")))
    if not blueprint.found:
        problem = reader.problems[0] if reader.problems else blueprint.problems[0]
        raise BlueprintError("the blueprint cannot be read", where=path, hint=problem.message)
    # leanblueprint writes the names beside the folder it runs in.
    decls = posixpath.join(posixpath.dirname(folder), LEAN_DECLS)
    names = reader(decls)
    return replace(blueprint, problems=(*reader.problems, *blueprint.problems), lean_decls=names, lean_decls_path=decls)


class _Reader:
    """Gives files of a repository by path, never from outside it, and keeps word of those that cannot be read."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self.problems: list[BlueprintProblem] = []

    def __call__(self, path: str) -> str | None:
        try:
            file = (self._root / path).resolve()
            if not file.is_relative_to(self._root) or not file.is_file():
                return None
            return file.read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            message = f"cannot be read: {error.strerror}"
            self.problems.append(BlueprintProblem(ProblemKind.UNREADABLE_FILE, message, path))
            return None


def _configured_theorems(config: str | None) -> tuple[str, ...]:
    """The `thms` option as a section of plastex.cfg gives it, else leanblueprint's default."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(config or "")
    except configparser.Error:
        return DEFAULT_THEOREMS
    for section in parser.sections():
        if parser.has_option(section, "thms"):
            return tuple(name.strip() for name in parser.get(section, "thms").split("+"))
    return DEFAULT_THEOREMS
