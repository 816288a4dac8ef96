"""Which processes a patch is judged with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from small_lean import SmallLean, project

from orchestrator.cli.verify import in_turn
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project


async def test_what_has_elaborated_the_original_is_given_once_and_for_the_original_alone() -> None:
    original, other = project(A=""), project(A="sorry")
    given = [Workspace(SmallLean().session, original) for _ in range(2)]

    @asynccontextmanager
    async def fresh(of: Project) -> AsyncIterator[Workspace]:
        yield Workspace(SmallLean().session, of)

    opened = in_turn(given, fresh)
    async with opened(other) as elsewhere, opened(original) as first, opened(original) as second:
        assert (first, second) == tuple(given)
        assert elsewhere not in given
    async with opened(original) as third:
        assert third not in given
