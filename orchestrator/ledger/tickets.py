"""The ledger's tickets: lemmas asked for, who has claimed them, and what became of them.

A claim is one conditional UPDATE under BEGIN IMMEDIATE (SQLite) or on rows taken with SKIP LOCKED (PostgreSQL), so that
of any number of suppliers one gets the ticket. Priorities age: a ticket gains `AGING_PER_HOUR` for each hour it waits.
Since all age at one rate, the order is that of `priority - AGING_PER_HOUR * hours since the epoch`, kept in `rank`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from orchestrator.errors import MarketplaceError
from orchestrator.ledger.database import Section
from orchestrator.ledger.records import plain
from orchestrator.ledger.ticket_records import (
    MarketCounts,
    Ticket,
    TicketEvent,
    TicketEventKind,
    TicketPlace,
    TicketRequester,
    TicketStatus,
    WaitStatus,
)
from orchestrator.ledger.ticket_tables import TICKET_EVENTS, TICKET_WAITS, TICKETS

AGING_PER_HOUR = 0.01


class Tickets(Section):
    """Tickets, their requesters and their history."""

    def open_ticket(self, ticket: Ticket, requester: TicketRequester) -> Ticket:
        """Add a ticket, or join the one of the same repository and statement; the answer is the ticket as it stands.

        A cancelled ticket is opened again when it is asked for again; a rejected one stays rejected.
        """
        now = self._now()
        with self._database.write() as connection:
            statement = self._database.insert(TICKETS).values(_row(ticket, now))
            added = connection.execute(
                statement.on_conflict_do_nothing(index_elements=["repo", "goal_hash"]).returning(TICKETS.c.id)
            ).first()
            same = and_(TICKETS.c.repo == plain(ticket.repo), TICKETS.c.goal_hash == ticket.goal_hash)
            held = connection.execute(select(TICKETS).where(same).with_for_update()).one()
            joined = self._join(connection, held.id, requester, now)
            if added is not None:
                _note(connection, held.id, now, TicketEventKind.REQUESTED, requester.requester, requester.declaration)
            elif joined:
                _note(connection, held.id, now, TicketEventKind.JOINED, requester.requester, requester.declaration)
            changes: dict[str, Any] = {}
            if ticket.priority > held.priority:
                changes |= {"priority": ticket.priority, "rank": _rank(ticket.priority, held.created_at)}
            if added is None and held.status == TicketStatus.CANCELLED.value:
                changes |= {"status": TicketStatus.OPEN.value, "reason": ""}
                _note(connection, held.id, now, TicketEventKind.REOPENED, requester.requester)
            if changes:
                _change(connection, held.id, now, changes)
            return _one(connection, held.id, now)

    def ticket(self, ticket_id: str) -> Ticket | None:
        """The ticket of that id."""
        with self._database.read() as connection:
            row = connection.execute(_query(self._now()).where(TICKETS.c.id == ticket_id)).first()
            return None if row is None else _ticket(row, self._now())

    def tickets(
        self,
        *,
        status: TicketStatus | None = None,
        repo: str | None = None,
        supplier: str | None = None,
        goal_id: str | None = None,
        declaration: str | None = None,
        text: str | None = None,
        goal_hash: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[Ticket, ...]:
        """Tickets, the most urgent first.

        Args:
            status: as it counts now: a claim whose lease has run out is open.
            repo: of that repository.
            supplier: that this supplier has, or had last.
            goal_id, declaration: that this goal, or a goal of this declaration, has asked for.
            text: with this in the statement, the name, or a label, in any case.
            goal_hash: with this statement.
            limit, offset: a page of the list.
        """
        now = self._now()
        query = _query(now).order_by(TICKETS.c.rank.desc(), TICKETS.c.id).limit(limit).offset(offset)
        wanted: dict[str, Any] = {"repo": repo, "supplier": supplier, "goal_hash": goal_hash}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(TICKETS.c[column] == value)
        if status is not None:
            query = query.where(_counts_as(status, now))
        if goal_id is not None or declaration is not None:
            mine = select(TICKET_WAITS.c.ticket_id).where(
                *([TICKET_WAITS.c.goal_id == goal_id] if goal_id is not None else []),
                *([TICKET_WAITS.c.declaration == declaration] if declaration is not None else []),
            )
            query = query.where(TICKETS.c.id.in_(mine))
        if text:
            looked_at = (TICKETS.c.goal, TICKETS.c.signature, TICKETS.c.name)
            query = query.where(or_(*(column.icontains(text, autoescape=True) for column in looked_at)))
        with self._database.read() as connection:
            return tuple(_ticket(row, now) for row in connection.execute(query))

    def ticket_counts(self, *, repo: str | None = None) -> MarketCounts:
        """How many tickets there are of each status, and how many requesters wait or were served."""
        now = self._now()
        mine = [] if repo is None else [TICKETS.c.repo == repo]
        waits = select(TICKET_WAITS.c.status, func.count()).join(TICKETS, TICKETS.c.id == TICKET_WAITS.c.ticket_id)
        with self._database.read() as connection:
            found = {
                status: connection.execute(
                    select(func.count()).select_from(TICKETS).where(_counts_as(status, now), *mine)
                ).scalar_one()
                for status in TicketStatus
            }
            by_wait: dict[str, int] = {
                row[0]: row[1] for row in connection.execute(waits.where(*mine).group_by(TICKET_WAITS.c.status))
            }
        return MarketCounts(
            by_status=found,
            waiting=by_wait.get(WaitStatus.WAITING.value, 0),
            used=by_wait.get(WaitStatus.USED.value, 0),
        )

    def ticket_requesters(
        self, ticket_id: str | None = None, *, goal_id: str | None = None, status: WaitStatus | None = None
    ) -> tuple[TicketRequester, ...]:
        """Who waits for a ticket, or what a goal waits for, the oldest first."""
        query = select(TICKET_WAITS).order_by(TICKET_WAITS.c.created_at, TICKET_WAITS.c.ticket_id)
        for column, value in {"ticket_id": ticket_id, "goal_id": goal_id, "status": status}.items():
            if value is not None:
                query = query.where(TICKET_WAITS.c[column] == str(value))
        with self._database.read() as connection:
            return tuple(_requester(row) for row in connection.execute(query))

    def ticket_history(self, ticket_id: str | None = None, *, limit: int | None = None) -> tuple[TicketEvent, ...]:
        """What happened to a ticket, the oldest first; without an id the newest events of all, the newest first."""
        query = select(TICKET_EVENTS).limit(limit)
        if ticket_id is None:
            query = query.order_by(TICKET_EVENTS.c.id.desc())
        else:
            query = query.where(TICKET_EVENTS.c.ticket_id == ticket_id).order_by(TICKET_EVENTS.c.id)
        with self._database.read() as connection:
            return tuple(_event(row) for row in connection.execute(query))

    def claim_ticket(self, ticket_id: str, supplier: str, *, lease_seconds: float) -> bool:
        """Take a ticket; true when it is this supplier's now. One that has it already gets a new lease."""
        now = self._now()
        with self._database.write() as connection:
            return _claim(connection, ticket_id, supplier, now, lease_seconds)

    def claim_tickets(
        self, supplier: str, *, lease_seconds: float, limit: int = 1, repo: str | None = None
    ) -> tuple[Ticket, ...]:
        """Take up to `limit` of the most urgent open tickets, each of which nobody else gets."""
        now = self._now()
        query = (
            select(TICKETS.c.id)
            .where(_counts_as(TicketStatus.OPEN, now), *([] if repo is None else [TICKETS.c.repo == repo]))
            .order_by(TICKETS.c.rank.desc(), TICKETS.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # left out on SQLite, where a write transaction shuts out others anyway
        )
        with self._database.write() as connection:
            found = [row.id for row in connection.execute(query)]
            taken = [ticket for ticket in found if _claim(connection, ticket, supplier, now, lease_seconds)]
            return tuple(_one(connection, ticket, now) for ticket in taken)

    def release_ticket(self, ticket_id: str, supplier: str, *, reason: str = "") -> bool:
        """Give a claim back; false when this supplier does not have it any more."""
        now = self._now()
        values = {"status": TicketStatus.OPEN.value, "lease_until": None}
        with self._database.write() as connection:
            if not _change(connection, ticket_id, now, values, _held_by(supplier)):
                return False
            _note(connection, ticket_id, now, TicketEventKind.RELEASED, supplier, reason)
            return True

    def refuse_proof(self, ticket_id: str, supplier: str, reason: str) -> bool:
        """A proof was refused: the ticket goes back to be supplied by somebody; false when the claim was lost."""
        now = self._now()
        values = {"status": TicketStatus.OPEN.value, "lease_until": None, "reason": plain(reason)}
        with self._database.write() as connection:
            _note(connection, ticket_id, now, TicketEventKind.REFUSED, supplier, reason)
            return _change(connection, ticket_id, now, values, _held_by(supplier))

    def complete_ticket(
        self, ticket_id: str, supplier: str, *, proof: str, script: str, premises: Sequence[str] = ()
    ) -> bool:
        """Keep a proof that has passed the gate; false when the claim was lost before."""
        now = self._now()
        values = {
            "status": TicketStatus.COMPLETED.value,
            "proof": plain(proof),
            "script": plain(script),
            "premises": list(premises),
            "reason": "",
            "lease_until": None,
            "completed_at": now,
        }
        with self._database.write() as connection:
            if not _change(connection, ticket_id, now, values, _held_by(supplier), TICKETS.c.lease_until > now):
                return False
            _note(connection, ticket_id, now, TicketEventKind.COMPLETED, supplier)
            return True

    def close_ticket(self, ticket_id: str, status: TicketStatus, *, reason: str, who: str = "") -> bool:
        """Cancel or reject a ticket that is not completed; false when it is completed or closed already."""
        kind = TicketEventKind.CANCELLED if status is TicketStatus.CANCELLED else TicketEventKind.REJECTED
        open_still = TICKETS.c.status.in_([TicketStatus.OPEN.value, TicketStatus.CLAIMED.value])
        now = self._now()
        values = {"status": status.value, "reason": plain(reason), "lease_until": None}
        with self._database.write() as connection:
            if not _change(connection, ticket_id, now, values, open_still):
                return False
            _note(connection, ticket_id, now, kind, who, reason)
            return True

    def reopen_ticket(self, ticket_id: str, *, reason: str, who: str = "") -> bool:
        """A completed proof holds no longer, or a closed ticket is wanted after all: it is open again."""
        now = self._now()
        values = {"status": TicketStatus.OPEN.value, "reason": plain(reason), "proof": "", "script": "", "premises": []}
        closed = TICKETS.c.status.not_in([TicketStatus.OPEN.value, TicketStatus.CLAIMED.value])
        with self._database.write() as connection:
            if not _change(connection, ticket_id, now, values, closed):
                return False
            _note(connection, ticket_id, now, TicketEventKind.REOPENED, who, reason)
            return True

    def settle_wait(self, ticket_id: str, goal_id: str, status: WaitStatus, *, requester: str | None = None) -> int:
        """Say that a goal has used a ticket's lemma, or needs it no longer; how many waits that concerned.

        A ticket that is open and that nobody waits for any more is cancelled.
        """
        now = self._now()
        mine = [
            TICKET_WAITS.c.ticket_id == ticket_id,
            TICKET_WAITS.c.goal_id == goal_id,
            TICKET_WAITS.c.status != status.value,
            *([] if requester is None else [TICKET_WAITS.c.requester == requester]),
        ]
        with self._database.write() as connection:
            changed = connection.execute(update(TICKET_WAITS).where(*mine).values(status=status.value)).rowcount
            if not changed:
                return 0
            kind = TicketEventKind.USED if status is WaitStatus.USED else TicketEventKind.WITHDRAWN
            _note(connection, ticket_id, now, kind, requester or "", goal_id)
            here = and_(TICKET_WAITS.c.ticket_id == ticket_id, TICKET_WAITS.c.status == WaitStatus.WAITING.value)
            left = connection.execute(select(func.count()).select_from(TICKET_WAITS).where(here)).scalar_one()
            if status is WaitStatus.WITHDRAWN and not left:
                reason = "nobody needs it any more"
                values = {"status": TicketStatus.CANCELLED.value, "reason": reason}
                if _change(connection, ticket_id, now, values, TICKETS.c.status == TicketStatus.OPEN.value):
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
                _change(connection, row.id, now, {"status": TicketStatus.OPEN.value, "lease_until": None})
            return tuple(row.id for row in found)

    def _join(self, connection: Connection, ticket_id: str, requester: TicketRequester, now: datetime) -> bool:
        values = {
            "ticket_id": ticket_id,
            "requester": plain(requester.requester),
            "goal_id": requester.goal_id,
            "declaration": plain(requester.declaration),
            "file": plain(requester.file),
            "use": plain(requester.use),
            "status": WaitStatus.WAITING.value,
        }
        keys = ["ticket_id", "requester", "goal_id"]
        before = and_(*(TICKET_WAITS.c[key] == values[key] for key in keys))
        known = connection.execute(select(TICKET_WAITS.c.ticket_id).where(before)).first() is not None
        statement = self._database.insert(TICKET_WAITS).values(**values, created_at=now)
        again = {"use": statement.excluded.use, "status": statement.excluded.status}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=again))
        return not known


