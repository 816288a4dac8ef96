"""A Lean project as plain values: its modules, their texts, and what they import. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from orchestrator.goals.goal import Goal
from orchestrator.source.header import parse_header


@dataclass(frozen=True)
class SourceModule:
    """One Lean file.

    Attributes:
        path: path in the repository, with forward slashes.
        imports: module names in the order of the header; `Init` is left out.
        options: Lean options that its library sets, by name, with values as Lean writes them.
    """

    name: str
    path: str
    text: str
    imports: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text, and of the options where there are some, hex."""
        said = self.text + ("".join(f"\0{name}={value}" for name, value in self.options))
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def header(self) -> str:
        """What stands in front of its first command, as Lean reads it: with line feeds alone."""
        text = self.text.replace("\r\n", "\n")
        return text[: parse_header(text).end]


@dataclass(frozen=True)
class FileProblem:
    """A file, or the project's shape, that we could not take in; the rest of the project goes on."""

    path: str
    message: str


@dataclass(frozen=True)
class LeftOut:
    """A file that was read but is not worked on; `why` is said of several files, such as "import Mathlib"."""

    module: SourceModule
    why: str


@dataclass(frozen=True)
class Project:
    """The modules of a project in build order: every module comes after the ones it imports.

    Attributes:
        root: absolute folder the files were read from.
        toolchain: content of lean-toolchain, stripped ("" when there is none).
        commit: git commit the files are of ("" outside git).
    """

    name: str
    root: str
    toolchain: str = ""
    commit: str = ""
    modules: tuple[SourceModule, ...] = ()
    problems: tuple[FileProblem, ...] = field(default=())
    left_out: tuple[LeftOut, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, SourceModule]:
        """Modules by their name."""
        return {module.name: module for module in self.modules}

    @cached_property
    def by_path(self) -> Mapping[str, SourceModule]:
        """Modules by their path."""
        return {module.path: module for module in self.modules}

    @cached_property
    def external(self) -> tuple[str, ...]:
        """Modules outside the project that any of its modules imports, sorted."""
        return tuple(sorted({one for module in self.modules for one in module.imports if one not in self.by_name}))

    def closure(self, name: str) -> tuple[SourceModule, ...]:
        """Modules of this project that `name` imports, directly or not, in build order, without itself."""
        wanted: set[str] = set()
        todo = list(self.by_name[name].imports)
        while todo:
            current = todo.pop()
            if current in self.by_name and current not in wanted:
                wanted.add(current)
                todo.extend(self.by_name[current].imports)
        return tuple(module for module in self.modules if module.name in wanted)

    def external_imports(self, name: str) -> tuple[str, ...]:
        """Modules outside the project that `name` or its closure import, sorted."""
        modules = (*self.closure(name), self.by_name[name])
        return tuple(sorted({one for module in modules for one in module.imports if one not in self.by_name}))

    def with_texts(self, texts: Mapping[str, str]) -> Project:
        """The same project with the files in `texts` (path → new content) replaced.

        Raises KeyError: a path that is not a module of this project.
        """
        for path in sorted(texts.keys() - self.by_path.keys()):
            raise KeyError(path)
        modules = (replace(one, text=texts[one.path]) if one.path in texts else one for one in self.modules)
        return replace(self, modules=tuple(modules))

    def environment_digest(self, name: str) -> str:
        """SHA-256 over toolchain, the module and everything it imports: what a proof in it depends on."""
        texts = (module.digest for module in (*self.closure(name), self.by_name[name]))
        parts = (self.toolchain, *self.external_imports(name), *texts)
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def excerpt(project: Project, goal: Goal, *, around: int = 6, most: int = 120) -> tuple[str, int]:
    """The text a reader needs to see a goal: its command with `around` lines before and after, and the first line.

    Never more than `most` lines; ("", 1) when the goal's file is none of the project's.
    """
    module = project.by_path.get(goal.file)
    if module is None or goal.span is None:
        return "", 1
    lines = module.text.splitlines()
    whole = goal.command or goal.span
    first = max(1, whole.start.line - around, goal.span.start.line - most + around)
    last = min(len(lines), whole.end.line + around, first + most - 1)
    return "\n".join(lines[first - 1 : last]), first
