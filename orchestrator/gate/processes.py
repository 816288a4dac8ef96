"""The processes that a patch is judged with, and which of them may be shared by verdicts.

Three kinds, and only the second ever runs what is judged: one that has run the owner's code alone (it elaborates the
original, and parses the patch), one that elaborates the patch and is believed in nothing, and one that has run nobody's
code (it takes exports through the kernel). What runs the patch is ended with its verdict, always. The others may go on:
a text that is parsed and an export that is checked are data to them, and nothing of a patch is kept there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Generic, Protocol, TypeVar

from orchestrator.errors import LeanError
from orchestrator.gate.judge import Court
from orchestrator.lean.session import Session
from orchestrator.lean.workspace import ELABORATION_SECONDS, Workspace
from orchestrator.source.project import Project

Thing = TypeVar("Thing")


class Case(Protocol):
    """The processes that one patch is judged with, one after the other."""

    def reading(self) -> AbstractAsyncContextManager[Workspace]:
        """A process that has run the owner's code alone, on the original."""

    def running(self, patched: Project) -> AbstractAsyncContextManager[Workspace]:
        """The process that the patch runs in, which is this case's own."""

    def judging(self) -> AbstractAsyncContextManager[Court]:
        """A process that has run nobody's code."""


OpenWorkspace = Callable[[Project], AbstractAsyncContextManager[Workspace]]
"""Opens a workspace for the gate on a process of its own."""

OpenCase = Callable[[Project, Sequence[str]], AbstractAsyncContextManager[Case]]
"""Opens a case of the original project, and of the modules that will be looked at."""


class FreshCase:
    """Two processes that are started for this case and ended with it: the patch is elaborated where it was parsed."""

    def __init__(self, workspace: Workspace, chamber: Workspace, modules: Sequence[str]) -> None:
        self._workspace, self._chamber = workspace, chamber
        apart = chamber.session is not workspace.session
        # The judge starts while the patch is tried.
        self._ready = asyncio.ensure_future(chamber.library(_imports(chamber, modules))) if apart else None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Workspace]:
        """The first process."""
        yield self._workspace

    @asynccontextmanager
    async def running(self, patched: Project) -> AsyncIterator[Workspace]:
        """The first process, from now on believed in nothing."""
        yield self._workspace.variant(patched)

    @asynccontextmanager
    async def judging(self) -> AsyncIterator[Court]:
        """The second process."""
        if self._ready is not None:
            # What went wrong is said again where it is needed.
            await asyncio.wait([self._ready])
        yield Court(self._chamber)

    async def settled(self) -> None:
        """Wait for what was begun."""
        if self._ready is not None:
            await asyncio.gather(self._ready, return_exceptions=True)


def fresh_cases(open_workspace: OpenWorkspace) -> OpenCase:
    """Cases on processes of their own."""

    @asynccontextmanager
    async def opened(project: Project, modules: Sequence[str]) -> AsyncIterator[Case]:
        async with open_workspace(project) as workspace, open_workspace(project) as chamber:
            case = FreshCase(workspace, chamber, modules)
            try:
                yield case
            finally:
                await case.settled()

    return opened


def _imports(workspace: Workspace, modules: Sequence[str]) -> tuple[str, ...]:
    """What the first of some modules imports, where they are made again."""
    return workspace.imported(modules[0], without=workspace.made_again(set(modules)))


class WarmProcesses:
    """Processes over one project that serve one verdict after the other; what runs a patch is started ahead.

    Args:
        session: makes a session whose process starts with the first request.
        elaboration_seconds: how long one file may take.
        readers, judges: how many of these there are at most, each for one verdict at a time.
    """

    def __init__(
        self,
        project: Project,
        session: Callable[[], Session],
        *,
        elaboration_seconds: float = ELABORATION_SECONDS,
        readers: int = 1,
        judges: int = 1,
    ) -> None:
        self._project = project
        self._session = session
        self._seconds = elaboration_seconds
        self._readers = _Shared([self._workspace() for _ in range(readers)])
        self._judges = _Shared([Court(self._workspace()) for _ in range(judges)])
        self._originals = frozenset(project.environment_digest(module.name) for module in project.modules)
        self._spare: asyncio.Task[Workspace] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def case(self, project: Project, modules: Sequence[str]) -> AsyncIterator[Case]:
        """A case of the project; an `OpenCase`."""
        assert project is self._project, "these processes hold one project"
        if self._spare is None:
            self._spare = asyncio.create_task(self._started(modules))
        yield _WarmCase(self, modules)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Workspace]:
        """A process on the original, this caller's alone for now."""
        async with self._readers.held() as workspace:
            try:
                yield workspace
            finally:
                await workspace.session.recycle_if_grown()

    @asynccontextmanager
    async def running(self, patched: Project, modules: Sequence[str]) -> AsyncIterator[Workspace]:
        """A process that nobody has had before, and nobody has again."""
        spare, self._spare = self._spare, None
        started = spare or asyncio.create_task(self._started(modules))
        self._spare = asyncio.create_task(self._started(modules))
        try:
            workspace = await started
            yield workspace.variant(patched)
        finally:
            self._end(started)

    @asynccontextmanager
    async def judging(self) -> AsyncIterator[Court]:
        """A process that judges, this caller's alone for now; of a patch it keeps nothing."""
        async with self._judges.held() as court:
            try:
                yield court
            finally:
                court.keep_only(self._originals)
                await court.workspace.session.recycle_if_grown()

    async def close(self) -> None:
        """End every process."""
        if self._spare is not None:
            self._end(self._spare)
        held = [workspace.session for workspace in self._readers.everything]
        held += [court.workspace.session for court in self._judges.everything]
        await asyncio.gather(*(session.close() for session in held), *self._ending)

    def _workspace(self) -> Workspace:
        return Workspace(self._session(), self._project, elaboration_seconds=self._seconds)

    async def _started(self, modules: Sequence[str]) -> Workspace:
        """A workspace whose process runs and has imported what the first of `modules` imports."""
        workspace = self._workspace()
        workspace.examples = True
        try:
            await workspace.library(_imports(workspace, modules))
        except BaseException:
            await workspace.session.close()
            raise
        return workspace

    def _end(self, started: asyncio.Task[Workspace]) -> None:
        """End a process, without anybody waiting for it."""
        if not started.done():
            started.cancel()

        async def end() -> None:
            with suppress(LeanError, asyncio.CancelledError):
                await (await started).session.close()

        ending = asyncio.create_task(end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


class _WarmCase:
    """One verdict on warm processes."""

    def __init__(self, processes: WarmProcesses, modules: Sequence[str]) -> None:
        self._modules = modules
        self._processes = processes
        self.reading = processes.reading
        self.judging = processes.judging

    def running(self, patched: Project) -> AbstractAsyncContextManager[Workspace]:
        return self._processes.running(patched, self._modules)


class _Shared(Generic[Thing]):
    """Things that one caller at a time may have; those who wait get one in the order in which they came."""

    def __init__(self, things: Sequence[Thing]) -> None:
        self.everything = tuple(things)
        self._idle: asyncio.Queue[Thing] = asyncio.Queue()
        for thing in things:
            self._idle.put_nowait(thing)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Thing]:
        """One of them, alone."""
        thing = await self._idle.get()
        try:
            yield thing
        finally:
            self._idle.put_nowait(thing)
