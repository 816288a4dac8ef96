"""Lean servers for a project: which Lean, how many, and how they are started."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.config import LeanChoice, LeanSettings, Paths, Settings, child_environment
from orchestrator.errors import LeanNotFound, RepositoryError
from orchestrator.lean.checkers import NOT_CHECKED_EMBEDDED, find_checkers, not_checked_with
from orchestrator.lean.embedded.install import ensure_embedded
from orchestrator.lean.embedded.process import Launch
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.embedded.steps import Progress
from orchestrator.lean.lake import check_packages, packages_digest, same_packages
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.native.gate_session import GateSession
from orchestrator.lean.native.ready_repl import ready_repl
from orchestrator.lean.native.repl import Repl, ReplLaunch
from orchestrator.lean.native.session import NativeSession
from orchestrator.lean.native.working_copy import WorkingCopy
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Limits
from orchestrator.lean.sandbox.walls import confined
from orchestrator.lean.toolchain import EMBEDDED_LIBRARIES, LeanFound, LeanKind, find_lean, packaged
from orchestrator.lean.workspace import Workspace
from orchestrator.machine import LocalMachine
from orchestrator.source.loading import importable
from orchestrator.source.project import Project
from orchestrator.source.scan import scan

SERVER_MEGABYTES = 1200
"""What one embedded server is given when servers are fitted to the memory that is left."""
NATIVE_MEGABYTES = 8000
"""What a native server takes with Mathlib, and its private memory at which it is replaced unless ORCH_MEMORY_MB says
otherwise."""
NEXT_MEGABYTES = 3000
"""What each further one is assumed to take until one has been measured: compiled modules are mapped, and shared."""
_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Servers:
    """Lean servers that can be started for any project.

    Attributes:
        launch: how an embedded one is started; of a native one, the program `lake` and the folder it works in.
        identity: changes whenever another Lean, or another server, would answer.
        native: how a REPL of the user's own Lean is started; None for the embedded Lean.
        copy: the project as it is compiled for that; None where there is none.
        not_checked: what no verdict over this Lean covers, in words.
    """

    launch: Launch
    count: int
    settings: LeanSettings
    description: str
    identity: str
    native: ReplLaunch | None = None
    copy: WorkingCopy | None = None
    meter: LeanMeter = field(default_factory=LeanMeter)
    not_checked: tuple[str, ...] = NOT_CHECKED_EMBEDDED

    def session(self, has_room: Callable[[], bool] = lambda: False) -> EmbeddedSession | NativeSession:
        """A session; its process starts with the first request. A native one keeps a spare process where `has_room`."""
        limit = self.settings.memory_mb
        native = self.native
        if native is not None:
            limit = NATIVE_MEGABYTES if limit == LeanSettings().memory_mb else limit

            async def start() -> Repl:
                if self.copy is None:
                    return await Repl.begin(native)
                await self.copy.sorries()
                return await Repl.begin(replace(native, folder=self.copy.folder))

            return NativeSession(start, compiled=self.copy, limit_megabytes=limit, meter=self.meter, has_room=has_room)
        return EmbeddedSession(self.launch, rss_limit_megabytes=limit, meter=self.meter)

    def pool(self, project: Project) -> Pool:
        """A pool of `count` sessions over a project."""
        limits = Limits(heartbeats=self.settings.heartbeats, milliseconds=int(self.settings.tactic_timeout * 1000))

        def has_room() -> bool:
            """Whether one more fits: as big as the biggest that runs, without what processes share."""
            available = LocalMachine().read().available_bytes
            needed = max((session.private_megabytes for session in natives), default=0.0) or NEXT_MEGABYTES
            return available is None or available * _SHARE >= needed * 1e6

        sessions = [self.session(has_room) for _ in range(self.count)]
        natives = [session for session in sessions if isinstance(session, NativeSession)]
        return Pool(sessions, project, limits=limits, has_room=has_room if natives else lambda: True)

    @asynccontextmanager
    async def fresh(self, project: Project) -> AsyncIterator[Workspace]:
        """A workspace on a process of its own, ended afterwards."""
        session = self.session()
        try:
            seconds = self.settings.elaboration_timeout
            yield Workspace(session, project, elaboration_seconds=seconds)
        finally:
            await session.close()

    @asynccontextmanager
    async def for_gate(self, project: Project) -> AsyncIterator[Workspace]:
        """A workspace that the gate can work on, on processes of its own, ended afterwards."""
        if self.copy is None:
            async with self.fresh(project) as workspace:
                yield workspace
            return
        session = GateSession(project, self.copy, start_timeout=self.settings.start_timeout, meter=self.meter)
        try:
            yield Workspace(session, project, elaboration_seconds=self.settings.elaboration_timeout)
        finally:
            await session.close()


def needs_packages(project: Project) -> bool:
    """Whether a module of the project imports what no Lean has by itself."""
    return bool(packaged(project.external))


def choose_lean(settings: Settings, paths: Paths, project: Project) -> LeanFound:
    """Which Lean the project is worked on with.

    Raises LeanNotFound: none can be used, or not the one that was asked for.
    """
    root = Path(project.root)
    return find_lean(root, project.toolchain, prefer=settings.lean, paths=paths, imports=project.external)


def usable(settings: Settings, paths: Paths, project: Project) -> Project:
    """The project without the files that its Lean cannot import.

    Where a package needs a native Lean and there is none, the sorries that need no package are still worked on.

    Raises RepositoryError: no file is left.
    """
    try:
        if choose_lean(settings, paths, project).kind is LeanKind.NATIVE:
            return project
    except LeanNotFound:
        if settings.lean is not LeanChoice.AUTO or not _has_work_without_packages(project):
            raise
    return importable(project, EMBEDDED_LIBRARIES)


def _has_work_without_packages(project: Project) -> bool:
    try:
        rest = importable(project, EMBEDDED_LIBRARIES).modules
    except RepositoryError:
        return False
    return any(scan(module.text) for module in rest) or not any(scan(module.text) for module in project.modules)


def _owner(repo: str, project: Project | None, paths: Paths) -> Path:
    """Where a native Lean finds built packages: the user's own folder, since a clean copy of it has none; of a URL, a
    folder of ours that all its commits share."""
    own = Path(repo).expanduser()
    if repo and own.is_dir():
        return own.resolve()
    if repo and project is not None:
        name = re.sub(r"\W+", "-", project.name)
        return paths.compiled / f"{name}-{hashlib.sha256(repo.encode()).hexdigest()[:12]}"
    return Path.cwd() if project is None else Path(project.root)


def build_of_url(repo: str, project: Project, paths: Paths, lake: Path) -> None:
    """Fetch and build what a repository that nobody has here needs, and itself.

    Raises RepositoryError: it does not build.
    """
    WorkingCopy(project, owner=_owner(repo, project, paths), cache=paths.compiled, lake=lake).build()


def provision(
    settings: Settings,
    paths: Paths,
    found: LeanFound,
    project: Project | None = None,
    *,
    repo: str = "",
    progress: Progress = lambda stage, done: None,
) -> Servers:
    """Say how to start servers, and install the embedded Lean if that is the one and it is not there.

    A native Lean compiles a copy of `project` with the toolchain, and with the packages that are built in `repo` where
    that is a folder.

    Raises:
        InstallError: it could not be installed.
        LeanNotFound: the native Lean's packages, or its REPL, are not built.
    """
    installed = find_checkers(child_environment(("PATH",)).get("PATH", os.defpath))
    if found.native is not None:
        folder, lake = _owner(repo, project, paths), found.native.lake
        root = folder if project is None else Path(project.root)
        # What was built for another commit of a URL may be packages of other versions.
        ours = folder.parent == paths.compiled
        check_packages(root if ours and not same_packages(folder, root) else folder, found.imports)
        built = ready_repl(found.version, lake, paths.repl, settings.repl)
        return Servers(
            Launch(command=(str(lake),), environment={}, folder=str(folder)),
            server_count(settings, native=True),
            settings,
            description=f"Lean {found.version} ({found.kind})",
            identity=f"native {found.version} {built} {packages_digest(root if ours else folder)}",
            native=ReplLaunch(folder=folder, lake=lake, repl=built, folders=settings.lean_folders),
            copy=_copy(project, folder, paths, found) if project else None,
            not_checked=not_checked_with(installed, native=True),
        )
    lean = ensure_embedded(paths, progress=progress)
    launch = Launch(
        command=confined(lean.command(), read=(lean.root, lean.folder)),
        environment=lean.environment(),
        folder=str(lean.folder),
        start_timeout=settings.start_timeout,
    )
    return Servers(
        launch,
        server_count(settings),
        settings,
        description=f"Lean {found.version} ({found.kind})",
        identity=f"{lean.package_digest} {lean.folder.name}",
        not_checked=not_checked_with(installed),
    )


def _copy(project: Project, owner: Path, paths: Paths, found: LeanFound) -> WorkingCopy:
    assert found.native is not None
    return WorkingCopy(project, owner=owner, cache=paths.compiled, lake=found.native.lake, version=found.version)


def server_count(settings: LeanSettings, machine: LocalMachine | None = None, *, native: bool = False) -> int:
    """As many servers as asked for; else one a core, as long as they fit into three quarters of the memory left.

    Native ones share what they have imported: the first takes most.
    """
    if settings.servers is not None:
        return settings.servers
    machine = machine or LocalMachine()
    available = machine.read().available_bytes
    first, following = (NATIVE_MEGABYTES, NEXT_MEGABYTES) if native else (SERVER_MEGABYTES, SERVER_MEGABYTES)
    by_memory = math.inf if available is None else 1 + (available * _SHARE / 1e6 - first) / following
    return max(1, int(min(machine.usable_cores(), by_memory)))
