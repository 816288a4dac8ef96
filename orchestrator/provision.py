"""Lean servers for a project: which Lean, how many, and how they are started."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.config import LeanChoice, SessionSettings, Settings
from orchestrator.errors import LeanNotFound
from orchestrator.lean.embedded import EmbeddedSession
from orchestrator.lean.install import ensure_embedded
from orchestrator.lean.installation import Progress
from orchestrator.lean.isolation import confined
from orchestrator.lean.meter import LeanMeter
from orchestrator.lean.pool import Pool
from orchestrator.lean.process import Launch
from orchestrator.lean.protocol import Limits
from orchestrator.lean.toolchain import LeanFound, find_lean
from orchestrator.lean.workspace import Workspace
from orchestrator.paths import Paths
from orchestrator.source import Project
from orchestrator.throttle import LocalMachine

SERVER_MEGABYTES = 1200
"""What one embedded server is given when servers are fitted to the memory that is left."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Embedded Lean servers that can be started for any project.

    Attributes:
        launch: how one is started.
        count: how many a pool holds.
        settings: their limits.
        description: which Lean, in words.
        identity: changes whenever another Lean, or another server, would answer.
        meter: what the servers have used so far.
    """

    launch: Launch
    count: int
    settings: SessionSettings
    description: str
    identity: str
    meter: LeanMeter = field(default_factory=LeanMeter)

    def session(self) -> EmbeddedSession:
        """A session; its process starts with the first request."""
        limit = self.settings.rss_limit_megabytes
        return EmbeddedSession(self.launch, rss_limit_megabytes=limit, meter=self.meter)

    def pool(self, project: Project) -> Pool:
        """A pool of `count` sessions over a project."""
        limits = Limits(heartbeats=self.settings.heartbeats, milliseconds=int(self.settings.tactic_seconds * 1000))
        return Pool([self.session() for _ in range(self.count)], project, limits=limits)

    @asynccontextmanager
    async def fresh(self, project: Project, preamble: str = "") -> AsyncIterator[Workspace]:
        """A workspace on a process of its own, ended afterwards: what the gate works on."""
        session = self.session()
        try:
            seconds = self.settings.elaboration_seconds
            yield Workspace(session, project, preamble=preamble, elaboration_seconds=seconds)
        finally:
            await session.close()


def choose_lean(settings: Settings, paths: Paths, project: Project) -> LeanFound:
    """Which Lean the project is worked on with.

    Raises:
        LeanNotFound: none can be used, or a native one was asked for, which this version does not drive.
    """
    if settings.lean is LeanChoice.NATIVE:
        raise LeanNotFound(
            "This version works with the embedded Lean only",
            where="ORCH_LEAN=native",
            hint="Unset it, or set ORCH_LEAN=embedded.",
        )
    external = {name for module in project.modules for name in module.imports if name not in project.by_name}
    return find_lean(
        Path(project.root), project.toolchain, prefer=LeanChoice.EMBEDDED, paths=paths, imports=sorted(external)
    )


def provision(
    settings: Settings, paths: Paths, found: LeanFound, *, progress: Progress = lambda stage, done: None
) -> Servers:
    """Install the embedded Lean if it is not there, and say how to start servers.

    Raises:
        InstallError: it could not be installed.
    """
    lean = ensure_embedded(paths, progress=progress)
    launch = Launch(
        command=confined(lean.command(), read=(lean.root, lean.folder)),
        environment=lean.environment(),
        folder=str(lean.folder),
        start_timeout=settings.sessions.start_timeout_seconds,
    )
    return Servers(
        launch,
        server_count(settings.sessions),
        settings.sessions,
        description=f"Lean {found.version} ({found.kind})",
        identity=f"{lean.package_digest} {lean.folder.name}",
    )


def server_count(settings: SessionSettings, machine: LocalMachine | None = None) -> int:
    """As many servers as asked for; else one a core, as long as they fit into three quarters of the memory left."""
    if settings.servers is not None:
        return settings.servers
    machine = machine or LocalMachine()
    available = machine.read().available_bytes
    by_memory = math.inf if available is None else available * 0.75 / (SERVER_MEGABYTES * 1e6)
    return max(1, int(min(machine.usable_cores(), by_memory)))
