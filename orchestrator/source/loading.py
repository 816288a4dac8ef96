"""Loads a Lean project from a folder: modules in build order, and what had to be left out."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from orchestrator.errors import ImportCycle, NotLeanProject, RepositoryError
from orchestrator.source.build_order import build_order
from orchestrator.source.files import MAXIMUM_BYTES, find_modules, packages_below, read_text
from orchestrator.source.header import parse_header
from orchestrator.source.lakefile import Lakefile, Options, Parts, Pattern, Target, parse_lean, parse_toml
from orchestrator.source.lexer import join_name, name_parts
from orchestrator.source.project import FileProblem, LeftOut, Project, SourceModule
from orchestrator.source.scan import scan
from orchestrator.text import counted

_EVERYTHING = Target("", (Pattern((), itself=False),))
_TOOLCHAIN_BYTES = 4096
_LAKEFILES = (("lakefile.lean", parse_lean), ("lakefile.toml", parse_toml))
"""Where there are two, Lake reads the first."""
NOT_BUILT = "belong to no default target"
"""Why files are left out that only a target builds which somebody has to ask Lake for."""


def load_project(root: Path, *, commit: str = "", loose: bool = False) -> Project:
    """Read the project in `root`.

    Its modules are those of the default targets (of all libraries and programs when the lakefile names no default)
    and what they import from other targets; without a lakefile, every Lean file. Files that cannot be used are
    `problems`, and the rest goes on. Raises NotLeanProject: no Lean file at all, or neither a lean-toolchain nor a
    lakefile, unless a `loose` folder of Lean files will do.
    """
    root = Path(os.path.abspath(root))
    loader = _Loader(root)
    lakefile = loader.read_lakefile()
    toolchain = loader.text("lean-toolchain", maximum_bytes=_TOOLCHAIN_BYTES)
    if lakefile is None and toolchain is None and not loose:
        raise NotLeanProject(
            "there is no Lean project: neither a lakefile nor a lean-toolchain", where=str(root), hint=_hint(root)
        )
    lakefile = lakefile or Lakefile()
    targets = lakefile.targets or (_EVERYTHING,)
    loader.find(targets, lakefile.build_folder)
    if not loader.paths and not find_modules(root, "", _EVERYTHING.patterns[0])[0]:
        raise NotLeanProject(
            "the project has no Lean file yet", where=str(root), hint="Write one that its lakefile names"
        )
    loader.read({name for target in lakefile.chosen or targets for name in loader.found[target]})
    loader.check_imports(targets)
    loader.note_what_is_not_built()
    order = build_order({name: module.imports for name, module in loader.modules.items()}, loader.unusable)
    for name, message in order.left_out.items():
        loader.problems.append(FileProblem(loader.modules[name].path, message))
        loader.left_out.append(LeftOut(loader.modules[name], "need files that cannot be used"))
    return Project(
        name=lakefile.name or root.name,
        root=str(root),
        toolchain=(toolchain or "").strip(),
        commit=commit,
        modules=tuple(loader.modules[name] for name in order.names),
        problems=tuple(sorted(set(loader.problems), key=lambda problem: (problem.path, problem.message))),
        left_out=tuple(loader.left_out),
    )


def read_lakefile(package: Path) -> Lakefile:
    """What a package declares; nothing where its lakefile is missing or cannot be read."""
    for path, parse in _LAKEFILES:
        text = read_text(package, path)
        if isinstance(text, str):
            return parse(text)
    return Lakefile()


@dataclass
class _Loader:
    """What is known so far while a project is read. `unusable` holds modules that have a file we could not take in."""

    root: Path
    paths: dict[str, str] = field(default_factory=dict)
    found: dict[Target, tuple[str, ...]] = field(default_factory=dict)
    modules: dict[str, SourceModule] = field(default_factory=dict)
    options: dict[str, Options] = field(default_factory=dict)
    unusable: set[str] = field(default_factory=set)
    problems: list[FileProblem] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def read_lakefile(self) -> Lakefile | None:
        """The package's lakefile, None when there is none."""
        for path, parse in _LAKEFILES:
            text = self.text(path)
            if text is not None:
                lakefile = parse(text)
                self.problems += (FileProblem(path, complaint) for complaint in lakefile.complaints)
                return lakefile
        return None

    def text(self, path: str, *, maximum_bytes: int = MAXIMUM_BYTES) -> str | None:
        """The text of a file, None when there is none, and "" for one that cannot be read, which is a problem."""
        if not os.path.lexists(self.root / path):
            return None
        text = read_text(self.root, path, maximum_bytes=maximum_bytes)
        if isinstance(text, FileProblem):
            self.problems.append(text)
            return ""
        return text

    def find(self, targets: tuple[Target, ...], build_folder: str) -> None:
        """Note the files of each target."""
        for target in targets:
            names: dict[str, None] = {}
            if not self._holds(target.folder):
                self.problems.append(FileProblem(target.folder, f"{target.name} lies outside the repository"))
            else:
                for pattern in filter(self._is_usable, target.patterns):
                    files, links = find_modules(self.root, target.folder, pattern, build_folder=build_folder)
                    for parts, path in files:
                        claimed = self._claim(parts, path)
                        names.update(dict.fromkeys(claimed))
                        self.options = dict.fromkeys(claimed, target.options) | self.options
                    self.problems += (FileProblem(link, "is a link to a folder, not followed") for link in links)
                if not names and target is not _EVERYTHING:
                    self.problems.append(FileProblem(target.folder, f"{target.name} has no Lean file"))
            self.found[target] = tuple(names)

    def _holds(self, folder: str) -> bool:
        """Whether the folder lies in the repository, links resolved."""
        if "\0" in folder:
            return False
        return Path(os.path.realpath(self.root / folder)).is_relative_to(os.path.realpath(self.root))

    def _is_usable(self, pattern: Pattern) -> bool:
        """Whether the parts of a name can be file names of this folder; a lakefile may hold anything."""
        bad = [part for part in pattern.parts if part in ("", ".", "..") or set(part) & set("/\\\0")]
        if bad:
            self.problems.append(
                FileProblem("", f"the lakefile names {bad[0]!r}, which cannot be part of a module name")
            )
        return not bad

    def _claim(self, parts: Parts, path: str) -> tuple[str, ...]:
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            shown = path.encode("utf-8", "backslashreplace").decode()
            self.problems.append(FileProblem(shown, "has a name that is not UTF-8"))
            return ()
        name = join_name(parts)
        taken = self.paths.setdefault(name, path)
        if taken != path:
            self.problems.append(FileProblem(path, f"is module {name} like {taken}, which was found first"))
        return (name,)

    def read(self, wanted: set[str]) -> None:
        """Read modules, and the ones they import."""
        todo = sorted(wanted)
        while todo:
            name = todo.pop()
            if name in self.modules or name in self.unusable:
                continue
            path = self.paths[name]
            text = read_text(self.root, path)
            if isinstance(text, FileProblem):
                self.unusable.add(name)
                self.problems.append(text)
                continue
            imports = tuple(dict.fromkeys(other for other in parse_header(text).imports if other != "Init"))
            self.modules[name] = SourceModule(name, path, text, imports, self.options.get(name, ()))
            todo += (other for other in imports if other in self.paths)

    def check_imports(self, targets: tuple[Target, ...]) -> None:
        """Leave out modules that import one of the project's own which has no file."""
        owned = _owned(targets, self.modules)
        for name, module in sorted(self.modules.items()):
            for other in module.imports:
                parts = name_parts(other)
                if other not in self.paths and any(pattern.covers(parts) for pattern in owned):
                    expected = PurePosixPath(*parts).as_posix() + ".lean"
                    message = f"imports {other}, which belongs to this project but has no file ({expected})"
                    self.problems.append(FileProblem(module.path, message))
                    self.unusable.add(name)
                    break
        for name in sorted(self.unusable & self.modules.keys()):
            self.left_out.append(LeftOut(self.modules.pop(name), "need files that cannot be used"))

    def note_what_is_not_built(self) -> None:
        """Say which files of other targets than the default ones have sorries."""
        for name in sorted(self.paths.keys() - self.modules.keys() - self.unusable):
            path = self.paths[name]
            text = read_text(self.root, path)
            if isinstance(text, str) and (found := len(scan(text))):
                words = f"has {counted(found, 'sorry', 'sorries')}, but no default target of the lakefile builds it"
                self.problems.append(FileProblem(path, words))
                self.left_out.append(LeftOut(SourceModule(name, path, text), NOT_BUILT))


