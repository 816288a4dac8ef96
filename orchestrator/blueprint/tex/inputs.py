"""Which file an input means: the paths TeX would try, and the names that cannot be followed. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

_WITHOUT_NODES = (".bbl", ".aux", ".toc", ".ind", ".sty", ".cls", ".bib", ".tikz", ".pgf", ".svg", ".pdf_tex")
_BUILD_FOLDER = ".lake"


def candidates(name: str, folders: Iterable[str]) -> tuple[str, ...]:
    """Paths in the repository to try for `name`, from each of `folders`, `.tex` added first as TeX does.

    Empty when the name cannot be told without running TeX: it holds a macro, or it is a pipe. Paths that lead out of
    the repository begin with `../` or `/`.
    """
    name = name.strip('"')
    if not name or not name.isprintable() or name.startswith("|") or any(mark in name for mark in "\\#"):
        return ()
    names = (name,) if name.endswith(".tex") else (f"{name}.tex", name)
    paths = (posixpath.normpath(posixpath.join(folder, each)) for folder in folders for each in names)
    return tuple(dict.fromkeys(paths))


def is_inside(path: str) -> bool:
    """The path does not lead out of the repository."""
    return not path.startswith(("../", "/"))


def is_generated(path: str) -> bool:
    """The path is in Lake's build folder, where LeanArchitect writes."""
    return _BUILD_FOLDER in path.split("/")


def may_hold_nodes(name: str) -> bool:
    """A file of this name can hold statements, as bibliographies and pictures cannot."""
    return not name.endswith(_WITHOUT_NODES)
