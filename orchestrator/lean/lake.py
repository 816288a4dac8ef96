"""What Lake says of a project: its packages, whether they are built, and what a build says.

A manifest that cannot be read and a build that fails raise `RepositoryError`; a Lean or packages that cannot be used,
`LeanNotFound`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import posixpath
import re
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from orchestrator.errors import LeanNotFound, RepositoryError
from orchestrator.lean.toolchain import native_environment, packaged
from orchestrator.source.header import parse_header
from orchestrator.source.lexer import name_parts
from orchestrator.source.loading import read_lakefile

MANIFEST = "lake-manifest.json"
PACKAGES = ".lake/packages"
"""Where packages are unless the manifest says otherwise."""
BUILD_SECONDS = 4 * 3600.0
"""Building Mathlib without its cache takes hours."""
_ENVIRONMENT_SECONDS = 300.0
_SHOWN_CHARACTERS = 500
_LIBRARIES = (".lake/build/lib/lean", ".lake/build/lib", "build/lib")
"""Where compiled modules are: since Lake 5, since Lake 4, and before."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of `lake-manifest.json`.

    Attributes:
        name: as in the manifest; older manifests write it with `«»`.
        folder: relative to the project, with forward slashes.
        revision: git commit ("" for a package by path).
    """

    name: str
    folder: str
    revision: str = ""


def parse_manifest(text: str) -> tuple[Package, ...]:
    """The packages of a manifest, in any format of Lake's since 4."""
    try:
        value = json.loads(text)
        folder = str(value.get("packagesDir") or PACKAGES)
        return tuple(_package(entry, folder) for entry in value.get("packages", ()))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise RepositoryError(
            f"The manifest cannot be read: {error}", where=MANIFEST, hint="Run `lake update` to write it again."
        ) from error


