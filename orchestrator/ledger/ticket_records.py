"""What the marketplace puts into the ledger and gets out of it. Each field is declared once, as in `records`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from sqlalchemy import Float, Integer, String

from orchestrator.ledger.columns import (
    NOTHING,
    Count,
    Details,
    Hash,
    LongText,
    OptionalTime,
    PlainJson,
    PlainText,
    Record,
    RecordedAt,
    Strings,
    Time,
    column,
)


class TicketStatus(StrEnum):
    """Where a ticket stands. A claim whose lease has run out counts as open."""

    OPEN = "open"
    CLAIMED = "claimed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class WaitStatus(StrEnum):
    """Where a requester stands: waits, has used the lemma in a proof the gate passed, or needs it no longer."""

    WAITING = "waiting"
    USED = "used"
    WITHDRAWN = "withdrawn"


class TicketEventKind(StrEnum):
    """What can happen to a ticket."""

    REQUESTED = "requested"
    JOINED = "joined"
    CLAIMED = "claimed"
    RENEWED = "renewed"
    RELEASED = "released"
    EXPIRED = "expired"
    REFUSED = "refused"
    COMPLETED = "completed"
    USED = "used"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    REOPENED = "reopened"


@dataclass(frozen=True, kw_only=True)
class TicketLocation:
    """Where a lemma is to stand: in front of `declaration` in `file`, or at the end of `module` when that is "".

    Attributes:
        module, file: Lean's name and the path of the file ("" for no project: imports alone).
        declaration: full name of the declaration that asked for it.
        namespace, opens, imports: what is in scope there.
        prefix: namespaces that the declaration opens by its own name, as in `theorem Tree.size_pos`.
    """

    module: str = ""
    file: str = ""
    declaration: str = ""
    namespace: str = ""
    prefix: str = ""
    opens: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


class TicketColumns(Record):
    """What a `Ticket` and its table have in common."""

    ticket_id: Annotated[str, column(String(64), name="id", validation_alias="id", primary_key=True)]
    goal: LongText
    signature: LongText = ""
    goal_text: LongText = ""
    goal_hash: Hash = ""
    digest: Hash = ""
    name: LongText = ""
    repo: LongText = ""
    location: Annotated[TicketLocation, column(PlainJson, "'{}'", name="place", validation_alias="place")] = (
        TicketLocation()
    )
    labels: Strings = ()
    constraints: Strings = ()
    environment: LongText = ""
    priority: Annotated[float, column(Float, "0.5")] = 0.5
    status: Annotated[TicketStatus, column(String(16), "'open'")] = TicketStatus.OPEN
    supplier: LongText = ""
    lease_until: OptionalTime = None
    claims: Count = 0
    completed_proof: Annotated[str, column(PlainText, "''", name="proof", validation_alias="proof")] = ""
    script: LongText = ""
    premises: Strings = ()
    reason: LongText = ""
    created_at: RecordedAt = None
    updated_at: RecordedAt = None
    completed_at: OptionalTime = None


class Ticket(TicketColumns):
    """A lemma that somebody misses.

    Attributes:
        ticket_id: twelve hex digits, from the repository and the statement.
        signature: the statement as Lean elaborated it, closed over its hypotheses, as it follows a theorem's name.
        goal_text: the same as Lean prints it, hypotheses then `⊢ target`.
        goal_hash: equal for statements that differ in names and in the order of hypotheses only.
        digest: equal for statements that differ in names only.
        name: full name the lemma is to have.
        repo: the repository it is for ("" for none).
        environment: digest of the files that the statement was elaborated in.
        priority: 0 to 1, the highest of its requesters.
        supplier: who has it, or had it last ("" when nobody has claimed it).
        completed_proof: the lemma with its proof, as it goes into a file ("" until completed).
        script: the tactic script of that proof.
        premises: other tickets' lemmas that the proof uses, by ticket id.
        reason: why it was cancelled or rejected, or why the newest proof was refused.
    """

    waiting: int = 0


class TicketRequester(Record):
    """Who waits for a ticket, and what for.

    Attributes:
        goal_id, declaration, file: the goal that waits ("" for a person).
        use: how the goal is closed once the lemma is there: `script`, and `tickets`, all that the script needs.
    """

    ticket_id: Annotated[str, column(String(64), foreign_key="tickets.id", primary_key=True)] = ""
    requester: Annotated[str, column(String(128), primary_key=True)]
    goal_id: Annotated[str, column(String(64), primary_key=True)] = ""
    declaration: LongText = ""
    file: LongText = ""
    use: Details = NOTHING
    status: Annotated[WaitStatus, column(String(16), "'waiting'")] = WaitStatus.WAITING
    created_at: RecordedAt = None


class TicketEvent(Record):
    """Something that happened to a ticket."""

    ticket_id: Annotated[str, column(String(64), foreign_key="tickets.id")]
    kind: Annotated[TicketEventKind, column(String(16))]
    timestamp: Time
    who: LongText = ""
    detail: LongText = ""
    id: Annotated[int | None, column(Integer, primary_key=True)] = None


@dataclass(frozen=True, kw_only=True)
class MarketCounts:
    """The marketplace at a glance: tickets by status (claims that ran out are open), and requesters that wait."""

    by_status: Mapping[TicketStatus, int]
    waiting: int
    used: int

    @property
    def total(self) -> int:
        """All tickets."""
        return sum(self.by_status.values())