def _expired(now: datetime) -> ColumnElement[bool]:
    return and_(TICKETS.c.status == TicketStatus.CLAIMED.value, TICKETS.c.lease_until <= now)


def _counts_as(status: TicketStatus, now: datetime) -> ColumnElement[bool]:
    if status is TicketStatus.OPEN:
        return or_(TICKETS.c.status == status.value, _expired(now))
    if status is TicketStatus.CLAIMED:
        return and_(TICKETS.c.status == status.value, TICKETS.c.lease_until > now)
    return TICKETS.c.status == status.value


def _held_by(supplier: str) -> ColumnElement[bool]:
    return and_(TICKETS.c.status == TicketStatus.CLAIMED.value, TICKETS.c.supplier == supplier)


def _claim(connection: Connection, ticket_id: str, supplier: str, now: datetime, lease_seconds: float) -> bool:
    """One statement takes it, so that nobody gets in between; the events tell how."""
    row = connection.execute(select(TICKETS).where(TICKETS.c.id == ticket_id).with_for_update()).first()
    if row is None:
        raise MarketplaceError(f"there is no ticket {ticket_id}", hint="`orchestrator market list` names them all")
    mine = row.status == TicketStatus.CLAIMED.value and row.supplier == supplier and row.lease_until > now
    free = or_(_counts_as(TicketStatus.OPEN, now), _held_by(supplier))
    values = {
        "status": TicketStatus.CLAIMED.value,
        "supplier": supplier,
        "lease_until": now + timedelta(seconds=lease_seconds),
        "claims": TICKETS.c.claims + (0 if mine else 1),
    }
    if not _change(connection, ticket_id, now, values, free):
        return False
    if row.status == TicketStatus.CLAIMED.value and row.lease_until <= now:
        _note(connection, ticket_id, now, TicketEventKind.EXPIRED, row.supplier)
    _note(connection, ticket_id, now, TicketEventKind.RENEWED if mine else TicketEventKind.CLAIMED, supplier)
    return True


