"""The gate in a run: its proofs judged from scratch, unless just these were before."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.gate.gate import Gate
from orchestrator.gate.selection import GateReport, Proof, Selection, known_gate, recalled_report
from orchestrator.goals.events import StageStarted, notify
from orchestrator.run.run import Run
from orchestrator.text import counted


async def verify(run: Run, proofs: Sequence[Proof]) -> GateReport:
    """Replay the project with the proofs in place on fresh servers and keep those that pass together."""
    if proofs:
        notify(StageStarted("verify", f"{counted(len(proofs), 'proof')}, from scratch on a fresh server"))
    servers = run.servers
    gate = Gate(run.project, run.extraction, servers.for_gate, allowance=run.allowance, not_checked=servers.not_checked)
    return await known_gate(run.answers, run.project, _asked(run), proofs, lambda: Selection(gate).select(proofs))


def recalled_verdicts(run: Run, proofs: Sequence[Proof]) -> GateReport | None:
    """What the gate said of just these proofs; None when it was not asked."""
    return recalled_report(run.answers, run.project, _asked(run), proofs)


def _asked(run: Run) -> str:
    return " ".join((run.servers.identity, str(run.allowance), *run.servers.not_checked))
