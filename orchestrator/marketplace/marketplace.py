"""The lemma marketplace: lemmas that are asked for, claimed, supplied and used.

Tickets live in the ledger, so that strategies, runs, machines and people share them. A ticket is a statement that Lean
has elaborated; it is complete only when the gate has passed a proof of exactly that statement.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.errors import MarketplaceError
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import (
    Ticket,
    TicketLocation,
    TicketRequester,
    TicketStatus,
)
from orchestrator.premises.bm25 import rank
from orchestrator.source.helper_lemmas import lemma_text

if TYPE_CHECKING:
    from orchestrator.marketplace.lean_checker import LeanChecker
    from orchestrator.marketplace.probe import Statement

LEASE_SECONDS = 900.0
_INSTANCE_CANDIDATES = 12


class How(StrEnum):
    """How a similar ticket was found, the surest first."""

    EXACT = "exact"
    VARIANT = "variant"
    INSTANCE = "instance"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Similar:
    """A ticket like the one asked for.

    Attributes:
        how: equal statements up to names; up to the order of hypotheses and the kind of binders, too; a lemma that
            closes the goal in Lean; common words.
        score: 1 for the first two; for words, relative to the best.
        by: how Lean closes the goal with it ("exact" or "apply") when it is an instance.
    """

    ticket: Ticket
    how: How
    score: float
    by: str = ""

    @property
    def ticket_id(self) -> str:
        """The ticket's id."""
        return self.ticket.ticket_id

    @property
    def status(self) -> TicketStatus:
        """The ticket's status."""
        return self.ticket.status

    @property
    def completed_proof(self) -> str:
        """The ticket's lemma with its proof."""
        return self.ticket.completed_proof


