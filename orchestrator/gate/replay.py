"""Patched files elaborated on a fresh process: what the gate compares with the original."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from orchestrator.errors import RequestRefused, SessionError
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Position
from orchestrator.lean.protocol import RECHECK_EVERYTHING, Message, Severity, Sorry
from orchestrator.lean.workspace import Workspace
from orchestrator.source.lexer import suffixes
from orchestrator.source.project import Project, SourceModule

OpenWorkspace = Callable[[Project, str], AbstractAsyncContextManager[Workspace]]
"""Opens a workspace on a process of its own; the text is elaborated in front of every file."""


@dataclass(frozen=True, slots=True)
class _Seen:
    declarations: Mapping[str, Fingerprint]
    remaining: tuple[Sorry, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """What elaborating modules once more gave.

    Attributes:
        declarations: fingerprints by module, of those that elaborate.
        errors: by path, of those that do not.
        remaining: sorries by path.
        commands: the commands of each module, in order.
        shadowed: ends of added names that the library knows.
    """

    declarations: Mapping[str, Mapping[str, Fingerprint]]
    errors: Mapping[str, tuple[Message, ...]]
    remaining: Mapping[str, tuple[Sorry, ...]]
    commands: Mapping[str, tuple[str, ...]]
    shadowed: frozenset[str] = frozenset()


class Replayer:
    """Replays modules, and remembers what it has replayed.

    Args:
        open_workspace: gives a workspace on a fresh process.
    """

    def __init__(self, open_workspace: OpenWorkspace) -> None:
        self._open = open_workspace
        self._seen: dict[tuple[str, str, str], _Seen] = {}

    async def replay(
        self,
        project: Project,
        modules: Sequence[SourceModule],
        preamble: str,
        added: frozenset[str] = frozenset(),
    ) -> Replay:
        """Elaborate modules of a project on a fresh process, with a preamble in front of every file.

        `added` are names of declarations that it adds: the library is asked for each, and for its ends.
        """
        errors: dict[str, tuple[Message, ...]] = {}
        shadowed: frozenset[str] = frozenset()
        # Nothing else decides what a file elaborates to: one that was replayed like this is not replayed again.
        keys = {module.name: (preamble, module.name, project.environment_digest(module.name)) for module in modules}
        todo = [module for module in modules if keys[module.name] not in self._seen]
        if todo or (added and modules):
            async with self._open(project, preamble) as workspace:
                for module in todo:
                    try:
                        elaborated = await workspace.load(module.name)
                        if elaborated.errors or elaborated.blocked_by:
                            errors[module.path] = elaborated.errors
                            continue
                        found = await workspace.fingerprints(module.name, recheck=RECHECK_EVERYTHING)
                        self._seen[keys[module.name]] = _Seen(
                            found, elaborated.reply.sorries, elaborated.reply.commands
                        )
                    except (SessionError, RequestRefused) as error:
                        errors[module.path] = (_broken(error),)
                if added:
                    try:
                        shadowed = await workspace.library_has(sorted({s for name in added for s in suffixes(name)}))
                    except (SessionError, RequestRefused) as error:
                        errors.setdefault(modules[0].path, (_broken(error),))
        seen = {module: self._seen[keys[module.name]] for module in modules if keys[module.name] in self._seen}
        return Replay(
            {module.name: one.declarations for module, one in seen.items()},
            errors,
            {module.path: one.remaining for module, one in seen.items()},
            {module.name: one.commands for module, one in seen.items()},
            shadowed,
        )


def _broken(error: Exception) -> Message:
    return Message(Severity.ERROR, str(error), Position(0, 0))
