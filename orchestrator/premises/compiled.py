"""What the project's own files declare that Lake compiled and nobody elaborated: asked of Lean once for each text."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.lean.protocol import Constant
from orchestrator.lean.session import Session
from orchestrator.ledger.content_cache import ContentCache, content_key
from orchestrator.premises.corpus import constants_of, open_library
from orchestrator.source.project import Project, SourceModule

Constants = tuple[Constant, ...]


class CompiledConstants:
    """The constants of a project's compiled modules, kept by all that they rest on; `lean` names the Lean."""

    def __init__(self, cache: ContentCache, project: Project, lean: str) -> None:
        self._cache = cache
        self._project = project
        self._lean = lean

    def known(self, modules: Sequence[SourceModule]) -> dict[str, Constants]:
        """Those that were asked for before, by module."""
        found = {module.name: self._cache.get(self._key(module.name), Constants) for module in modules}
        return {name: constants for name, constants in found.items() if constants is not None}

    async def ask(self, session: Session, modules: Sequence[SourceModule]) -> dict[str, Constants]:
        """Those of `modules`, which the session imports together, by module.

        Raises:
            RequestRefused: one of them cannot be imported.
            SessionError: the session broke.
        """
        ask = await open_library(session, [module.name for module in modules])
        found = {}
        for module in modules:
            name, constants = await constants_of(ask, module.name)
            if name:
                found[module.name] = tuple(constants)
                self._cache.put(self._key(module.name), found[module.name])
        return found

    def _key(self, module: str) -> str:
        return content_key("constants", [self._lean, self._project.environment_digest(module)])
