"""The ledger's tickets: lemmas asked for, who has claimed them, and what became of them.

A claim is one conditional UPDATE under BEGIN IMMEDIATE (SQLite) or on rows taken with SKIP LOCKED (PostgreSQL), so that
of any number of suppliers one gets the ticket. Priorities age: a ticket gains `AGING_PER_HOUR` for each hour it waits.
Since all age at one rate, the order is that of `priority - AGING_PER_HOUR * hours since the epoch`, kept in `rank`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from orchestrator.errors import MarketplaceError
from orchestrator.ledger.columns import row_of
from orchestrator.ledger.database import Section, count_rows, pairs
from orchestrator.ledger.tables import TICKET_EVENTS, TICKET_WAITS, TICKETS
from orchestrator.ledger.ticket_records import (
    MarketCounts,
    Ticket,
    TicketEvent,
    TicketEventKind,
    TicketRequester,
    TicketStatus,
    WaitStatus,
)

AGING_PER_HOUR = 0.01


class TicketSection(Section):
    """Tickets, their requesters and their history."""

    def open_ticket(self, ticket: Ticket, requester: TicketRequester) -> Ticket:
        """Add a ticket, or join the one of the same repository and statement; the answer is the ticket as it stands.

        A cancelled ticket is opened again when it is asked for again; a rejected one stays rejected.
        """
        now = self._now()
        with self._database.write() as connection:
            row = row_of(
                TICKETS,
                ticket,
                id=ticket.ticket_id,
                place=ticket.location,
                proof=ticket.completed_proof,
                rank=_rank(ticket.priority, now),
                created_at=now,
                updated_at=now,
            )
            statement = self._database.insert(TICKETS).on_conflict_do_nothing(index_elements=["repo", "goal_hash"])
            added = connection.execute(statement.values(row).returning(TICKETS.c.id)).first()
            same = and_(TICKETS.c.repo == ticket.repo, TICKETS.c.goal_hash == ticket.goal_hash)
            held = connection.execute(select(TICKETS).where(same).with_for_update()).one()
            joined = self._join(connection, held.id, requester, now)
            if added is not None or joined:
                kind = TicketEventKind.JOINED if added is None else TicketEventKind.REQUESTED
                _note(connection, held.id, now, kind, requester.requester, requester.declaration)
            changes: dict[str, Any] = {}
            if ticket.priority > held.priority:
                changes |= {"priority": ticket.priority, "rank": _rank(ticket.priority, held.created_at)}
            if added is None and held.status == TicketStatus.CANCELLED:
                changes |= {"status": TicketStatus.OPEN, "reason": ""}
                _note(connection, held.id, now, TicketEventKind.REOPENED, requester.requester)
            if changes:
                _change(connection, held.id, now, changes)
            return _one(connection, held.id, now)

    def ticket(self, ticket_id: str) -> Ticket | None:
        """The ticket of that id."""
        return self._first(partial(_ticket, self._now()), _TICKETS.where(TICKETS.c.id == ticket_id))

    def tickets(
        self,
        *,
        status: TicketStatus | None = None,
        repo: str | None = None,
        goal_id: str | None = None,
        goal_hash: str | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> tuple[Ticket, ...]:
        """Tickets, the most urgent first: of this status (a claim whose lease has run out is open), repository and
        statement, that this goal has asked for, with `text` in the statement or the name, in any case.
        """
        now = self._now()
        query = _TICKETS.order_by(TICKETS.c.rank.desc(), TICKETS.c.id).limit(limit)
        for column, value in {"repo": repo, "goal_hash": goal_hash}.items():
            if value is not None:
                query = query.where(TICKETS.c[column] == value)
        if status is not None:
            query = query.where(_counts_as(status, now))
        if goal_id is not None:
            mine = select(TICKET_WAITS.c.ticket_id).where(TICKET_WAITS.c.goal_id == goal_id)
            query = query.where(TICKETS.c.id.in_(mine))
        if text:
            looked_at = (TICKETS.c.goal, TICKETS.c.signature, TICKETS.c.name)
            query = query.where(or_(*(column.icontains(text, autoescape=True) for column in looked_at)))
        return self._all(partial(_ticket, now), query)

    def ticket_counts(self, *, repo: str | None = None) -> MarketCounts:
        """How many tickets there are of each status, and how many requesters wait or were served."""
        now = self._now()
        mine = [] if repo is None else [TICKETS.c.repo == repo]
        waits = select(TICKET_WAITS.c.status, func.count()).join(TICKETS, TICKETS.c.id == TICKET_WAITS.c.ticket_id)
        with self._database.read() as connection:
            found = {status: count_rows(connection, TICKETS, _counts_as(status, now), *mine) for status in TicketStatus}
            by_wait = pairs(connection, waits.where(*mine).group_by(TICKET_WAITS.c.status))
        return MarketCounts(
            by_status=found, waiting=by_wait.get(WaitStatus.WAITING, 0), used=by_wait.get(WaitStatus.USED, 0)
        )

    def ticket_requesters(
        self, ticket_id: str | None = None, *, goal_id: str | None = None, status: WaitStatus | None = None
    ) -> tuple[TicketRequester, ...]:
        """Who waits for a ticket, or what a goal waits for, the oldest first."""
        query = select(TICKET_WAITS).order_by(TICKET_WAITS.c.created_at, TICKET_WAITS.c.ticket_id)
        for column, value in {"ticket_id": ticket_id, "goal_id": goal_id, "status": status}.items():
            if value is not None:
                query = query.where(TICKET_WAITS.c[column] == str(value))
        return self._all(TicketRequester, query)

    def ticket_history(self, ticket_id: str | None = None, *, limit: int | None = None) -> tuple[TicketEvent, ...]:
        """What happened to a ticket, the oldest first; without an id the newest events of all, the newest first."""
        query = select(TICKET_EVENTS).limit(limit)
        if ticket_id is None:
            query = query.order_by(TICKET_EVENTS.c.id.desc())
        else:
            query = query.where(TICKET_EVENTS.c.ticket_id == ticket_id).order_by(TICKET_EVENTS.c.id)
        return self._all(TicketEvent, query)

    def claim_ticket(self, ticket_id: str, supplier: str, *, lease_seconds: float) -> bool:
        """Take a ticket; true when it is this supplier's now. One that has it already gets a new lease."""
        now = self._now()
        with self._database.write() as connection:
            row = connection.execute(select(TICKETS).where(TICKETS.c.id == ticket_id).with_for_update()).first()
            if row is None:
                hint = "`orchestrator market list` names them all"
                raise MarketplaceError(f"there is no ticket {ticket_id}", hint=hint)
            mine = row.status == TicketStatus.CLAIMED and row.supplier == supplier and row.lease_until > now
            values = {
                "status": TicketStatus.CLAIMED,
                "supplier": supplier,
                "lease_until": now + timedelta(seconds=lease_seconds),
                "claims": TICKETS.c.claims + (0 if mine else 1),
            }
            free = or_(_counts_as(TicketStatus.OPEN, now), _held_by(supplier))
            if not _change(connection, ticket_id, now, values, free):
                return False
            if row.status == TicketStatus.CLAIMED and row.lease_until <= now:
                _note(connection, ticket_id, now, TicketEventKind.EXPIRED, row.supplier)
            kind = TicketEventKind.RENEWED if mine else TicketEventKind.CLAIMED
            _note(connection, ticket_id, now, kind, supplier)
            return True

    def release_ticket(self, ticket_id: str, supplier: str, *, reason: str = "") -> bool:
        """Give a claim back; false when this supplier does not have it any more."""
        values = {"status": TicketStatus.OPEN, "lease_until": None}
        return self._move(ticket_id, values, TicketEventKind.RELEASED, supplier, reason, _held_by(supplier))

    def refuse_proof(self, ticket_id: str, supplier: str, reason: str) -> bool:
        """A proof was refused: the ticket goes back to be supplied by somebody; false when the claim was lost."""
        now = self._now()
        values = {"status": TicketStatus.OPEN, "lease_until": None, "reason": reason}
        with self._database.write() as connection:
            _note(connection, ticket_id, now, TicketEventKind.REFUSED, supplier, reason)
            return _change(connection, ticket_id, now, values, _held_by(supplier))

    def complete_ticket(
        self, ticket_id: str, supplier: str, *, proof: str, script: str, premises: Sequence[str] = ()
    ) -> bool:
        """Keep a proof that has passed the gate; false when the claim was lost before."""
        now = self._now()
        values = {
            "status": TicketStatus.COMPLETED,
            "proof": proof,
            "script": script,
            "premises": list(premises),
            "reason": "",
            "lease_until": None,
            "completed_at": now,
        }
        mine = and_(_held_by(supplier), TICKETS.c.lease_until > now)
        return self._move(ticket_id, values, TicketEventKind.COMPLETED, supplier, "", mine)

    def close_ticket(self, ticket_id: str, status: TicketStatus, *, reason: str, who: str = "") -> bool:
        """Cancel or reject a ticket that is not completed; false when it is completed or closed already."""
        kind = TicketEventKind.CANCELLED if status is TicketStatus.CANCELLED else TicketEventKind.REJECTED
        values = {"status": status, "reason": reason, "lease_until": None}
        return self._move(ticket_id, values, kind, who, reason, _UNFINISHED)

    def reopen_ticket(self, ticket_id: str, *, reason: str, who: str = "") -> bool:
        """A completed proof does not hold any more, or a closed ticket is wanted after all: it is open again."""
        values = {"status": TicketStatus.OPEN, "reason": reason, "proof": "", "script": "", "premises": ()}
        return self._move(ticket_id, values, TicketEventKind.REOPENED, who, reason, ~_UNFINISHED)

    def _move(
        self,
        ticket_id: str,
        values: dict[str, Any],
        kind: TicketEventKind,
        who: str,
        detail: str,
        only_if: ColumnElement[bool],
    ) -> bool:
        """Change a ticket and note that it happened; false where it does not stand so that this can happen."""
        now = self._now()
        with self._database.write() as connection:
            if not _change(connection, ticket_id, now, values, only_if):
                return False
            _note(connection, ticket_id, now, kind, who, detail)
            return True

    def settle_wait(self, ticket_id: str, goal_id: str, status: WaitStatus) -> int:
        """Say that a goal has used a ticket's lemma, or needs it no longer; how many waits that concerned.

        An open ticket that has nobody waiting for it any more is cancelled.
        """
        now = self._now()
        mine = [
            TICKET_WAITS.c.ticket_id == ticket_id,
            TICKET_WAITS.c.goal_id == goal_id,
            TICKET_WAITS.c.status != status,
        ]
        with self._database.write() as connection:
            changed = connection.execute(update(TICKET_WAITS).where(*mine).values(status=status)).rowcount
            if not changed:
                return 0
            kind = TicketEventKind.USED if status is WaitStatus.USED else TicketEventKind.WITHDRAWN
            _note(connection, ticket_id, now, kind, "", goal_id)
            here = and_(TICKET_WAITS.c.ticket_id == ticket_id, TICKET_WAITS.c.status == WaitStatus.WAITING)
            left = count_rows(connection, TICKET_WAITS, here)
            if status is WaitStatus.WITHDRAWN and not left:
                reason = "no longer needed"
                values = {"status": TicketStatus.CANCELLED, "reason": reason}
                if _change(connection, ticket_id, now, values, TICKETS.c.status == TicketStatus.OPEN):
                    _note(connection, ticket_id, now, TicketEventKind.CANCELLED, "", reason)
            return changed

    def expire_claims(self) -> tuple[str, ...]:
        """Put tickets whose lease has run out back, and say which. They count as open anyway."""
        now = self._now()
        query = select(TICKETS.c.id, TICKETS.c.supplier).where(_expired(now)).with_for_update(skip_locked=True)
        with self._database.write() as connection:
            found = connection.execute(query).all()
            for row in found:
                _note(connection, row.id, now, TicketEventKind.EXPIRED, row.supplier)
                _change(connection, row.id, now, {"status": TicketStatus.OPEN, "lease_until": None})
            return tuple(row.id for row in found)

    def _join(self, connection: Connection, ticket_id: str, requester: TicketRequester, now: datetime) -> bool:
        values = row_of(TICKET_WAITS, requester, ticket_id=ticket_id, status=WaitStatus.WAITING, created_at=now)
        before = and_(*(TICKET_WAITS.c[key] == values[key] for key in ("ticket_id", "requester", "goal_id")))
        known = count_rows(connection, TICKET_WAITS, before)
        connection.execute(self._database.upsert(TICKET_WAITS, keep=("declaration", "file", "created_at")), values)
        return not known


