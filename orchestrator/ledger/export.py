"""The ledger as lines of JSON, and back: for a copy, for other programs, for putting two ledgers together.

Each line is an object with the table's name under "table". Everything goes: runs, goals, attempts, proofs, cached
tactics, statistics and their history, progress, blueprints and tickets; claims of goals do not, since they end by
themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from orchestrator.errors import LedgerError
from orchestrator.ledger.attempts import rebuild_counts
from orchestrator.ledger.columns import UtcDateTime
from orchestrator.ledger.database import Section
from orchestrator.ledger.tables import (
    ATTEMPT_TOTALS,
    ATTEMPTED_GOALS,
    ATTEMPTS,
    CLAIMS,
    METADATA,
    PROOFS,
    RUNS,
    TICKET_EVENTS,
    TICKETS,
)

_LEFT_OUT = (CLAIMS, ATTEMPTED_GOALS, ATTEMPT_TOTALS)
EXPORTED = {table.name: table for table in METADATA.sorted_tables if table not in _LEFT_OUT}
"""In this order a row never comes before the run or the ticket it names."""
_NUMBERED = {ATTEMPTS.name: "run_id", PROOFS.name: "run_id", TICKET_EVENTS.name: "ticket_id"}
"""Tables that number their rows, and what a row belongs to."""
_BATCH = 500


class ExportSection(Section):
    """Export and import."""

    def export(self, tables: Iterable[str] = tuple(EXPORTED)) -> Iterator[str]:
        """The rows of these tables, a line of JSON each, all of one moment."""
        with self._database.read() as connection:
            for name in tables:
                table = EXPORTED[name]
                rows = connection.execution_options(stream_results=True).execute(
                    select(table).order_by(*table.primary_key.columns)
                )
                for row in rows:
                    yield json.dumps({"table": name, **row._mapping}, ensure_ascii=False, default=datetime.isoformat)

    def restore(self, lines: Iterable[str]) -> Mapping[str, int]:
        """Add exported rows, all or none; how many, by table. What is here already under the same key stays.

        Attempts, proofs and what happened to tickets get new numbers; a run or a ticket that is here already is taken
        to have all of its own, and what belongs to none is told by its time and goal.

        Raises LedgerError: a line is not one of an export.
        """
        counts: dict[str, int] = {}
        numbered = enumerate(lines, start=1)
        with self._database.write() as connection:
            known = {
                "run_id": frozenset(connection.execute(select(RUNS.c.id)).scalars()),
                "ticket_id": frozenset(connection.execute(select(TICKETS.c.id)).scalars()),
            }
            unowned = {
                name: frozenset(connection.execute(_marks(table).where(table.c[_NUMBERED[name]].is_(None))).tuples())
                for name, table in ((ATTEMPTS.name, ATTEMPTS), (PROOFS.name, PROOFS))
            }
            while batch := list(islice(numbered, _BATCH)):
                by_table: dict[str, list[dict[str, Any]]] = {}
                for number, line in batch:
                    if line.strip():
                        name, values = self._row(number, line)
                        by_table.setdefault(name, []).append(values)
                for name, rows in by_table.items():
                    here = unowned.get(name, frozenset())
                    rows = [row for row in rows if (row.get("timestamp"), row.get("goal_hash")) not in here]
                    counts[name] = counts.get(name, 0) + self._add(connection, EXPORTED[name], rows, known)
            rebuild_counts(self._database, connection)
        return counts

    def _row(self, number: int, line: str) -> tuple[str, dict[str, Any]]:
        try:
            values = json.loads(line)
            table = EXPORTED[values.pop("table")]
            unknown = set(values) - set(table.c.keys())
            if unknown:
                raise KeyError(sorted(unknown)[0])
            if table.name in _NUMBERED:
                values.pop("id", None)
            return table.name, {key: _value(table, key, value) for key, value in values.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerError(
                f"line {number} is not one of an exported ledger: {error}",
                where=self._database.where,
                hint="Give a file that `orchestrator ledger export` has written. Nothing was added",
            ) from error

    def _add(
        self, connection: Connection, table: Table, rows: list[dict[str, Any]], known: Mapping[str, frozenset[str]]
    ) -> int:
        owner = _NUMBERED.get(table.name)
        if owner is not None:
            rows = [row for row in rows if row.get(owner) not in known[owner]]
        if not rows:
            return 0
        return connection.execute(self._database.insert(table).on_conflict_do_nothing(), rows).rowcount


def _marks(table: Table) -> Select[tuple[datetime, str]]:
    """What tells a row that belongs to no run from others of its kind."""
    return select(table.c.timestamp, table.c.goal_hash)


def _value(table: Table, key: str, value: Any) -> Any:
    timed = isinstance(table.c[key].type, UtcDateTime) and value is not None
    return datetime.fromisoformat(value) if timed else value