def _owned(targets: tuple[Target, ...], modules: Mapping[str, SourceModule]) -> tuple[Pattern, ...]:
    """Patterns of the names that are the project's own."""
    if targets == (_EVERYTHING,):
        return tuple(Pattern((part,)) for part in sorted({name_parts(name)[0] for name in modules}))
    return tuple(pattern for target in targets for pattern in target.patterns)


def _hint(root: Path) -> str:
    if not root.is_dir():
        return "Name a folder that exists"
    inside = packages_below(root)
    if inside:
        return "There is one in " + ", ".join(inside[:5]) + ": name that folder"
    return "Name the folder that holds lakefile.toml or lakefile.lean"


CYCLE = "is part of an import cycle"
_SHOWN_PROBLEMS = 5


def importable(project: Project, libraries: Collection[str]) -> Project:
    """The project without the files that import, directly or not, from a library that Lean does not have here.

    Raises RepositoryError: no file is left.
    """
    missing: dict[str, set[str]] = {}
    kept, problems, left_out = [], [], []
    for module in project.modules:  # in build order
        own = {name for name in module.imports if name not in project.by_name}
        lacks = {name for name in own if name.partition(".")[0] not in libraries}
        missing[module.name] = lacks.union(*(missing.get(name, ()) for name in module.imports))
        if lacks := missing[module.name]:
            shown = ", ".join(sorted(lacks)[:3])
            words = f"imports {shown}, which Lean does not have here (only {', '.join(sorted(libraries))})"
            problems.append(FileProblem(module.path, words))
            packages = " and ".join(sorted({name.partition(".")[0] for name in lacks}))
            left_out.append(LeftOut(module, f"import {packages}"))
        else:
            kept.append(module)
    project = replace(
        project,
        modules=tuple(kept),
        problems=(*project.problems, *problems),
        left_out=(*project.left_out, *left_out),
    )
    if not project.modules:
        raise nothing_usable(project, project.problems)
    return project