_UNFINISHED = TICKETS.c.status.in_([TicketStatus.OPEN, TicketStatus.CLAIMED])


def _expired(now: datetime) -> ColumnElement[bool]:
    return and_(TICKETS.c.status == TicketStatus.CLAIMED, TICKETS.c.lease_until <= now)


def _counts_as(status: TicketStatus, now: datetime) -> ColumnElement[bool]:
    if status is TicketStatus.OPEN:
        return or_(TICKETS.c.status == status, _expired(now))
    if status is TicketStatus.CLAIMED:
        return and_(TICKETS.c.status == status, TICKETS.c.lease_until > now)
    return TICKETS.c.status == status


def _held_by(supplier: str) -> ColumnElement[bool]:
    return and_(TICKETS.c.status == TicketStatus.CLAIMED, TICKETS.c.supplier == supplier)


def _change(
    connection: Connection, ticket_id: str, now: datetime, values: dict[str, Any], *only_if: ColumnElement[bool]
) -> bool:
    statement = update(TICKETS).where(TICKETS.c.id == ticket_id, *only_if).values(**values, updated_at=now)
    return connection.execute(statement).rowcount > 0


def _note(
    connection: Connection, ticket_id: str, now: datetime, kind: TicketEventKind, who: str, detail: str = ""
) -> None:
    values = {"ticket_id": ticket_id, "timestamp": now, "kind": kind, "who": who, "detail": detail}
    connection.execute(insert(TICKET_EVENTS).values(values))


def _rank(priority: float, created: datetime) -> float:
    return priority - AGING_PER_HOUR * created.timestamp() / 3600


_TICKETS = select(
    TICKETS,
    select(func.count())
    .select_from(TICKET_WAITS)
    .where(TICKET_WAITS.c.ticket_id == TICKETS.c.id, TICKET_WAITS.c.status == WaitStatus.WAITING)
    .scalar_subquery()
    .label("waiting"),
)


def _one(connection: Connection, ticket_id: str, now: datetime) -> Ticket:
    return _ticket(now, **connection.execute(_TICKETS.where(TICKETS.c.id == ticket_id)).one()._mapping)


def _ticket(now: datetime, **row: Any) -> Ticket:
    ran_out = row["status"] == TicketStatus.CLAIMED and row["lease_until"] is not None and row["lease_until"] <= now
    return Ticket(**row | ({"status": TicketStatus.OPEN} if ran_out else {}))
