"""Lemmas that are asked for, claimed and supplied."""

from orchestrator.ledger.ticket_records import Ticket, TicketLocation, TicketRequester, TicketStatus
from orchestrator.marketplace.marketplace import How, Marketplace, Similar

__all__ = ["How", "Marketplace", "Similar", "Ticket", "TicketLocation", "TicketRequester", "TicketStatus"]
