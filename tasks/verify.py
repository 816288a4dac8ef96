"""Stage: the gate."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.gate.gate import Gate
from orchestrator.gate.selection import GateReport, Proof, Selection, known_gate
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.goals.events import StageStarted, notify
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.servers import Servers
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.source.project import Project
from orchestrator.text import counted
from tasks.stage import stage


@stage("verify")
async def verify_proofs(
    project: Project,
    extraction: Extraction,
    proofs: Sequence[Proof],
    servers: Servers,
    answers: ContentCache,
    allowed_axioms: frozenset[str] = STANDARD_AXIOMS,
) -> GateReport:
    """Replay the project with the proofs in place on fresh servers and keep those that pass together."""
    if proofs:
        notify(StageStarted("verify", f"{counted(len(proofs), 'proof')}, from scratch on a fresh server"))
    gate = Gate(project, extraction, servers.fresh, allowed_axioms=allowed_axioms, not_checked=servers.not_checked)
    ahead = extraction.goals if servers.count > 1 and servers.room() else ()
    asked = " ".join((servers.identity, *sorted(allowed_axioms), *servers.not_checked))
    return await known_gate(answers, project, asked, proofs, lambda: Selection(gate, ahead).select(proofs))