@dataclass(frozen=True)
class Coverage:
    """How much of a project is worked on: the `sorries` in the other files, and `why` those are left out."""

    files: int = 0
    worked_on: int = 0
    sorries: int = 0
    why: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Such as "3 of 7 files worked on; 50 sorries in the others: they import Mathlib"; "" for the whole project."""
        if self.worked_on == self.files:
            return ""
        lost = counted(self.sorries, "sorry", "sorries") if self.sorries else "no sorry"
        why = f": they {' or '.join(self.why)}" if self.sorries else ""
        return f"{self.worked_on} of {counted(self.files, 'file')} worked on; {lost} in the others{why}"


def coverage(project: Project, problems: Sequence[FileProblem] = ()) -> Coverage:
    """How much of a project is worked on, where `problems` are files of it that Lean did not take."""
    paths = {problem.path for problem in problems}
    refused = [LeftOut(module, "do not elaborate") for module in project.modules if module.path in paths]
    left = [*project.left_out, *refused]
    known = {*project.by_path, *(one.module.path for one in left)}
    unread = {problem.path for problem in project.problems if problem.path.endswith(".lean")} - known
    sorries = [(len(scan(one.module.text)), one.why) for one in left]
    return Coverage(
        files=len(project.modules) + len(project.left_out) + len(unread),
        worked_on=len(project.modules) - len(refused),
        sorries=sum(number for number, _ in sorries),
        why=tuple(dict.fromkeys(why for number, why in sorries if number)),
    )


def offers_nothing(project: Project) -> bool:
    """Whether a run need not elaborate a project: no file has a word that leaves a proof open, and some are left out.

    Nobody could say more of its blueprint, of which only a part could be seen.
    """
    modules = (*project.modules, *(one.module for one in project.left_out))
    return bool(project.left_out) and not any(scan(module.text) for module in modules)


def nothing_usable(project: Project, problems: Sequence[FileProblem]) -> RepositoryError:
    """The error for a project of which no file can be worked on: the first files left out, and why."""
    if not problems:
        return NotLeanProject(f"{project.name} has no Lean file that could be worked on")
    shown = "; ".join(f"{problem.path}: {problem.message}" for problem in problems[:_SHOWN_PROBLEMS])
    more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
    cycle = any(problem.message.startswith(CYCLE) for problem in problems)
    kind = ImportCycle if cycle else RepositoryError
    scope = coverage(project)
    lost = f" ({scope.words})" if scope.sorries else ""
    return kind(f"No file of {project.name} can be worked on: {shown}{more}{lost}")
