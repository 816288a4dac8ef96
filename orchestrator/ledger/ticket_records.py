"""What the marketplace puts into the ledger and gets out of it: plain values, no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})


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
class TicketPlace:
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


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A lemma that somebody misses.

    Attributes:
        ticket_id: twelve hex digits, from the repository and the statement.
        goal: the statement as it was first asked for.
        signature: the statement as Lean elaborated it, closed over its hypotheses, as it follows a theorem's name.
        goal_text: the same as Lean prints it, hypotheses then `⊢ target`.
        goal_hash: equal for statements that differ in names and in the order of hypotheses only.
        digest: equal for statements that differ in names only.
        name: full name the lemma is to have.
        repo: the repository it is for ("" for none).
        place: where in it.
        labels, constraints: words of the requester, for people and for searching.
        environment: digest of the files that the statement was elaborated in.
        priority: 0 to 1, the highest of its requesters.
        supplier: who has it, or had it last ("" when nobody has claimed it).
        lease_until: when the claim ends.
        claims: how often it was claimed.
        waiting: how many requesters wait for it.
        completed_proof: the lemma with its proof, as it goes into a file ("" until completed).
        script: the tactic script of that proof.
        premises: other tickets' lemmas that the proof uses, by ticket id.
        reason: why it was cancelled or rejected, or why the newest proof was refused.
    """

    ticket_id: str
    goal: str
    signature: str = ""
    goal_text: str = ""
    goal_hash: str = ""
    digest: str = ""
    name: str = ""
    repo: str = ""
    place: TicketPlace = field(default_factory=TicketPlace)
    labels: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    environment: str = ""
    priority: float = 0.5
    status: TicketStatus = TicketStatus.OPEN
    supplier: str = ""
    lease_until: datetime | None = None
    claims: int = 0
    waiting: int = 0
    completed_proof: str = ""
    script: str = ""
    premises: tuple[str, ...] = ()
    reason: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TicketRequester:
    """Who waits for a ticket, and what for.

    Attributes:
        requester: a strategy's or a person's name.
        goal_id, declaration, file: the goal that waits ("" for a person).
        use: how the goal is closed once the lemma is there: `script`, and `tickets`, all that the script needs.
    """

    requester: str
    goal_id: str = ""
    declaration: str = ""
    file: str = ""
    use: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    status: WaitStatus = WaitStatus.WAITING
    ticket_id: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TicketEvent:
    """Something that happened to a ticket."""

    ticket_id: str
    kind: TicketEventKind
    timestamp: datetime
    who: str = ""
    detail: str = ""
    id: int = 0


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
