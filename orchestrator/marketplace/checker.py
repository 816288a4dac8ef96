"""What the marketplace asks of Lean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.ledger.ticket_records import Ticket, TicketPlace


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
