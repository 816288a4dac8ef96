"""The processes that a patch is judged with, and which of them may be shared by verdicts.

Three kinds, and only the second ever runs what is judged: one that has run the owner's code alone (it elaborates the
original, and parses the patch), one that elaborates the patch and is believed in nothing, and one that has run nobody's
code (it takes exports through the kernel). The others may go on: a text that is parsed and an export that is checked
are data to them, and nothing of a patch is kept there. What runs the patch goes on only if the patch was harmless, that
is accepted, or refused by Lean itself, so that nothing of it is left. No patch runs that could run code of its own; and
whatever a process makes of the next one, the judge takes it for data, as it did the first time.
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
    """The processes that one patch is judged with, one after the other.

    Attributes:
        harmless: what the patch ran in may serve another; whoever judges it says so before the case is closed.
    """

    harmless: bool

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

    harmless = False

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
    """Processes over one project that serve one verdict after the other; one that patches run in is started ahead.

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
        self._idle: list[Workspace] = []
        self._spare: asyncio.Task[Workspace] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def case(self, project: Project, modules: Sequence[str]) -> AsyncIterator[Case]:
        """A case of the project; an `OpenCase`."""
        assert project is self._project, "these processes hold one project"
        self._start_ahead(modules)
        case = _WarmCase(self, modules)
        try:
            yield case
        finally:
            if case.ran_in is not None:
                self._give_back(case.ran_in, modules, harmless=case.harmless)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Workspace]:
        """A process on the original, this caller's alone for now."""
        async with self._readers.held() as workspace:
            try:
                yield workspace
            finally:
                await workspace.session.recycle_if_grown()

    async def runner(self, modules: Sequence[str]) -> Workspace:
        """A process on the original for this caller alone, with what some modules import.

        Every patch that ran in it was harmless.
        """
        if self._idle:
            workspace = self._idle.pop()
        else:
            spare, self._spare = self._spare, None
            started = spare or asyncio.create_task(self._started(modules))
            try:
                workspace = await started
            except BaseException:
                self._end(started)
                raise
        try:
            await workspace.session.recycle_if_grown()
            for module in modules:
                await workspace.load_imports(module)
        except BaseException:
            self._end(workspace)
            raise
        return workspace

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
        held = [*self._idle, *self._readers.everything, *(court.workspace for court in self._judges.everything)]
        await asyncio.gather(*(workspace.session.close() for workspace in held), *self._ending)

    def _give_back(self, workspace: Workspace, modules: Sequence[str], *, harmless: bool) -> None:
        if harmless:
            self._idle.append(workspace)
        else:
            self._end(workspace)
            self._start_ahead(modules)

    def _workspace(self) -> Workspace:
        return Workspace(self._session(), self._project, elaboration_seconds=self._seconds)

    def _start_ahead(self, modules: Sequence[str]) -> None:
        if not self._idle and self._spare is None:
            self._spare = asyncio.create_task(self._started(modules))

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

    def _end(self, process: Workspace | asyncio.Task[Workspace]) -> None:
        """End a process, or one that is being started, without anybody waiting for it."""
        if isinstance(process, asyncio.Task) and not process.done():
            process.cancel()

        async def end() -> None:
            with suppress(LeanError, asyncio.CancelledError):
                workspace = await process if isinstance(process, asyncio.Task) else process
                await workspace.session.close()

        ending = asyncio.create_task(end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


class _WarmCase:
    """One verdict on warm processes. `ran_in`: what the patch ran in."""

    harmless = False

    def __init__(self, processes: WarmProcesses, modules: Sequence[str]) -> None:
        self._modules = modules
        self._processes = processes
        self.reading = processes.reading
        self.judging = processes.judging
        self.ran_in: Workspace | None = None

    @asynccontextmanager
    async def running(self, patched: Project) -> AsyncIterator[Workspace]:
        """A process of this case alone, for now."""
        self.ran_in = workspace = await self._processes.runner(self._modules)
        async with workspace.scratch():
            variant = workspace.variant(patched)
            try:
                yield variant
            finally:
                workspace.adopt(variant)


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