def packages(folder: Path) -> tuple[Package, ...]:
    """The packages of the project in a folder; none without a manifest."""
    try:
        return parse_manifest((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise RepositoryError(f"The manifest cannot be read: {error}", where=str(folder / MANIFEST)) from error


def packages_digest(folder: Path) -> str:
    """Changes whenever other packages would be imported: by the manifest, and of those by path by what is compiled."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return ""
    found = hashlib.sha256(manifest.read_bytes())
    for package in packages(folder):
        for library in _LIBRARIES if not package.revision else ():
            for file in sorted((folder / package.folder / library).rglob("*.olean")):
                said = file.with_name(f"{file.name}.hash")
                found.update(said.read_bytes() if said.is_file() else str(file.stat().st_mtime_ns).encode())
    return found.hexdigest()[:16]


def same_packages(one: Path, other: Path) -> bool:
    """Whether two projects have the same packages from git, in the same versions."""
    versions = ({(it.name, it.revision) for it in packages(folder) if it.revision} for folder in (one, other))
    return next(versions) == next(versions)


def check_packages(folder: Path, imports: Iterable[str]) -> None:
    """Check that the packages that these modules come from are fetched and built.

    Lake checks out a package from git once; one by path is a working folder, which may have changed since it was built.
    Packages that no module imports do not matter.

    Raises LeanNotFound: something is missing; the hint is the one command that brings it.
    """
    known = packages(folder)
    sources = {package: _source_folders(folder / package.folder) for package in known}
    files = {name: _source(name, folder, sources) for name in packaged(imports)}
    absent = [name for name, file in files.items() if file is None]
    if absent and not known:
        raise _missing(folder, f"{absent[0]} is imported, and there is no {MANIFEST}", "lake update")
    gone = [package.name for package in known if not (folder / package.folder).is_dir()]
    if absent and gone:
        raise _missing(folder, f"Packages are not fetched: {', '.join(gone)}", _brings(gone))
    found = {name: file[0] for name, file in files.items() if file is not None}
    bare = {owner.name for name, owner in found.items() if compiled_module(folder / owner.folder, name) is None}
    if bare:
        raise _missing(folder, f"Packages are not built: {', '.join(sorted(bare))}", _brings(bare))
    by_path = {owner for owner in found.values() if not owner.revision}
    stale = sorted(name for owner in by_path for name in stale_modules(folder / owner.folder))
    if stale:
        more = f" and {len(stale) - 3} more" if len(stale) > 3 else ""
        what = f"Packages by path have changed since they were built: {', '.join(stale[:3])}{more}"
        raise _missing(folder, what, "lake build")


def _missing(folder: Path, what: str, command: str) -> LeanNotFound:
    return LeanNotFound(what, where=str(folder), hint=f"Run `{command}` there, or give --build.")


def _brings(names: Collection[str]) -> str:
    """Mathlib's cache also fetches what is not there yet."""
    return "lake exe cache get" if "mathlib" in names else "lake build"


def _source_folders(package: Path) -> tuple[str, ...]:
    """Where a package may keep its modules."""
    return tuple(dict.fromkeys(("", *(target.folder for target in read_lakefile(package).targets))))


def _source(module: str, folder: Path, sources: Mapping[Package, Sequence[str]]) -> tuple[Package, Path] | None:
    file = module_file(module, ".lean")
    places = ((package, folder / package.folder / one / file) for package, inside in sources.items() for one in inside)
    return next((found for found in places if found[1].is_file()), None)


class PackageModules:
    """Which modules imports bring, as the packages' own files say; what Lean has by itself is not looked into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources = {package: _source_folders(folder / package.folder) for package in packages(folder)}
        self._imports = lru_cache(maxsize=None)(self._imports_of)

    def brought(self, imports: Iterable[str]) -> frozenset[str]:
        """The modules, and what they import, directly or not."""
        found: set[str] = set()
        todo = list(imports)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self._imports(name)
        return frozenset(found)

    def roots(self, imports: Iterable[str]) -> tuple[str, ...]:
        """The modules, those below the compiled root of a package (`Mathlib`) replaced by it."""
        found = set()
        for name in imports:
            first = name.partition(".")[0]
            owner = _source(first, self._folder, self._sources)
            whole = owner is not None and compiled_module(self._folder / owner[0].folder, first) is not None
            found.add(first if whole else name)
        return tuple(sorted(found))

    def _imports_of(self, module: str) -> tuple[str, ...]:
        found = _source(module, self._folder, self._sources) if packaged([module]) else None
        try:
            return parse_header(found[1].read_text(encoding="utf-8")).imports if found is not None else ()
        except (OSError, UnicodeDecodeError):
            return ()


def stale_modules(package: Path) -> tuple[str, ...]:
    """Compiled modules of a package that are older than their source, which is what an import would read."""
    stale = set()
    for library in _LIBRARIES:
        for compiled in (package / library).rglob("*.olean"):
            module = compiled.relative_to(package / library).with_suffix("")
            source = package / module.with_suffix(".lean")
            if source.is_file() and compiled.stat().st_mtime < source.stat().st_mtime:
                stale.add(".".join(module.parts))
    return tuple(sorted(stale))


def build(folder: Path, lake: Path, modules: Sequence[str] = (), *, seconds: float) -> None:
    """Run `lake build` for some modules, or for all; Mathlib's cache comes first where a whole project needs it."""
    if not modules and any(package.name == "mathlib" for package in packages(folder)):
        lake_says(folder, lake, ("exe", "cache", "get"), seconds)
    code, words = lake_says(folder, lake, ("build", *(f"+{module}" for module in modules)), seconds)
    if code:
        raise build_failed(folder, words)


def build_failed(folder: Path, words: str) -> RepositoryError:
    """The error for a build of which Lake said `words`."""
    said = words[-_SHOWN_CHARACTERS:]
    return RepositoryError(
        f"`lake build` failed: {said}", where=str(folder), hint="Fix the project until `lake build` succeeds there."
    )


_SORRY = re.compile(
    r"(?:warning: )?(?:\./)*(?P<path>[^\n:]+\.lean):\d+:\d+:(?: warning:)? declaration uses ['`]?sorry['`]?"
)


def files_with_sorries(output: str) -> frozenset[str]:
    """Paths of the files of which Lake or Lean says that a declaration uses a sorry, in text or in JSON."""
    found = set()
    for line in output.splitlines():
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                said = str(message.get("message", ""))
                if message.get("kind") == "hasSorry" or "declaration uses" in str(message.get("data", "")):
                    found.add(str(message.get("fileName", "")))
                line = said
        found |= {match["path"] for match in _SORRY.finditer(line)}
    return frozenset(posixpath.normpath(path) for path in found if path)


def compiled_module(folder: Path, module: str) -> Path | None:
    """The compiled file of a module of the project, wherever its version of Lake puts it."""
    file = module_file(module, ".olean")
    return next((found for library in _LIBRARIES if (found := folder / library / file).is_file()), None)


def module_file(module: str, suffix: str) -> Path:
    """Where a file of a module is below the folder of its library."""
    *folders, last = name_parts(module)
    return Path(*folders, last + suffix)


def lake_says(folder: Path, lake: Path, arguments: tuple[str, ...], seconds: float) -> tuple[int, str]:
    """The exit code of one command of Lake, and what it printed."""
    environment = native_environment()
    try:
        done = subprocess.run(
            (str(lake), *arguments), cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise RepositoryError(
            f"`lake {' '.join(arguments)}` took longer than {seconds:g} s", where=str(folder), hint="Run it by hand."
        ) from error
    except OSError as error:
        raise LeanNotFound(f"lake cannot be run: {error.strerror}", where=str(lake)) from error
    return done.returncode, (done.stdout + done.stderr).strip()


def lake_variables(folder: Path, lake: Path) -> dict[str, str]:
    """The variables that Lake gives to programs of the project in a folder: where Lean is, and compiled modules.

    Raises:
        LeanNotFound: Lake does not say.
    """
    code, words = lake_says(folder, lake, ("env",), _ENVIRONMENT_SECONDS)
    found = dict(line.split("=", 1) for line in words.splitlines() if "=" in line)
    if code or not {"LEAN_SYSROOT", "LEAN_PATH"} <= found.keys():
        said = words[-_SHOWN_CHARACTERS:]
        raise LeanNotFound(f"`lake env` does not say where Lean is: {said}", where=str(folder), hint="Run it there.")
    return found


def _package(entry: Mapping[str, object], folder: str) -> Package:
    # Until format 6 the fields stood one level deeper, under "git" or "path".
    for kind in ("git", "path"):
        inner = entry.get(kind)
        if isinstance(inner, dict):
            entry = {"type": kind, **inner}
    name = str(entry["name"]).removeprefix("«").removesuffix("»")
    if entry.get("type") == "path":
        return Package(name, str(entry.get("dir", ".")).replace("\\", "/"))
    sub = str(entry.get("subDir") or entry.get("subDir?") or "")
    path = "/".join(part for part in (folder, name, sub) if part)
    return Package(name, path, str(entry.get("rev", "")))