def _change(
    connection: Connection, ticket_id: str, now: datetime, values: dict[str, Any], *only_if: ColumnElement[bool]
) -> bool:
    statement = update(TICKETS).where(TICKETS.c.id == ticket_id, *only_if).values(**values, updated_at=now)
    return connection.execute(statement).rowcount > 0


def _note(
    connection: Connection, ticket_id: str, now: datetime, kind: TicketEventKind, who: str, detail: str = ""
) -> None:
    values = {
        "ticket_id": ticket_id,
        "timestamp": now,
        "kind": kind.value,
        "who": plain(who),
        "detail": plain(detail),
    }
    connection.execute(insert(TICKET_EVENTS).values(values))


def _rank(priority: float, created: datetime) -> float:
    return priority - AGING_PER_HOUR * created.timestamp() / 3600


def _query(now: datetime) -> Any:
    waiting = (
        select(func.count())
        .select_from(TICKET_WAITS)
        .where(TICKET_WAITS.c.ticket_id == TICKETS.c.id, TICKET_WAITS.c.status == WaitStatus.WAITING.value)
        .scalar_subquery()
    )
    return select(TICKETS, waiting.label("waiting"))


def _one(connection: Connection, ticket_id: str, now: datetime) -> Ticket:
    return _ticket(connection.execute(_query(now).where(TICKETS.c.id == ticket_id)).one(), now)


