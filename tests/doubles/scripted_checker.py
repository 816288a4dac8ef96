"""A lemma checker in memory, for tests that need no Lean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.errors import MarketplaceError
from orchestrator.goals.normal_form import goal_hash
from orchestrator.ledger.ticket_records import Ticket, TicketLocation
from orchestrator.marketplace.probe import Judged, Statement
from orchestrator.marketplace.statements import proposition, signature_of, written_proof


@dataclass
class ScriptedChecker:
    """A checker without Lean: it takes statements as they are, and proofs unless told otherwise.

    Attributes:
        refuse: a proof's refusal, by a part of its text.
        false: statements that are refuted.
        instances: (goal, statement) pairs in which the statement closes the goal.
    """

    refuse: Mapping[str, str] = field(default_factory=lambda: {"sorry": "it has a sorry of its own"})
    false: frozenset[str] = frozenset({"False"})
    instances: frozenset[tuple[str, str]] = frozenset()

    async def elaborate(self, goal: str, location: TicketLocation) -> Statement:
        """The statement as it is written; an empty one is refused."""
        if not goal.strip():
            raise MarketplaceError("the statement is empty")
        signature = signature_of(goal)
        said = proposition(signature)
        text = f"⊢ {said}"
        negated = said.removeprefix("¬").strip() if said.startswith("¬") else f"¬{said}"
        return Statement(
            signature=signature,
            text=text,
            hash=goal_hash(text),
            digest=hashlib.sha256(said.encode()).hexdigest(),
            negation=(goal_hash(f"⊢ {negated}"),),
            refuted="all values" if said in self.false else "",
        )

    async def judge(self, ticket: Ticket, proof: str, premises: Sequence[Ticket] = ()) -> Judged:
        """Accept what no part of `refuse` is in."""
        for part, words in self.refuse.items():
            if part in proof:
                return Judged(refusal=words)
        return Judged(script=written_proof(proof).script)

    async def closes(self, goal: Statement, found: Ticket, location: TicketLocation) -> str:
        """What `instances` says."""
        return "exact" if (goal.text.removeprefix("⊢ "), found.goal) in self.instances else ""

    def environment(self, location: TicketLocation) -> str:
        """Always the same."""
        return ""
