"""Gets a clean tree of one commit, from a folder or a URL, without touching the user's repository."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from orchestrator.errors import CheckoutError
from orchestrator.git.mirror import Mirror, Trees
from orchestrator.git.origin import LocalOrigin, RemoteOrigin, open_origin

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit's files.

    Attributes:
        source: the folder (absolute) or URL (without credentials) they come from.
        path: folder with exactly the files of that commit (build folders apart); where `source` is a folder inside a
            repository, the same folder of the tree. Shared with other runs: to be read, not written.
        dirty: the source folder has changes that are not committed, which are not included.
        prefix: path of `source` inside its repository, "" at the top.
    """

    source: str
    ref: str
    commit: str
    path: Path
    dirty: bool = False
    prefix: str = ""

    @property
    def top(self) -> Path:
        """The folder with the whole tree."""
        return self.path.parents[self.prefix.count("/")] if self.prefix else self.path


def checkout(source: str, ref: str = "HEAD", *, cache: Path, timeout: float = 600.0) -> Checkout:
    """Get the tree of a commit.

    Args:
        source: folder of a repository (or inside one), or a URL.
        ref: branch, tag, hash, or an expression such as `HEAD~2`.
        cache: folder for our copies; several runs may share it.
        timeout: seconds a git command may take, and to wait for another run that works on the same repository.

    Raises:
        CheckoutError: no such folder, URL or ref; no commit yet; not ours to read; the cache cannot be written.
    """
    if not ref or ref.startswith("-") or _CONTROL.search(ref):
        raise CheckoutError(f"{ref!r} cannot be the name of a commit", hint="Name a branch, a tag or a hash")
    origin = open_origin(source, timeout=timeout)
    dirty = origin.is_dirty()
    cache = Path(os.path.abspath(cache))
    key = _key(origin.identity)
    try:
        (cache / "locks").mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "locks" / f"{key}.lock", timeout=timeout):
            mirror = Mirror(cache / "mirrors" / f"{key}.git", origin.shown, timeout)
            trees = Trees(cache / "trees" / key)
            try:
                commit, tree = _written(origin, mirror, trees, ref)
            except CheckoutError:
                if not mirror.folder.is_dir() or mirror.is_sound():
                    raise
                mirror.discard()
                commit, tree = _written(origin, mirror, trees, ref)
    except Timeout as error:
        raise CheckoutError("another run has been busy with this repository for too long", where=str(cache)) from error
    except OSError as error:
        raise CheckoutError(f"the cache cannot be used: {error.strerror or error}", where=str(cache)) from error
    path = tree / origin.prefix
    if not path.is_dir():
        raise CheckoutError(f"commit {commit[:12]} has no folder {origin.prefix}", where=origin.shown)
    return Checkout(origin.shown, ref, commit, path, dirty, origin.prefix)


def _written(origin: LocalOrigin | RemoteOrigin, mirror: Mirror, trees: Trees, ref: str) -> tuple[str, Path]:
    mirror.prepare()
    commit = origin.fetch(mirror, ref)
    return commit, trees.get(mirror, commit)


def _key(identity: str) -> str:
    """A folder name for a repository: readable, and made of harmless characters only."""
    last = identity.rstrip("/").replace(":", "/").rpartition("/")[2].removesuffix(".git")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip(".-")[:_NAME_LENGTH] or "repository"
    return f"{name}-{hashlib.sha256(identity.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
