"""Reads a repository's blueprint from disk, and writes changed files back."""

from __future__ import annotations

import configparser
import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
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
_DEEPEST = 4


def load(root: Path, *, top: Path | None = None) -> Blueprint:
    """The blueprint of the project at `root`, its nodes in Lean files included.

    Looks for `web.tex` (what leanblueprint itself reads), then `print.tex`, then `content.tex`, in `blueprint/src` and
    in `blueprint`, then in folders of that name further below, then beside the project and above it. Without any node
    or file the result is empty, and a problem says so.

    Args:
        top: where the repository begins; None to go by `.git`, which a tree of ours does not have.

    Raises BlueprintError: there is a blueprint, but not even its first file can be read.
    """
    tex = _found(root) or _found_below(root)
    if not tex:
        tex = next((found for parent in _parents(root, top) if (found := _found(parent))), None)
    if tex is None:
        looked_for = f"{', '.join(ROOTS[:-1])} or {ROOTS[-1]}"
        message = f"there is no {looked_for} in a folder named blueprint, and no @[blueprint] in a Lean file"
        blueprint = Blueprint(problems=(BlueprintProblem(ProblemKind.NO_BLUEPRINT, message),))
    else:
        base, path = tex
        blueprint = replace(_load(_Reader(base), path), base=str(base))
    return with_lean_nodes(blueprint, _collected(root))


def _found(base: Path, folders: Iterable[str] = FOLDERS) -> tuple[Path, str] | None:
    """The folder that paths start from, and the file that reading begins with."""
    paths = (f"{folder}/{name}" for folder in folders for name in ROOTS)
    return next(((base, path) for path in paths if os.path.isfile(base / path)), None)


def _found_below(root: Path) -> tuple[Path, str] | None:
    """The same in the first folder further below whose name is `blueprint`."""
    for folder, folders, _ in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(name for name in folders if depth < _DEEPEST and not name.startswith("."))
        below = [(Path(folder) / name).relative_to(root).as_posix() for name in FOLDERS] if depth else []
        if found := _found(root, below):
            return found
    return None


def _parents(root: Path, top: Path | None) -> Sequence[Path]:
    """The folders above, up to the top of the repository; outside of a git repository the nearest alone."""
    folders = [root.resolve(), *root.resolve().parents]
    if top is not None:
        return [folder for folder in folders[1:] if folder.is_relative_to(top.resolve())]
    return folders[1 : next((index for index, folder in enumerate(folders) if (folder / ".git").exists()), 1) + 1]


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
            hint = "Without --write, `blueprint sync` prints the diff instead"
            raise BlueprintError("a blueprint file lies outside the repository", where=path, hint=hint)
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
        raise BlueprintError(f"the blueprint cannot be read: {problem.message}", where=path)
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
