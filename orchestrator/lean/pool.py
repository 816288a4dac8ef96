"""Several Lean servers working on one project: a goal goes to a server that has its file, or at least its imports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from orchestrator.errors import SessionError
from orchestrator.goals.goal import Goal
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.protocol import Command, Limits
from orchestrator.lean.session import CompiledProject, Session, ask
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project


class Pool:
    """A fixed number of sessions over one project, which it closes; it raises what these and an `OpenGoal` raise."""

    def __init__(
        self,
        sessions: Sequence[Session],
        project: Project,
        *,
        limits: Limits | None = None,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._workspaces = [Workspace(session, project) for session in sessions]
        self._idle = list(self._workspaces)
        self.limits = limits or Limits()
        self._has_room = has_room
        self._changed = asyncio.Condition()
        self.project = project

    @property
    def size(self) -> int:
        """How many sessions there are."""
        return len(self._workspaces)

    @property
    def imports_by_header(self) -> bool:
        """Whether a process imports one header and no second one, so that another costs it all that it holds."""
        return self.compiled is not None

    @property
    def compiled(self) -> CompiledProject | None:
        """The project's own modules, compiled; None where they are elaborated again."""
        return next((workspace.session.compiled for workspace in self._workspaces), None)

    def distance(self, goal: Goal) -> int:
        """What a goal's file needs on the best idle session: 0 nothing, 1 to be elaborated, 2 its imports, too."""
        if any(workspace.holds(goal.module) for workspace in self._idle):
            return 0
        known = (workspace for workspace in self._idle if goal.module in workspace.project.by_name)
        return 1 if any(workspace.has_imported(goal.module) for workspace in known) else 2

    @asynccontextmanager
    async def workspace(self, module: str = "") -> AsyncIterator[Workspace]:
        """Hold a session alone, preferably one that has `module` loaded. A session that has grown is replaced first."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._choice(module) is not None)
            chosen = self._choice(module)
            assert chosen is not None
            self._idle.remove(chosen)
        try:
            await chosen.session.recycle_if_grown()
            yield chosen
        finally:
            # Shielded so that a cancelled holder still hands its session back.
            await asyncio.shield(self._give_back(chosen))

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[OpenGoal]:
        """Open a goal for proving, alone on its session."""
        async with self.workspace(goal.module) as workspace:
            opened = OpenGoal(workspace, goal, self.limits)
            await opened.ready()
            try:
                yield opened
            finally:
                # When the process is gone, what was to be forgotten is gone with it.
                with contextlib.suppress(SessionError):
                    await opened.release()

    async def start(self, *, seconds: float = 600.0) -> None:
        """Start every server now, so that no goal's time is spent on it."""
        await asyncio.gather(*(ask(w.session, Command(""), timeout=seconds) for w in self._workspaces))

    def variant(self, project: Project) -> VariantPool:
        """The same sessions, standing in front of goals of a variant of the project."""
        return VariantPool(self, project)

    async def close(self) -> None:
        """End every session, whoever holds it."""
        await asyncio.gather(*(workspace.session.close() for workspace in self._workspaces))

    async def __aenter__(self) -> Pool:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(self.close())

    def _choice(self, module: str) -> Workspace | None:
        """The idle workspace for a module; None where one has to become idle first, since no memory is left for more.

        Those that have it loaded come first, then those that have imported the same, then those without a process.
        """
        known = [w for w in self._idle if module in w.project.by_name]
        for suits in (Workspace.holds, Workspace.has_imported):
            if found := next((w for w in known if suits(w, module)), None):
                return found
        cold = next((w for w in self._idle if not w.holds_process()), None)
        if cold is not None and (self._has_room() or not any(w.holds_process() for w in self._workspaces)):
            return cold
        return next((w for w in self._idle if w.holds_process()), None)

    async def _give_back(self, workspace: Workspace) -> None:
        async with self._changed:
            self._idle.append(workspace)
            # Not `notify`: the one woken may be cancelled before it runs, and nobody else would be told.
            self._changed.notify_all()


class VariantPool:
    """A pool's sessions over a variant of its project. Made by `Pool.variant`; what it loads is dropped again."""

    def __init__(self, pool: Pool, project: Project) -> None:
        self._pool = pool
        self.project = project

    @asynccontextmanager
    async def workspace(self, module: str = "") -> AsyncIterator[Workspace]:
        """Hold a session alone, as `Pool.workspace` does."""
        async with self._pool.workspace(module) as held, held.scratch():
            variant = held.variant(self.project)
            try:
                yield variant
            finally:
                held.adopt(variant)

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[OpenGoal]:
        """Open a goal of the variant, as `Pool.open` does."""
        async with self.workspace(goal.module) as workspace:
            opened = OpenGoal(workspace, goal, self._pool.limits)
            await opened.ready()
            yield opened
