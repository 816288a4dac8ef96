"""The ledger's view of what goes on: the progress of runs, and blueprints as they were last seen."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from orchestrator.ledger.database import Section
from orchestrator.ledger.records import BlueprintNode, BlueprintRecord, NodeState, ProgressRecord, Working, plain
from orchestrator.ledger.tables import BLUEPRINTS, RUN_PROGRESS


class Monitoring(Section):
    """Progress and blueprints; each is written over by the next."""

    def set_progress(self, progress: ProgressRecord) -> None:
        """Say how far a run has come.

        Raises:
            LedgerError: the run was never started.
        """
        active = [{**asdict(work), "since": work.since.isoformat()} for work in progress.active]
        values = {
            "stage": plain(progress.stage),
            "detail": plain(progress.detail),
            "done": progress.done,
            "total": progress.total,
            "found": progress.found,
            "active": plain(active),
            "updated_at": self._now(),
        }
        statement = self._database.insert(RUN_PROGRESS).values(run_id=progress.run_id, **values)
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["run_id"], set_=values))

    def progress(self, run_id: str) -> ProgressRecord | None:
        """How far a run has come, None when it never said."""
        with self._database.read() as connection:
            row = connection.execute(select(RUN_PROGRESS).where(RUN_PROGRESS.c.run_id == run_id)).first()
        return None if row is None else _progress(row)

    def record_blueprint(self, blueprint: BlueprintRecord) -> None:
        """Keep a repository's blueprint in place of the one before.

        Raises:
            LedgerError: its run was never started.
        """
        values = {
            "commit": blueprint.commit,
            "run_id": blueprint.run_id,
            "nodes": plain([asdict(node) for node in blueprint.nodes]),
            "updated_at": self._now(),
        }
        statement = self._database.insert(BLUEPRINTS).values(repo=plain(blueprint.repo), **values)
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["repo"], set_=values))

    def blueprints(self) -> tuple[BlueprintRecord, ...]:
        """The blueprints of all repositories, the newest first."""
        query = select(BLUEPRINTS).order_by(BLUEPRINTS.c.updated_at.desc(), BLUEPRINTS.c.repo)
        with self._database.read() as connection:
            return tuple(_blueprint(row) for row in connection.execute(query))


def _progress(row: Row[Any]) -> ProgressRecord:
    values = dict(row._mapping)
    values["active"] = tuple(
        Working(**{**work, "since": datetime.fromisoformat(work["since"])}) for work in values["active"]
    )
    return ProgressRecord(**values)


def _blueprint(row: Row[Any]) -> BlueprintRecord:
    values = dict(row._mapping)
    values["nodes"] = tuple(_node(node) for node in values["nodes"])
    return BlueprintRecord(**values)


def _node(values: dict[str, Any]) -> BlueprintNode:
    lists = {name: tuple(values[name]) for name in ("declarations", "uses")}
    return BlueprintNode(**{**values, **lists, "state": NodeState(values["state"])})