def _row(ticket: Ticket, now: datetime) -> dict[str, Any]:
    place = ticket.place
    return {
        "id": ticket.ticket_id,
        "repo": plain(ticket.repo),
        "goal_hash": ticket.goal_hash,
        "digest": ticket.digest,
        "goal": plain(ticket.goal),
        "signature": plain(ticket.signature),
        "goal_text": plain(ticket.goal_text),
        "name": plain(ticket.name),
        "place": plain({name: getattr(place, name) for name in place.__dataclass_fields__}),
        "labels": plain(ticket.labels),
        "constraints": plain(ticket.constraints),
        "environment": ticket.environment,
        "priority": ticket.priority,
        "rank": _rank(ticket.priority, now),
        "status": ticket.status.value,
        "reason": plain(ticket.reason),
        "created_at": now,
        "updated_at": now,
    }


def _ticket(row: Row[Any], now: datetime) -> Ticket:
    values: dict[str, Any] = dict(row._mapping)
    lists: dict[str, Any] = {name: tuple(values.pop(name)) for name in ("labels", "constraints", "premises")}
    place: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in values.pop("place").items()}
    ticket = Ticket(
        ticket_id=values.pop("id"),
        completed_proof=values.pop("proof"),
        place=TicketPlace(**place),
        status=TicketStatus(values.pop("status")),
        **lists,
        **{name: value for name, value in values.items() if name != "rank"},
    )
    ran_out = ticket.status is TicketStatus.CLAIMED and ticket.lease_until is not None and ticket.lease_until <= now
    return replace(ticket, status=TicketStatus.OPEN) if ran_out else ticket


def _requester(row: Row[Any]) -> TicketRequester:
    values = dict(row._mapping)
    values["status"] = WaitStatus(values["status"])
    return TicketRequester(**values)


def _event(row: Row[Any]) -> TicketEvent:
    values = dict(row._mapping)
    values["kind"] = TicketEventKind(values["kind"])
    return TicketEvent(**values)
