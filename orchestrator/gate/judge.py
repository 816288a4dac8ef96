"""The last question: is what was exported true? Asked of a Lean that elaborates nothing of the repository."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.errors import MalformedReply, SessionError
from orchestrator.goals.declaration import Fingerprint
from orchestrator.lean.protocol import ExportReply
from orchestrator.lean.workspace import Workspace
from orchestrator.source.project import Project

Exports = Mapping[str, ExportReply]
"""What each module makes, by the module's name."""


@dataclass(frozen=True, slots=True)
class KernelReport:
    """A module's constants as the kernel took them, and what it says of those that it refused, by exact name.

    `below` are imported ones that they rest on and that have a sorry of their own.
    """

    declarations: Mapping[str, Fingerprint]
    refused: Mapping[str, str]
    below: Mapping[str, Fingerprint] = field(default_factory=dict)


class Court:
    """Takes exports through the kernel of a process that has run no code of anybody's.

    Args:
        workspace: on that process; only its libraries are imported.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._environments: dict[tuple[tuple[str, ...], frozenset[str]], int] = {}
        self._judged: dict[tuple[tuple[str, ...], str], KernelReport] = {}
        self._written: dict[tuple[tuple[str, ...], str], list[str]] = {}

    async def judged(self, project: Project, module: str, exports: Exports) -> KernelReport:
        """What the kernel makes of a module, on top of all that it imports: what `exports` has not is a library.

        Raises:
            SessionError: the process broke, or took too long.
            MalformedReply: an export is no export.
            KeyError: the module's own export is missing.
        """
        below = [one for one in project.closure(module) if one.name in exports]
        external = self.workspace.imported(module, without=exports)
        held: frozenset[str] = frozenset()
        names: list[str] = []
        if not self.workspace.holds_process():
            self._environments.clear()
        env = await self.workspace.library(external)
        for one in (*below, project.by_name[module]):
            key = project.environment_digest(one.name)
            following = held | {key}
            known = self._environments.get((external, following))
            if known is None:
                reply = await self.workspace.judge(exports[one.name].constants, env)
                if reply.interrupted:
                    raise SessionError("The kernel took too long over an export", where=one.path)
                known = reply.env
                self._environments[(external, following)] = known
                self._judged[(external, key)] = KernelReport(
                    {found.name: found for found in reply.declarations},
                    {refused.name: refused.error for refused in reply.refused},
                    {found.name: found for found in reply.below},
                )
                self._written[(external, key)] = [found.name for found in reply.declarations]
            names += self._written[(external, key)]
            held, env = following, known
        if len(set(names)) < len(names):
            raise MalformedReply("Two constants of an export are written alike", where=project.by_name[module].path)
        return self._judged[(external, project.environment_digest(module))]

    def keep_only(self, digests: Collection[str]) -> None:
        """Forget what was judged beside modules of these environment digests."""
        self._environments = {key: env for key, env in self._environments.items() if key[1].issubset(digests)}
        self._judged = {key: report for key, report in self._judged.items() if key[1] in digests}
        self._written = {key: names for key, names in self._written.items() if key[1] in digests}

    async def whole(self, project: Project, modules: Sequence[str], exports: Exports) -> tuple[str, ...]:
        """Modules and all that they rest on, as one export, of what the kernel accepted.

        Raises:
            SessionError: the process broke.
        """
        wanted = {below.name for one in modules for below in project.closure(one)} | set(modules)
        external = {name for one in modules for name in self.workspace.imported(one, without=exports)}
        base = env = await self.workspace.library(tuple(sorted(external)))
        for one in project.modules:
            if one.name in wanted and one.name in exports:
                env = (await self.workspace.judge(exports[one.name].constants, env)).env
        return await self.workspace.export_whole(env, base)
