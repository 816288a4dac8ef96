"""The three things a person can do about a ticket: claim it, release it, hand in a proof."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from orchestrator.errors import MarketplaceError, OrchestratorError
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import TicketStatus
from orchestrator.marketplace.marketplace import LEASE_SECONDS, Marketplace

Given = ParamSpec("Given")
OpenMarket = Callable[[str], AbstractAsyncContextManager[Marketplace]]
"""Opens the marketplace of a repository ("" for none), with Lean behind it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an action: whether it was done, and words for a person."""

    done: bool
    words: str


def _answered(work: Callable[Given, Awaitable[Answer]]) -> Callable[Given, Awaitable[Answer]]:
    """What goes wrong is an answer, too."""

    @wraps(work)
    async def answered(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return await work(*args, **kwargs)
        except MarketplaceError as error:
            return Answer(False, _sentence(error.what))
        except OrchestratorError as error:
            return Answer(False, f"This could not be done: {error}")

    return answered


class Board:
    """Changes the ledger's tickets. What goes wrong is an answer, too.

    Args:
        open_market: what verifies a proof; one proof at a time, since each takes a Lean.
    """

    def __init__(self, ledger: Ledger, open_market: OpenMarket, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._ledger = ledger
        self._open = open_market
        self._lease = lease_seconds
        self._one_at_a_time = asyncio.Lock()

    @_answered
    async def claim(self, ticket_id: str, supplier: str) -> Answer:
        """Take a ticket; whoever has it already gets more time."""
        refusal = await self._not_claimed(ticket_id, supplier)
        return refusal or Answer(True, f"Claimed for {supplier}, for {self._lease / 60:.0f} minutes.")

    @_answered
    async def release(self, ticket_id: str, supplier: str) -> Answer:
        """Release a claimed ticket."""
        if await asyncio.to_thread(self._ledger.release_ticket, ticket_id, supplier, reason="released"):
            return Answer(True, "Released.")
        return Answer(False, f"{supplier} has not claimed this ticket.")

    @_answered
    async def complete(self, ticket_id: str, proof: str, supplier: str) -> Answer:
        """Hand in a proof of a ticket that is free or this supplier's; the claim holds while it is verified.

        Takes as long as Lean takes to start, to replay the files in front, and to verify. A proof that is refused does
        not cost the claim of whoever had one before.
        """
        before = await asyncio.to_thread(self._ledger.ticket, ticket_id)
        held = before is not None and before.status is TicketStatus.CLAIMED and before.supplier == supplier
        refusal = await self._not_claimed(ticket_id, supplier)
        if refusal is not None:
            return refusal
        ticket = await asyncio.to_thread(self._ledger.ticket, ticket_id)
        async with self._one_at_a_time, self._open(ticket.repo if ticket else "") as market:
            try:
                await market.complete_ticket(ticket_id, proof, supplier)
            except MarketplaceError:
                if held:
                    await self._not_claimed(ticket_id, supplier)
                raise
        return Answer(True, "Verified and completed.")

    async def _not_claimed(self, ticket_id: str, supplier: str) -> Answer | None:
        if await asyncio.to_thread(self._ledger.claim_ticket, ticket_id, supplier, lease_seconds=self._lease):
            return None
        now = await asyncio.to_thread(self._ledger.ticket, ticket_id)
        owner = f" by {now.supplier}" if now is not None and now.supplier else ""
        until = f" until {now.lease_until:%H:%M} UTC" if now is not None and now.lease_until else ""
        return Answer(False, f"This ticket is {now.status.value if now else 'gone'}{owner}{until}.")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "`", "…")) else ".")
