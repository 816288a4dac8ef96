"""Finds and reads the Lean files of an untrusted folder: links, sizes and encodings are checked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from orchestrator.source.lakefile import Parts, Pattern
from orchestrator.source.project import FileProblem

MAXIMUM_BYTES = 4 * 1024 * 1024
_LAKEFILES = ("lakefile.lean", "lakefile.toml")


def find_modules(
    root: Path, folder: str, pattern: Pattern, *, build_folder: str = ""
) -> tuple[list[tuple[Parts, str]], list[str]]:
    """The files of `pattern` under `folder`, each with its module, and links to folders, which are not followed.

    Both are sorted; paths are relative to the root, with forward slashes. What Lake has built is no source.
    With an empty `pattern.parts` that is every file of the folder but those of packages inside it.
    """
    base = root / folder if folder else root
    start = base.joinpath(*pattern.parts)
    files: list[tuple[Parts, Path]] = []
    links: list[Path] = []
    if pattern.itself and pattern.parts:
        file = start.with_name(start.name + ".lean")
        if os.path.lexists(file) and not file.is_dir():
            files.append((pattern.parts, file))
    built = root / build_folder if build_folder else None
    if pattern.below and built not in (start, *start.parents):
        for file in _walk(start, built, skip_packages=not pattern.parts):
            if file.suffix == ".lean":
                inside = file.relative_to(start)
                files.append(((*pattern.parts, *inside.parts[:-1], inside.stem), file))
            else:
                links.append(file)
    return (
        [(parts, file.relative_to(root).as_posix()) for parts, file in files],
        [link.relative_to(root).as_posix() for link in links],
    )


def packages_below(root: Path, *, depth: int = 2) -> tuple[str, ...]:
    """Folders below `root` that hold a lakefile, relative, sorted."""
    found: list[str] = []
    for folder, subfolders, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        subfolders[:] = _visible(subfolders) if len(inside.parts) < depth else []
        if inside.parts and any(name in names for name in _LAKEFILES):
            found.append(inside.as_posix())
    return tuple(sorted(found))


def read_text(root: Path, path: str, *, maximum_bytes: int = MAXIMUM_BYTES) -> str | FileProblem:
    """The file's text, line ends as they are; a problem when it cannot be taken in.

    That is when it is not a plain file in the tree, larger than `maximum_bytes`, unreadable, or not UTF-8.
    """
    file = root / path
    try:
        real = file.resolve(strict=True)
        status = real.stat()
        if not real.is_relative_to(root.resolve(strict=True)):
            return FileProblem(path, "is a link that leads out of the repository")
        if not stat.S_ISREG(status.st_mode):
            return FileProblem(path, "is not a plain file")
        if status.st_size > maximum_bytes:
            return FileProblem(path, f"is larger than {maximum_bytes} bytes ({status.st_size})")
        return real.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        return FileProblem(path, f"is not UTF-8 (byte {error.start})")
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        reason = error.strerror if isinstance(error, OSError) else None
        return FileProblem(path, f"cannot be read: {reason or error}")


def _walk(start: Path, built: Path | None, *, skip_packages: bool) -> Iterator[Path]:
    """Lean files below `start`, and folders that are links; those end neither in a file nor in a visit."""
    if start.is_symlink():
        yield start
        return
    for folder, subfolders, names in os.walk(start):
        if skip_packages and Path(folder) != start and any(name in names for name in _LAKEFILES):
            subfolders[:] = []
            continue
        subfolders[:] = sorted(name for name in _visible(subfolders) if Path(folder, name) != built)
        for name in sorted({*names, *subfolders}):
            if name in subfolders:
                if os.path.islink(os.path.join(folder, name)):
                    yield Path(folder, name)
            elif name.endswith(".lean") and name != "lakefile.lean" and not name.startswith("."):
                yield Path(folder, name)


def _visible(folders: list[str]) -> list[str]:
    return [name for name in folders if not name.startswith(".")]
