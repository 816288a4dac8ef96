"""What Lake says of a project: its packages and whether they are built. Nothing here starts a program but `build`.

A manifest that cannot be read and a build that fails raise `RepositoryError`; a Lean or packages that cannot be used,
`LeanNotFound`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config import child_environment
from orchestrator.errors import LeanNotFound, RepositoryError
from orchestrator.lean.toolchain import NATIVE_VARIABLES

MANIFEST = "lake-manifest.json"
BUILD_SECONDS = 4 * 3600.0
"""Building Mathlib without its cache takes hours."""
_LIBRARIES = (".lake/build/lib/lean", ".lake/build/lib", "build/lib")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of `lake-manifest.json`.

    Attributes:
        name: as in the manifest; older manifests write it with `«»`.
        folder: relative to the project, with forward slashes.
        revision: git commit ("" for a package by path).
        inherited: it came with another package.
    """

    name: str
    folder: str
    revision: str = ""
    inherited: bool = False


def parse_manifest(text: str) -> tuple[Package, ...]:
    """The packages of a manifest, of whatever version since Lake's format 4."""
    try:
        value = json.loads(text)
        folder = str(value.get("packagesDir") or ".lake/packages")
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


def check_packages(folder: Path) -> None:
    """Check that every package the project requires is there and built, and those by path from what they are now.

    Lake checks out a package from git once; one by path is a working folder.
    """
    known = packages(folder)
    missing = [package.name for package in known if not is_built(folder / package.folder)]
    if missing:
        get = "`lake exe cache get` and then " if "mathlib" in missing else ""
        raise LeanNotFound(
            f"The project's packages are not built: {', '.join(missing)}",
            where=str(folder),
            hint=f"Run {get}`lake build` there, or give --build.",
        )
    stale = [name for package in known if not package.revision for name in stale_modules(folder / package.folder)]
    if stale:
        more = f" and {len(stale) - 3} more" if len(stale) > 3 else ""
        raise LeanNotFound(
            f"Packages by path have changed since they were built: {', '.join(stale[:3])}{more}",
            where=str(folder),
            hint="Run `lake build` there, or give --build.",
        )


def is_built(package: Path) -> bool:
    """Whether a package's folder holds compiled modules, or has nothing to compile."""
    if not package.is_dir():
        return False
    compiled = any(
        next((package / library).rglob("*.olean"), None) for library in _LIBRARIES if (package / library).is_dir()
    )
    return compiled or next(package.glob("*.lean"), None) is None


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
        _lake(folder, lake, ("exe", "cache", "get"), seconds)
    code, words = _lake(folder, lake, ("build", *(f"+{module}" for module in modules)), seconds)
    if code:
        raise RepositoryError(
            f"`lake build` failed: {words}", where=str(folder), hint="Fix the project until it builds."
        )


def compiled_module(folder: Path, module: str) -> Path | None:
    """The compiled file of a module of the project, wherever its version of Lake puts it."""
    relative = Path(*module.split(".")).with_suffix(".olean")
    return next((file for library in _LIBRARIES if (file := folder / library / relative).is_file()), None)


def _lake(folder: Path, lake: Path, arguments: tuple[str, ...], seconds: float) -> tuple[int, str]:
    environment = child_environment(NATIVE_VARIABLES)
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
    return done.returncode, (done.stdout + done.stderr).strip()[-500:]


def _package(entry: Mapping[str, object], folder: str) -> Package:
    # Until format 6 the fields stood one level deeper, under "git" or "path".
    for kind in ("git", "path"):
        inner = entry.get(kind)
        if isinstance(inner, dict):
            entry = {"type": kind, **inner}
    name = str(entry["name"]).removeprefix("«").removesuffix("»")
    if entry.get("type") == "path":
        return Package(name, str(entry.get("dir", ".")).replace("\\", "/"), inherited=bool(entry.get("inherited")))
    sub = str(entry.get("subDir") or entry.get("subDir?") or "")
    path = "/".join(part for part in (folder, name, sub) if part)
    return Package(name, path, str(entry.get("rev", "")), bool(entry.get("inherited")))
