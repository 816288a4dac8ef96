"""Stage: the gate."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.content_cache import ContentCache
from orchestrator.known_answers import known_gate
from orchestrator.lean.extraction import Extraction
from orchestrator.observer import StageStarted, notify
from orchestrator.provision import Servers
from orchestrator.selection import GateReport, Proof, Selection
from orchestrator.source import Project
from orchestrator.stages import counted
from orchestrator.verify import Gate
from tasks.stage import stage


@stage("verify")
async def verify_proofs(
    project: Project, extraction: Extraction, proofs: Sequence[Proof], servers: Servers, answers: ContentCache
) -> GateReport:
    """Replay the project with the proofs in place on fresh servers and keep those that pass together."""
    if proofs:
        notify(StageStarted("verify", f"{counted(len(proofs), 'proof')}, from scratch on a fresh server"))
    gate = Gate(project, extraction, servers.fresh)
    return await known_gate(answers, project, servers.identity, proofs, lambda: Selection(gate).select(proofs))
