"""What the marketplace asks of Lean, and a twin of it in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.errors import MarketplaceError
from orchestrator.goals.normal_form import goal_hash
from orchestrator.ledger.ticket_records import Ticket, TicketPlace
from orchestrator.marketplace.statements import proposition, signature_of, written_proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that Lean has elaborated.

    Attributes:
        signature: closed over its hypotheses, as it follows a theorem's name.
        text: the goal as Lean prints it, hypotheses then `⊢ target`.
        hash: equal for statements that differ in names and in the order of hypotheses only.
        digest: equal for statements that differ in names only.
        negation: `hash` of the negation ("" when it was not looked at), and of what this negates, if it negates.
        refuted: how its negation was proved ("" when it was not).
    """

    signature: str
    text: str
    hash: str
    digest: str
    negation: tuple[str, ...] = ()
    refuted: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The gate's word on a proof: the script that passed, or why it was refused."""

    script: str = ""
    refusal: str = ""


class LemmaChecker(Protocol):
    """Looks at statements and proofs with Lean."""

    async def elaborate(self, goal: str, place: TicketPlace) -> Statement:
        """Elaborate a statement where it is to stand.

        Raises:
            MarketplaceError: Lean does not take it; the message is Lean's own.
        """

    async def judge(self, ticket: Ticket, proof: str, premises: Sequence[Ticket] = ()) -> Judged:
        """Run the gate on a proof of a ticket's statement, with the lemmas of `premises` in front."""

    async def closes(self, goal: Statement, found: Ticket, place: TicketPlace) -> str:
        """How a ticket's lemma closes a goal: "exact", "apply", or "" when it does not."""

    def environment(self, place: TicketPlace) -> str:
        """Digest of what a statement at this place depends on."""


@dataclass
class ScriptedChecker:
    """The twin without Lean: takes statements as they are, and proofs unless told otherwise.

    Attributes:
        refuse: a proof's refusal, by a part of its text.
        false: statements that are refuted.
        instances: (goal, statement) pairs in which the statement closes the goal.
    """

    refuse: Mapping[str, str] = field(default_factory=lambda: {"sorry": "it has a sorry of its own"})
    false: frozenset[str] = frozenset({"False"})
    instances: frozenset[tuple[str, str]] = frozenset()

    async def elaborate(self, goal: str, place: TicketPlace) -> Statement:
        """See `LemmaChecker.elaborate`. An empty statement is refused."""
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
            refuted="decide" if said in self.false else "",
        )

    async def judge(self, ticket: Ticket, proof: str, premises: Sequence[Ticket] = ()) -> Judged:
        """See `LemmaChecker.judge`."""
        for part, words in self.refuse.items():
            if part in proof:
                return Judged(refusal=words)
        return Judged(script=written_proof(proof).script)

    async def closes(self, goal: Statement, found: Ticket, place: TicketPlace) -> str:
        """See `LemmaChecker.closes`."""
        return "exact" if (goal.text.removeprefix("⊢ "), found.goal) in self.instances else ""

    def environment(self, place: TicketPlace) -> str:
        """See `LemmaChecker.environment`."""
        return ""
