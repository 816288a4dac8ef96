"""Small projects for tests on a real Lean."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.protocol import Limits
from orchestrator.lean.session import Session
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project, SourceModule

LONG = 300.0
"""Seconds that no request of these tests takes, however busy the machine is."""

PATIENT = Limits(milliseconds=60_000)
"""For tactics that take milliseconds on a quiet machine."""


def project(**texts: str) -> Project:
    """Modules by name, in build order; `import` lines in the texts count."""
    modules = [
        SourceModule(name, f"{name}.lean", text, tuple(re.findall(r"^import (\S+)", text, re.MULTILINE)))
        for name, text in texts.items()
    ]
    return Project("small", "/nowhere", modules=tuple(modules))


async def extracted(session: Session, **texts: str) -> Extraction:
    """What elaborating a project gives."""
    small = project(**texts)
    return await extract(Workspace(session, small), small.modules)


class Goals:
    """The goals of one file on a session, opened one at a time."""

    def __init__(self, workspace: Workspace, goals: tuple[Goal, ...]) -> None:
        self.workspace = workspace
        self.all = goals

    @classmethod
    async def of(cls, session: Session, text: str) -> Goals:
        """The goals of a text, which has to elaborate."""
        small = project(A=text)
        workspace = Workspace(session, small)
        found = await extract(workspace, small.modules)
        assert found.problems == ()
        return cls(workspace, found.goals)

    @asynccontextmanager
    async def open(self, goal: Goal, limits: Limits = PATIENT) -> AsyncIterator[OpenGoal]:
        """See `Pool.open`."""
        opened = OpenGoal(self.workspace, goal, limits)
        await opened.ready()
        yield opened
        await opened.release()

    def __getitem__(self, declaration: str) -> Goal:
        (goal,) = (goal for goal in self.all if goal.declaration == declaration)
        return goal