class Marketplace:
    """The marketplace of one ledger.

    Whoever wants to close a ticket, or to know its history, asks the ledger.

    `repo`: the repository that requests are for ("" for none).
    """

    def __init__(
        self, ledger: Ledger, lean: LeanChecker, *, repo: str = "", lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self.ledger = ledger
        self._lean = lean
        self.repo = repo
        self._lease = lease_seconds

    async def request_lemma(
        self,
        goal: str,
        context: Sequence[str] | TicketLocation = (),
        suggested_name: str = "",
        constraints: Sequence[str] = (),
        priority: float = 0.5,
        *,
        requester: TicketRequester | None = None,
        labels: Sequence[str] = (),
    ) -> str:
        """Ask for a lemma; the answer is the id of its ticket, which may be there already.

        A statement that can be refuted, or whose negation is proved on the marketplace, gets a ticket that is cancelled
        at once and says so.

        Args:
            goal: a proposition, a goal with hypotheses and `⊢`, or a signature.
            context: where it is to stand; or free words, for a statement that stands for itself.
            suggested_name: full name for the lemma.
            constraints: words for suppliers.
            priority: 0 to 1.
            requester: who asks, and what for; "person" unless given.
            labels: free words, when `context` is a location.

        Raises MarketplaceError: Lean does not take the statement; or the priority is out of range.
        """
        if not 0.0 <= priority <= 1.0:
            raise MarketplaceError(f"a priority is between 0 and 1, not {priority:g}")
        location = context if isinstance(context, TicketLocation) else TicketLocation()
        words = tuple(labels) if isinstance(context, TicketLocation) else tuple(context)
        statement = await self._lean.elaborate(goal, location)
        ticket_id = hashlib.sha256(f"{self.repo}\x00{statement.hash}".encode()).hexdigest()[:12]
        ticket = Ticket(
            ticket_id=ticket_id,
            goal=goal,
            signature=statement.signature,
            goal_text=statement.text,
            goal_hash=statement.hash,
            digest=statement.digest,
            name=suggested_name or f"lemma_{ticket_id[:6]}",
            repo=self.repo,
            location=location,
            labels=words,
            constraints=tuple(constraints),
            environment=self._lean.environment(location),
            priority=priority,
        )
        asked = requester or TicketRequester(requester="person")
        held = await asyncio.to_thread(self.ledger.open_ticket, ticket, asked)
        if held.status is TicketStatus.COMPLETED:
            held = await self._still_good(held, ticket.environment)
        reason = await self._unprovable(statement)
        if reason and held.status in (TicketStatus.OPEN, TicketStatus.CLAIMED):
            await asyncio.to_thread(
                self.ledger.close_ticket, held.ticket_id, TicketStatus.CANCELLED, reason=reason, who="lean"
            )
        return held.ticket_id

    async def get_open_tickets(self, limit: int = 10) -> list[Ticket]:
        """Open tickets of all repositories, the most urgent first. Expired claims are open again."""
        await asyncio.to_thread(self.ledger.expire_claims)
        return list(await asyncio.to_thread(self.ledger.tickets, status=TicketStatus.OPEN, limit=limit))

    async def claim_ticket(self, ticket_id: str, supplier: str) -> bool:
        """Take a ticket until the lease runs out; true when it is this supplier's now.

        Raises MarketplaceError: no such ticket.
        """
        return await asyncio.to_thread(self.ledger.claim_ticket, ticket_id, supplier, lease_seconds=self._lease)

    async def release_ticket(self, ticket_id: str, supplier: str, reason: str = "") -> bool:
        """Give a claim back; false when this supplier does not have it any more."""
        await self.get_ticket(ticket_id)
        return await asyncio.to_thread(self.ledger.release_ticket, ticket_id, supplier, reason=reason)

    async def complete_ticket(
        self, ticket_id: str, proof: str, supplier: str, *, premises: Sequence[str] = ()
    ) -> Ticket:
        """Hand in a proof: a whole theorem, `by …`, or a tactic script. The answer is the completed ticket.

        `premises` are ids of completed tickets whose lemmas the proof uses.

        Raises MarketplaceError: the claim is not this supplier's, or not any more; or the gate refuses the proof. The
        message says why, and the ticket is open again.
        """
        ticket = await self.get_ticket(ticket_id)
        self._check_claim(ticket, supplier)
        needed = [await self.get_ticket(premise) for premise in premises]
        judged = await self._lean.judge(ticket, proof, needed)
        if judged.refusal:
            await asyncio.to_thread(self.ledger.refuse_proof, ticket_id, supplier, judged.refusal)
            raise MarketplaceError(
                f"the proof was refused: {judged.refusal}",
                where=f"ticket {ticket_id}",
                hint="The ticket is open again: claim it to hand in another proof",
            )
        lemma = lemma_text(ticket.name, ticket.signature, judged.script)
        kept = await asyncio.to_thread(
            self.ledger.complete_ticket, ticket_id, supplier, proof=lemma, script=judged.script, premises=premises
        )
        if not kept:
            raise _too_late(ticket_id, supplier)
        return await self.get_ticket(ticket_id)

    async def get_ticket(self, ticket_id: str) -> Ticket:
        """The ticket. Raises MarketplaceError: no such ticket."""
        ticket = await asyncio.to_thread(self.ledger.ticket, ticket_id)
        if ticket is None:
            raise MarketplaceError(f"there is no ticket {ticket_id}", hint="`orchestrator market list` names them all")
        return ticket

    async def search_similar(
        self, goal: str, limit: int = 5, *, context: Sequence[str] | TicketLocation = ()
    ) -> list[Similar]:
        """Tickets like `goal`, the surest first: the same statement, a variant, an instance, common words.

        Raises MarketplaceError: Lean does not take the statement.
        """
        location = context if isinstance(context, TicketLocation) else TicketLocation()
        statement = await self._lean.elaborate(goal, location)
        everything = await asyncio.to_thread(self.ledger.tickets, repo=self.repo)
        found: dict[str, Similar] = {}
        for ticket in everything:
            if ticket.goal_hash == statement.hash:
                how = How.EXACT if ticket.digest == statement.digest else How.VARIANT
                found[ticket.ticket_id] = Similar(ticket, how, 1.0)
        ranked = rank([statement.text, goal], [_searched(ticket) for ticket in everything])
        by_words = [(everything[index], score) for index, score in ranked]
        lemmas = [t for t, _ in by_words if t.status is TicketStatus.COMPLETED and t.ticket_id not in found]
        for ticket in lemmas[:_INSTANCE_CANDIDATES]:
            by = await self._lean.closes(statement, ticket, location)
            if by:
                found[ticket.ticket_id] = Similar(ticket, How.INSTANCE, 1.0, by)
        for ticket, score in by_words:
            if score > 0:
                found.setdefault(ticket.ticket_id, Similar(ticket, How.WORDS, score))
        ways = list(How)
        ordered = sorted(
            found.values(),
            key=lambda s: (ways.index(s.how), s.status is not TicketStatus.COMPLETED, -s.score, s.ticket_id),
        )
        return ordered[:limit]

    async def _still_good(self, ticket: Ticket, environment: str) -> Ticket:
        """A lemma that was proved in other files than today's is looked at again."""
        if ticket.environment == environment:
            return ticket
        judged = await self._lean.judge(ticket, ticket.script)
        if judged.refusal:
            reason = f"its proof does not hold in the present files: {judged.refusal}"
            await asyncio.to_thread(self.ledger.reopen_ticket, ticket.ticket_id, reason=reason, who="lean")
        return await self.get_ticket(ticket.ticket_id)

    async def _unprovable(self, statement: Statement) -> str:
        if statement.refuted:
            return f"it is false for {statement.refuted}"
        for negation in statement.negation:
            for other in await asyncio.to_thread(self.ledger.tickets, repo=self.repo, goal_hash=negation):
                if other.status is TicketStatus.COMPLETED:
                    return f"its negation is proved: `{other.name}` (ticket {other.ticket_id})"
        return ""

    @staticmethod
    def _check_claim(ticket: Ticket, supplier: str) -> None:
        if ticket.status is TicketStatus.CLAIMED and ticket.supplier == supplier:
            return
        if ticket.status in (TicketStatus.OPEN, TicketStatus.CLAIMED) and ticket.supplier == supplier and ticket.claims:
            raise _too_late(ticket.ticket_id, supplier)
        words = {
            TicketStatus.OPEN: "it is not claimed",
            TicketStatus.CLAIMED: f"{ticket.supplier} has claimed it",
            TicketStatus.COMPLETED: f"{ticket.supplier} has completed it already",
            TicketStatus.CANCELLED: f"it was cancelled: {ticket.reason}",
            TicketStatus.REJECTED: f"it was rejected: {ticket.reason}",
        }
        raise MarketplaceError(
            f"{supplier} cannot complete the ticket: {words[ticket.status]}",
            where=f"ticket {ticket.ticket_id}",
            hint="Claim it first" if ticket.status is TicketStatus.OPEN else "",
        )


def _too_late(ticket_id: str, supplier: str) -> MarketplaceError:
    return MarketplaceError(
        f"{supplier} comes too late: the claim has run out, or has ended with a refused proof",
        where=f"ticket {ticket_id}",
        hint="Claim it again; `market claim --lease` asks for more time",
    )


def _searched(ticket: Ticket) -> str:
    return "\n".join((ticket.goal_text or ticket.goal, ticket.name, *ticket.labels))
