"""The gate for many who ask: one project, several verdicts at a time, none of which can touch another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from orchestrator.gate.fillings import Allowance
from orchestrator.gate.gate import Gate
from orchestrator.gate.processes import WarmProcesses
from orchestrator.gate.report import PatchReport
from orchestrator.goals.result import HelperLemma
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.servers import Servers
from orchestrator.source.project import Project

_VERDICTS_A_HELPER = 4
"""How many verdicts at a time one process that parses, and one that judges, keep up with: most of the work is done in
the process that a verdict has for itself."""


class GateService:
    """Judges patches of one project, a few at a time. Made by `gate_service`.

    Every verdict has a memory of its own; which processes go on, `orchestrator.gate.processes` says.
    """

    def __init__(self, gate: Gate, at_once: int) -> None:
        self._gate = gate
        self._slots = asyncio.Semaphore(at_once)

    async def verify(
        self, texts: Mapping[str, str], helpers: Sequence[HelperLemma] = (), *, named: frozenset[str] = frozenset()
    ) -> PatchReport:
        """As `Gate.verify`, in the order in which patches come.

        Raises:
            SessionError: the process that judges broke.
        """
        async with self._slots:
            return await self._gate.apart().verify(texts, helpers, named=named)


@asynccontextmanager
async def gate_service(
    project: Project, original: Extraction, servers: Servers, allowance: Allowance, *, at_once: int
) -> AsyncIterator[GateService]:
    """A gate whose processes are started when they are first needed, and ended behind the block."""
    warm: WarmProcesses | None = None
    if servers.native is None:
        helpers = -(-at_once // _VERDICTS_A_HELPER)
        seconds = servers.settings.elaboration_timeout
        warm = WarmProcesses(project, servers.session, elaboration_seconds=seconds, readers=helpers, judges=helpers)
    gate = Gate(
        project,
        original,
        servers.for_gate,
        allowance=allowance,
        not_checked=servers.not_checked,
        open_case=warm.case if warm is not None else None,
    )
    try:
        yield GateService(gate, at_once)
    finally:
        if warm is not None:
            await warm.close()
