"""The checkers of other people, asked about a patch of a native project: build a copy with and without it, compare.

The user's folder is left as it is. What is built already is copied, so that only what the patch touches is compiled.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.errors import RepositoryError
from orchestrator.lean.checkers import Checker, Compiled, Judgement, run_checkers
from orchestrator.lean.lake import BUILD_SECONDS, build, compiled_module, lake_says
from orchestrator.lean.toolchain import native_environment
from orchestrator.source.project import Project

_PACKAGES = ".lake/packages"
_SHOWN_CHARACTERS = 500


def second_opinion(
    folder: Path,
    project: Project,
    patched: Mapping[str, str],
    *,
    lake: Path,
    found: Mapping[Checker, Path],
    theorems: Sequence[str],
    axioms: Sequence[str],
    seconds: float = BUILD_SECONDS,
) -> tuple[Judgement, ...]:
    """What the installed checkers say of a patch.

    Args:
        folder: the project's, whose packages are built.
        project, patched: the original, and the texts of the changed files, by path.
        lake: the program.
        found: the checkers there are.
        theorems: what was proved.
        axioms: what a proof may rest on.
        seconds: how long one build may take.

    A project that does not build here is one that nobody could look at, and the judgements say so.
    """
    if not found:
        return tuple(Judgement(checker, None, "not installed") for checker in Checker)
    with tempfile.TemporaryDirectory(prefix="orchestrator-compiled-") as scratch:
        copy, before = Path(scratch) / "project", Path(scratch) / "before"
        _copy(folder, copy)
        names = tuple(project.by_path[path].name for path in patched)
        try:
            _write(copy, {module.path: module.text for module in project.modules})
            build(copy, lake, names, seconds=seconds)
            originals = {name: _keep(copy, name, before) for name in names}
            _write(copy, patched)
            build(copy, lake, names, seconds=seconds)
        except RepositoryError as error:
            words = f"a copy of the project does not build: {error}"
            return tuple(Judgement(one, None, words if one in found else "not installed") for one in Checker)
        compiled = Compiled(
            folder=copy,
            modules=names,
            originals={name: path for name, path in originals.items() if path is not None},
            patched={name: path for name in names if (path := compiled_module(copy, name)) is not None},
            theorems=tuple(theorems),
            axioms=tuple(axioms),
        )
        environment = native_environment()
        environment["PATH"] = os.pathsep.join((str(lake.parent), environment.get("PATH", os.defpath)))
        return run_checkers(compiled, found, environment=environment, scratch=Path(scratch))


def fails_to_build(
    folder: Path, project: Project, patched: Mapping[str, str], *, lake: Path, seconds: float = BUILD_SECONDS
) -> Mapping[str, str]:
    """The files of a patch that Lake does not build, as the owner's continuous integration would, and Lake's words.

    `folder` has the compiled original; it is left as it is. What did not build without the patch is nobody's fault.

    Raises:
        RepositoryError: a build took longer than `seconds`.
        LeanNotFound: Lake cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix="orchestrator-compiled-") as scratch:
        copy = Path(scratch) / "project"
        _copy(folder, copy)
        _write(copy, patched)
        if lake_says(copy, lake, ("build",), seconds)[0] == 0:
            return {}
        found = {}
        for path in patched:
            code, words = lake_says(copy, lake, ("build", f"+{project.by_path[path].name}"), seconds)
            if code:
                found[path] = words[-_SHOWN_CHARACTERS:]
        return found


def _copy(folder: Path, copy: Path) -> None:
    def left_out(at: str, names: list[str]) -> list[str]:
        if Path(at) == folder:
            return [".git"]
        return ["packages"] if Path(at) == folder / ".lake" else []

    shutil.copytree(folder, copy, symlinks=True, ignore=left_out)
    if (folder / _PACKAGES).is_dir():
        (copy / ".lake").mkdir(exist_ok=True)
        (copy / _PACKAGES).symlink_to(folder / _PACKAGES)


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Only what differs: Lake builds by content, older ones by time."""
    for path, text in texts.items():
        file = folder / path
        if not file.is_file() or file.read_bytes() != text.encode("utf-8"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode("utf-8"))


def _keep(folder: Path, module: str, aside: Path) -> Path | None:
    found = compiled_module(folder, module)
    if found is None:
        return None
    aside.mkdir(exist_ok=True)
    return Path(shutil.copy2(found, aside / f"{module}.olean"))
