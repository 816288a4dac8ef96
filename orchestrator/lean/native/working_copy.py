"""A copy of a project that Lake compiles for us: its own modules are imported from there.

The packages are those of the owner's folder, linked; the copy's build folder is kept, so that the next run compiles
what has changed.
"""

from __future__ import annotations

import asyncio
import filecmp
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from orchestrator.lean.lake import (
    BUILD_SECONDS,
    MANIFEST,
    PACKAGES,
    build,
    build_failed,
    compiled_module,
    files_with_sorries,
    lake_says,
    packages,
)
from orchestrator.lean.native.program import GateProgram, ready_program
from orchestrator.source.header import sees_private_parts
from orchestrator.source.project import Project

_SEEN = {False: (".olean", ".ir"), True: (".olean", ".ir", ".olean.server", ".olean.private")}
"""What an importing file sees of a module: of one in the module system its proofs only if it looks behind the walls."""


class WorkingCopy:
    """The copy of one project, compiled when it is first asked about.

    Args:
        project: its files are taken from its folder as they are there.
        owner: the folder whose packages are built. One inside `cache` is ours: while nobody else uses it, it is the
            copy.
        cache: where copies are kept.
        lake: the program.
        version: of Lean, "" where it is not known.
    """

    def __init__(self, project: Project, *, owner: Path, cache: Path, lake: Path, version: str = "") -> None:
        self._project = project
        self._owner = owner
        self._cache = cache
        self.lake = lake
        self._version = version
        self._program: GateProgram | None = None
        self._turn = asyncio.Lock()
        self._sorries: frozenset[str] | None = None
        self._folder: Path | None = None
        self._lock: FileLock | None = None
        self._contents: dict[Path, str] = {}

    @property
    def folder(self) -> Path:
        """Where it is; nobody else uses it while this process runs."""
        if self._folder is None:
            self._cache.mkdir(parents=True, exist_ok=True)
            for folder in self._folders():
                lock = FileLock(f"{folder}.lock")
                try:
                    lock.acquire(blocking=False)
                except Timeout:
                    continue
                self._lock, self._folder = lock, folder
                break
        assert self._folder is not None
        return self._folder

    def _folders(self) -> Iterator[Path]:
        name = self._owner.name
        if self._owner.parent == self._cache:
            yield self._owner
        else:
            name += "-" + hashlib.sha256(str(self._owner).encode()).hexdigest()[:12]
        for number in count(1):
            yield self._cache / f"{name}-{number}"

    def build(self) -> None:
        """Fetch and compile everything, packages too, where the owner's folder is ours; then let others have it.

        Where another run has it, that one has built it.

        Raises RepositoryError: it does not build.
        """
        try:
            if self.folder == self._owner:
                mirror(Path(self._project.root), self.folder)
                self._link_packages(Path(self._project.root))
                build(self.folder, self.lake, seconds=BUILD_SECONDS)
        finally:
            lock, self._lock, self._folder = self._lock, None, None
            if lock is not None:
                lock.release()

    async def sorries(self) -> frozenset[str]:
        async with self._turn:
            if self._sorries is None:
                self._sorries = await asyncio.to_thread(self._compile)
        return self._sorries

    async def digest(self, module: str) -> str:
        await self.sorries()
        return await asyncio.to_thread(self._digest, module)

    async def program(self) -> GateProgram:
        """The gate's program for the Lean of this copy, which is compiled.

        Raises:
            LeanNotFound: this Lean does not take it.
            RepositoryError: nothing can be compiled.
        """
        await self.sorries()
        async with self._turn:
            if self._program is None:
                work = partial(ready_program, self.folder, self.lake, self._cache / "gate", self._version)
                self._program = await asyncio.to_thread(work)
        return self._program

    def text(self, module: str) -> str:
        """What was compiled, with line feeds alone."""
        found = self._project.by_name.get(module)
        return found.text.replace("\r\n", "\n") if found is not None else ""

    def _compile(self) -> frozenset[str]:
        folder, source = self.folder, Path(self._project.root)
        mirror(source, folder)
        self._link_packages(source)
        code, words = lake_says(folder, self.lake, ("build",), BUILD_SECONDS)
        if code and not any(compiled_module(folder, module.name) for module in self._project.modules):
            raise build_failed(self._owner, words)
        return files_with_sorries(words)

    def _digest(self, name: str) -> str:
        project, module = self._project, self._project.by_name[name]
        parts = [project.toolchain, module.digest, *project.external_imports(name)]
        seen = _SEEN[sees_private_parts(module.text)]
        for imported in project.closure(name):
            compiled = compiled_module(self.folder, imported.name)
            if compiled is None:
                return ""
            for file in map(compiled.with_suffix, seen):
                if file not in self._contents:
                    self._contents[file] = _content(file)
                parts.append(self._contents[file])
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()

    def _link_packages(self, source: Path) -> None:
        manifest, known = self.folder / MANIFEST, self._owner / MANIFEST
        if not manifest.is_file() and known.is_file():
            shutil.copy2(known, manifest)
        where = PACKAGES
        if packages(self.folder):  # so it can be read
            value = json.loads(manifest.read_text(encoding="utf-8"))
            where = str(value.get("packagesDir") or PACKAGES)
            outside = False
            for package in value.get("packages", ()):
                here = package.get("dir")
                if isinstance(here, str) and not (source / here).resolve().is_relative_to(source.resolve()):
                    beside = source if self._owner.parent == self._cache else self._owner
                    package["dir"], outside = str((beside / here).resolve()), True
            if outside:
                manifest.write_text(json.dumps(value, indent=1), encoding="utf-8")
        theirs, ours = self._owner / where, self.folder / where
        if theirs != ours and theirs.is_dir() and not ours.exists():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.unlink(missing_ok=True)
            ours.symlink_to(theirs.resolve())


def _content(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def mirror(source: Path, copy: Path) -> None:
    """Make `copy` hold the files of `source`; what is hidden is left alone, and equal files are not touched."""
    wanted = set(_files(source))
    for path in [path for path in _files(copy) if path not in wanted]:
        (copy / path).unlink()
    for path in sorted(wanted):
        theirs, ours = source / path, copy / path
        if ours.is_symlink():
            ours.unlink()
        if not (ours.is_file() and filecmp.cmp(theirs, ours, shallow=False)):
            ours.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(theirs, ours)


def _files(folder: Path) -> Iterator[str]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "lake-packages")
        for name in names:
            file = Path(at, name)
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(folder).as_posix()
