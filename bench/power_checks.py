"""What the power benchmark checks beside counting: every proof by the gate, and the retriever's recall."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from bench.bank import BankGoal
from bench.power_methods import MENTIONS, OURS
from bench.power_rows import Row, Rows
from bench.retrieval import FIRST, Recall, recall
from orchestrator.goal import Goal
from orchestrator.lean.extraction import Extraction
from orchestrator.premises.corpus import Corpus
from orchestrator.premises.lexical import Lexical
from orchestrator.premises.select import Query
from orchestrator.provision import Servers
from orchestrator.selection import Proof, Selection
from orchestrator.source import Project
from orchestrator.verify import Gate


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
    report = await Selection(Gate(project, extraction, servers.fresh)).select(proofs)
    names = {goal.id: goal_id for goal_id, goal in goals.items()}
    refused = {names[id_]: verdict.reason for id_, verdict in report.verdicts.items() if not verdict.accepted}
    missing = {names[proof.goal.id]: "no verdict" for proof in proofs if proof.goal.id not in report.verdicts}
    return refused | missing


def measured_recall(bank: Sequence[BankGoal], corpus: Corpus | None, rows: Rows) -> Recall | None:
    """Recall of the lexical retriever over the goals whose constants are known; None without a corpus."""
    if corpus is None:
        return None
    lexical = Lexical(corpus.premises)
    known = {premise.name for premise in corpus.premises if premise.kind == "theorem"}
    used, answered = {}, {}
    for goal in bank:
        row = next((row for row in rows if row.goal == goal.id and row.method == MENTIONS), None)
        if row is not None:
            state, mentions = json.loads(row.script)
            used[goal.id] = known.intersection(goal.premises)
            found = lexical.retrieve(Query(state, mentions=tuple(mentions)), FIRST)
            answered[goal.id] = [ranked.premise.name for ranked in found]
    return recall(used, answered)
