"""What the power benchmark checks beside counting: every proof by the gate, and the retriever's recall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.bank import BankGoal
from bench.power.methods import OURS
from bench.power.rows import Row
from bench.queries import read_queries
from bench.retrieval import Recall, measure, recall
from orchestrator.gate.gate import Gate
from orchestrator.gate.selection import Proof, Selection
from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.servers import Servers
from orchestrator.premises.index import Index
from orchestrator.source.project import Project


async def gate(
    servers: Servers, project: Project, extraction: Extraction, goals: Mapping[str, Goal], rows: Iterable[Row]
) -> dict[str, str]:
    """Every proof of ours through the verify gate; the reason for each that it refuses, by the goal's id in the bank.

    Args:
        servers: starts the gate's own Lean.
        project: the bank as a project, with what elaborating it gave in `extraction`.
        goals: the project's goals by their id in the bank; others are left out.
        rows: what was measured.
    """
    proofs = [
        Proof(goals[row.goal], row.script) for row in rows if row.method == OURS and row.solved and row.goal in goals
    ]
    report = await Selection(Gate(project, extraction, servers.for_gate)).select(proofs)
    names = {goal.id: goal_id for goal_id, goal in goals.items()}
    refused = {names[id_]: verdict.reason for id_, verdict in report.verdicts.items() if not verdict.accepted}
    missing = {names[proof.goal.id]: "no verdict" for proof in proofs if proof.goal.id not in report.verdicts}
    return refused | missing


def measured_recall(bank: Sequence[BankGoal], index: Index | None) -> Recall | None:
    """Recall of the retriever as `bench.retrieval` measures it, over these goals; None without a corpus."""
    if index is None:
        return None
    wanted = {goal.id for goal in bank}
    asked = [one for one in read_queries() if one.goal.id in wanted]
    return recall({one.goal.id: one.goal.premises for one in asked}, measure(asked, index).answered)
